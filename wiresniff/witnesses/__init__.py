"""The packets that prove findings, as a capture that may be shown: `--witnesses FILE.pcapng`.

Theory of operation. A finding names up to three requests, each by its place: which capture, which packet its head
begins in, which connection, which stream, where in the packet. A request that came in and caused such a request is
looked for with it. What belongs to a place (`sought`) is the packets of its head, the one that its answer's head ends
in, and the handshake of its connection (`handshakes`).

Files are read a second time (`second_pass`): connections with such a request go through the stages of the audit again,
so that what a request of HTTP/2 said is known, whatever it was compressed against; all others end at decoding. What
passes only once, a live interface or a pipe, is kept in memory for a while, and searched when a witness is made
(`window`).

What was found becomes a proof (`proofs`): packets whose payload says nothing but what may be shown. A head of HTTP/1
keeps its bytes, in its packets, with all values overwritten that the audit doesn't read (`masks`); what lay before and
behind it in these packets is left out. A head of HTTP/2 is written anew as literals (`frames`), in the packet that it
began in. Of an answer the status is written. Bodies never are: nothing is taken from them at all.

What lies around a payload stays as it was captured, tunnels and tags included; lengths, checksums and, for HTTP/2,
sequence numbers are put right (`envelope`). `witness_file` puts the packets in order and says on each what it proves,
what was done to it, and where the original is.

What it refuses to do: to write a packet of which it doesn't know what every byte of its payload means.
"""
