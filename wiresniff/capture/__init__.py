"""Capture files, standard input and live interfaces -> PacketBlock.

Theory of operation. A `ByteStream` gives the bytes of a file or of standard input, decompressed when their beginning
says that they are compressed, as they come. A record format (`Pcap`, `Pcapng`) is a machine without I/O: it is fed a
buffer, gives the columns of the whole records in it, says how many bytes it used, and is fed again from there on. Only
the walk from record to record is a loop; every other field is gathered. `CaptureFile` joins the two, cuts the columns
into blocks, and keeps a summary. `capture_points` merges several files by time and decides which continues which.

Input that is no capture is a `CaptureError` at the person, with what it looks like. A capture that is cut short or
damaged ends there: the whole packets before are given, and the summary warns. After a false length nothing can be
believed, so nothing is searched for behind it.

Live, the kernel writes packets into a ring in memory, block by block, of which `LiveSource` makes packet blocks: the
same as those of files, without packet numbers. Making sockets needs a right; watching on, also of interfaces that come
again, needs none, so that it can be given up.

    stream       bytes of a file, a pipe or standard input; gzip, zstd, xz
    records      the columns of a format's records
    pcap         the classic format
    pcapng       sections, interfaces, packet blocks
    clock        timestamps of pcapng
    pcapng_writer  the same format written, each packet with a comment
    source       one capture -> packet blocks
    order        several captures -> capture points
    filter       an expression of tcpdump, applied to blocks
    bpf          the programs that such expressions are compiled to, run over columns
    looks_like   what a file that is no capture probably is

    live            interfaces -> packet blocks and ticks
    watched         one interface: its sockets, its counts, what becomes of it
    ring            the memory that the kernel writes packets to
    packet_socket   AF_PACKET sockets
    kernel_filter   the programs that the kernel runs on packets
    fanout          the one by which it shares them between processes
    interfaces      what interfaces there are
    rights          what this process may do, and how it gives it up
    portable        live packets through scapy, elsewhere than on Linux

Memory: one block of `limits.READ_BYTES` per file that is read at the time, plus the record that is not finished; live,
the ring of each interface.
"""

from wiresniff.capture.filter import Filter
from wiresniff.capture.order import capture_points
from wiresniff.capture.source import CaptureFile, open_captures

__all__ = ["CaptureFile", "Filter", "capture_points", "open_captures"]
