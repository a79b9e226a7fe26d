"""What every anomaly means: trouble on the wire that blames no service."""

from wiresniff.model.anomalies import Anomaly
from wiresniff.report.explanations.entry import Explanation

ANOMALIES = (
    Explanation(
        Anomaly.TRUNCATED_HEADERS,
        "a packet ends inside its headers",
        "The captured bytes of a packet end within a header before its payload. It was counted and left out.",
        "RFC 791 3.1, RFC 8200 3, RFC 9293 3.1: lengths of the headers.",
        "Capture whole packets (tcpdump -s 0).",
    ),
    Explanation(
        Anomaly.BAD_HEADER,
        "a header contradicts itself",
        "A length is shorter than the header it belongs to, or the version is none. The packet was left out.",
        "RFC 791 3.1, RFC 8200 3, RFC 9293 3.1.",
        "A few are noise or an attack; many mean that the link type of the capture is wrong.",
    ),
    Explanation(
        Anomaly.FRAGMENT_DROPPED,
        "IP fragments that never became a packet",
        "Parts of a fragmented packet did not arrive within 30 seconds, or did not fit the memory for them.",
        "RFC 791 3.2, RFC 8200 4.5.",
        "TCP hardly ever needs fragments: look for a tunnel whose packets are larger than the network's MTU.",
    ),
    Explanation(
        Anomaly.FRAGMENT_OVERLAP,
        "IP fragments overlap with different bytes",
        "Two fragments claim the same place with different content; the first was kept. Hosts differ in which they "
        "keep.",
        "RFC 5722: overlapping fragments of IPv6 are forbidden; RFC 1858 tells the attack.",
        "Treat it as an attack until it is shown to be a defect.",
    ),
    Explanation(
        Anomaly.TOO_MANY_TUNNELS,
        "more tunnels of one network than are remembered",
        "Tunnels whose packets are seen elsewhere too, or whose two directions have different numbers, are joined to "
        "one network. So many of them are known that further ones stay apart: their requests may be counted twice, or "
        "be seen in one direction only.",
        "No standard: the bound is far above what a cluster has.",
        "Capture on fewer interfaces, or with a filter.",
    ),
    Explanation(
        Anomaly.TOO_MANY_TRANSLATIONS,
        "more translated connections than are remembered",
        "Connections that are seen on both sides of an address translation are joined to one. So many of them are "
        "known that the one which was silent longest is two again: its requests may be counted twice.",
        "No standard: the bound is the number of connections that are followed at all.",
        "Capture on one side of the translation only: where the pods are, say.",
    ),
    Explanation(
        Anomaly.TIME_JUMP,
        "the capture's clock jumped by more than an hour",
        "Packet times within one capture went forwards or backwards by more than an hour. Timers follow only when the "
        "packets after it agree.",
        "No standard: packet times are those of the capturing clock.",
        "Captures that were merged, or a clock that was set: give the captures one by one.",
    ),
    Explanation(
        Anomaly.OVERLAP_DIFFERS,
        "a retransmission carries other bytes than the first copy",
        "The same stretch of a TCP stream was seen twice with different bytes; the first copy was kept. What the "
        "receiver took is not known. The number is a sample: bytes are not kept once they were handed on, so a copy "
        "is compared where the first one still waits for bytes before it, or came with the packets that are read at "
        "the same time. How many packets those are depends on file or interface, load and `--jobs`.",
        "RFC 9293 3.10.7.4: a receiver trims what it has already.",
        "A middlebox that rewrites, two connections that look like one, or an attack on the sniffer.",
    ),
    Explanation(
        Anomaly.WINDOW_FULL,
        "more data out of order than is kept",
        "So much data came ahead of a hole that the hole was declared a gap. Requests in it were not seen.",
        "No standard: the bound is larger than a receive window in common use.",
        "The capture loses packets: a larger buffer (tcpdump -B) or a filter helps.",
    ),
    Explanation(
        Anomaly.OUT_OF_WINDOW,
        "a segment that belongs to nothing seen",
        "Its sequence number is so far from its flow that it can't be part of it. It was ignored, as its receiver "
        "does.",
        "RFC 9293 3.4: sequence numbers; RFC 5961: segments blindly injected.",
        "Ports used again without their SYN in the capture, or an attempt to inject data.",
    ),
    Explanation(
        Anomaly.CONFLICTING_LENGTHS,
        "a message states two lengths",
        "Content-Length twice with different values, or beside Transfer-Encoding. Two receivers may see different "
        "messages in it, which is request smuggling.",
        "RFC 9112 6.3: reject, or let Transfer-Encoding decide and close.",
        "Find the sender: a proxy that adds a length to a chunked message, or an attack.",
    ),
    Explanation(
        Anomaly.BAD_CHUNK,
        "a chunk size that is none",
        "Where a chunk of a body should begin, no hexadecimal size stands. The rest of the connection was searched for "
        "the next message.",
        "RFC 9112 7.1.",
        "A sender that counts wrong, or bytes that the capture lost.",
    ),
    Explanation(
        Anomaly.BAD_START_LINE,
        "no request line and no status line where one must be",
        "A message should begin here, and other bytes do. The connection was searched for the next message.",
        "RFC 9112 2.1, 3 and 4.",
        "Another protocol on that port, or a body longer than its Content-Length said.",
    ),
    Explanation(
        Anomaly.HEAD_TOO_LONG,
        "a head longer than the limit",
        "The head of a message did not end within 256 KiB. It can't be judged: the verdict is indeterminate.",
        "RFC 9110 5.4: the standard sets no limit; every receiver sets one.",
        "Look at the sender: a cookie or a token that grows with each request is the usual reason.",
    ),
    Explanation(
        Anomaly.BARE_LF,
        "lines end in LF alone",
        "Lines of a head end without CR. They were read as lines, as most servers do.",
        "RFC 9112 2.2: a recipient may accept a single LF as line end; senders must send CRLF.",
        "A home-made client. It works, until it meets a strict server.",
    ),
    Explanation(
        Anomaly.OBS_FOLD,
        "a field value goes on in the next line",
        "A line of a head begins with a blank and continues the value before it: a form given up long ago.",
        "RFC 9112 5.2: a sender must not send it.",
        "An old library, or an attempt to slip a field past a proxy.",
    ),
    Explanation(
        Anomaly.BAD_FIELD_LINE,
        "a header line that is no field",
        "A line of a head has no colon, or blanks before it. It was left out; the other fields were read.",
        "RFC 9112 5.1: no blank between name and colon.",
        "A home-made client, or an attempt to slip a field past a proxy.",
    ),
    Explanation(
        Anomaly.RESPONSE_WITHOUT_REQUEST,
        "a response whose request was not seen",
        "The request was sent before the capture began, or lies in a gap. Nothing can be said of it.",
        "RFC 9112 9.3: responses come in the order of their requests.",
        "Nothing; many of them mean that only one direction, or a part, was captured.",
    ),
    Explanation(
        Anomaly.PIPELINE_TOO_DEEP,
        "more requests without an answer than are followed",
        "So many requests wait on one connection that the oldest were settled without their response.",
        "RFC 9112 9.3.2: pipelining has no limit in the standard.",
        "Look at the client; more likely only one direction was captured.",
    ),
    Explanation(
        Anomaly.BLOCKED_TOO_LONG,
        "bytes waited too long for the other direction",
        "What bytes mean depends on the other direction (after CONNECT or Upgrade, for instance), and it did not come "
        "before the limit was reached. They count as opaque.",
        "RFC 9110 7.8 and 9.3.6: the answer decides what follows.",
        "The other direction is not in the capture, or very late: mirror both directions.",
    ),
    Explanation(
        Anomaly.BAD_FRAME,
        "a frame of HTTP/2 that no sender makes",
        "A frame has a length or a stream that its type can't have, or stands where it must not. What was taken for a "
        "frame may be none: the next one is looked for.",
        "RFC 9113 4.1, 4.2 and 6.",
        "Another protocol behind an HTTP/2 preface, a broken sender, or bytes that the capture lost without a trace.",
    ),
    Explanation(
        Anomaly.BAD_HEADER_BLOCK,
        "a header block that can't be decoded",
        "A header block of HTTP/2 contradicts HPACK. What stood before the contradiction was read; the header table is "
        "unknown from there on, as in a connection joined late.",
        "RFC 7541; RFC 9113 4.3: a receiver ends the connection.",
        "A broken or hostile sender. If the connection goes on regardless, the capture may have lost bytes.",
    ),
    Explanation(
        Anomaly.CONTINUATION_FLOOD,
        "a header block in endless pieces",
        "A header block went on over more CONTINUATION frames than any sender needs. It can't be judged: the verdict "
        "is indeterminate.",
        "RFC 9113 6.10 sets no limit; receivers set one since the attack became known (CERT/CC VU#421644).",
        "Look at the sender: this is an attack, or a test of one.",
    ),
    Explanation(
        Anomaly.TOO_MANY_STREAMS,
        "more open streams than are followed",
        "So many streams of one connection wait for their end that the oldest were settled without it.",
        "RFC 9113 5.1.2: the receiver limits them; 100 to 1,000 are usual.",
        "Only the client's direction was captured, or a client that opens streams without end.",
    ),
    Explanation(
        Anomaly.HEADER_WINDOWS_FULL,
        "more header tables than are remembered",
        "The header tables of all HTTP/2 connections together exceeded the limit, and one was forgotten. Its "
        "connection goes on like one that was joined late.",
        "RFC 7541 2.3.2: each connection has a table per direction.",
        "Many thousands of busy connections: watch fewer of them at one place.",
    ),
)
