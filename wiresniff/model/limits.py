"""Every bound: its name, its default, and where the number comes from. When one is reached, something is counted."""

MIB = 1 << 20

# capture
READ_BYTES = 8 * MIB
"""Read at a time from a capture file: some ten thousand packets; with more, memory grows and nothing gets quicker."""
SHARED_READ_BYTES = 16 * MIB
"""And where several processes share the connections: each has as much of a block as one has of those above."""
MAX_PACKET_BYTES = 256 * 1024
"""Largest captured length believed: libpcap's MAXIMUM_SNAPLEN; offloaded packets on loopback reach 64 KiB."""
MAX_BLOCK_BYTES = 16 * MIB
"""Largest pcapng block believed; larger ones end the file with a warning (a name resolution block is some KiB)."""
INTERFACES = 4096
"""Interfaces that one pcapng file may describe: far more than a busy node has pods."""
DECOMPRESSED_BYTES = MIB
"""Decompressed at a time: a file of zeros grows a thousandfold, memory does not."""
DECOMPRESSION_WINDOW_BYTES = 128 * MIB
"""Memory that a compressed file may ask for: zstd's own default and twice what `xz -9` needs."""
CONTINUATION_SECONDS = 0.01
"""A file that begins so long before another one's end still continues it: captures are disordered by milliseconds."""

RING_BYTES = 8 * MIB
"""Memory that the kernel fills with packets per interface, at most 2 GiB: at 100 MB/s it lasts 80 ms unread."""
RING_BLOCK_BYTES = MIB // 4
"""Of one block of the ring: holds the largest offloaded packets (64 KiB) without much waste at its end, and is a
thirty-second part of the ring, since a block is closed by time as well, however little is in it."""
RING_BLOCK_SECONDS = 0.3
"""After so long to twice that the kernel hands over a block that isn't full; a ring of 32 blocks then lasts 10 s. Each
time costs a look at everything, a millisecond or two; whoever waits for the first verdict waits for this."""
RING_BLOCK_SECONDS_OF_SEVERAL = 0.1
"""Where several interfaces have rings of their own: what they hold is put in order of time, as far as it has come."""
RING_READ_BYTES = 4 * MIB
"""Ring blocks that are waiting are taken together up to here: half of it costs two fifths more a request, twice as much
a sixth less, and memory."""
RING_GATHER_BYTES = 4 * MIB
"""Under load, packets are taken from the ring and kept until there are so many: what costs most is a connection's first
and last packet in a block, so a request costs half of what it does in blocks of 1 MiB."""
RING_GATHER_SECONDS = 0.3
"""And given after so long, however few there are: with several interfaces a block comes every tenth of a second."""
RING_PAUSE_SECONDS = 0.005
"""Meanwhile it is looked so often what has come: at 1 GB/s, two thirds of the default ring."""
RING_QUIET_PAUSE_SECONDS = 0.02
"""And so often while nothing much has: what comes at 350 MB/s all of a sudden still finds room."""
RING_ROOM = 1 / 8
"""Of a ring that may be waiting in it meanwhile; what is more is taken out."""
TICK_SECONDS = 0.25
"""Silence after which a live source says what time it is; so long a scrape may wait, too. Waking up on an idle machine
takes half a millisecond, whatever there is to do."""
INTERFACE_SECONDS = 0.5
"""How often a live source looks for interfaces that came or went."""
PORTABLE_PACKETS = 2000
"""Packets of a block where packets are taken one by one (not on Linux)."""

# decode
FRAGMENT_TABLE_BYTES = 4 * MIB
"""IP fragments that wait for their missing parts (Linux' own high mark, ipfrag_high_thresh)."""
FRAGMENT_SECONDS = 30
"""How long they wait (Linux, ipfrag_time)."""
FRAGMENT_COST_BYTES = 256
"""Charged to the table for each fragment beside its bytes: tiny ones cost memory too."""
HEADERS_PER_PACKET = 32
"""Tags, labels, tunnels and extension headers peeled off one packet; real ones have fewer than ten."""
TUNNELS = 4096
"""Networks in tunnels that are known to be another one seen from elsewhere: a cluster has some hundreds."""
TUNNEL_SIGHTS = 16_384
"""Packets remembered to find that out: those of a second on a busy interface, of which few need be remembered."""
TUNNEL_SIGHT_DOMAINS = 8
"""And of packets that are alike but for their tunnel: a packet passes two to four interfaces."""
TRANSLATIONS = 65_536
"""Connections that are known to be another one, seen on the other side of an address translation: as many as are
followed at once."""
TRANSLATION_SIDES = 4
"""Connections that show the same numbers at one time: more are no sides of a translation, but made by hand."""
LEAST_RANDOM_SEQUENCE = 1 << 20
"""Sequence numbers below prove nothing: captures made by hand begin at 0 or 1000 everywhere, of real ones (RFC 9293
3.4.1) one in 4096 so low."""
TRANSLATION_SIGHTS = 16_384
"""Segments of the last moment that are compared to find that out."""
PROTOCOL_NAMES = 64
"""Protocols without TCP counted apart by name; further ones are counted as `other`."""

# reassembly
CONNECTIONS = 65_536
"""Connections followed at once, per capture point."""
IDLE_SECONDS = 3600
"""A connection without a packet for so long is forgotten; its next packet joins late."""
ENDED_SECONDS = 10
"""An ended connection is remembered for so long, lest a late copy of its packets look like a new one."""
HALF_OPEN_SECONDS = 75
"""A SYN without an answer is forgotten after so long: Linux repeats one after 64 seconds at most. Scans, floods and
services that are down would fill the table, and push out connections that are only silent."""
WINDOW_BYTES = 64 * MIB
"""A segment further than this from its flow is not of this connection (largest receive window in use: 16 MiB)."""
STRANGE_SEGMENTS = 3
"""After so many such segments in a row the ports are in use by a new connection whose beginning was not seen."""
GAP_SECONDS = 0.05
"""Wait after the other side acknowledged past a hole: captures are disordered by milliseconds, not more."""
GAP_PACKETS = 64
"""Or so many further packets of the connection."""
REORDER_FLOW_BYTES = MIB
"""Out-of-order bytes kept per flow: larger than a receive window in common use."""
REORDER_FLOW_SEGMENTS = 1024
"""Out-of-order segments kept per flow: empty and tiny ones cost memory too."""
REORDER_TOTAL_BYTES = 32 * MIB
"""Out-of-order bytes kept in all."""

# protocols
PROBE_BYTES = 64
"""Bytes after which a flow must have shown what it is: longer than any method, shorter than one segment."""
HEAD_BYTES = 256 * 1024
"""Longest head of a message (cookies of 20 kB occur; servers stop at 8 KiB to 1 MiB)."""
HEADS_TOTAL_BYTES = 32 * MIB
"""Unfinished heads kept in all."""
BLOCKED_FLOW_BYTES = MIB
"""Bytes of a flow kept while their meaning depends on the other direction."""
PIPELINE_REQUESTS = 1024
"""Requests of a connection that wait for their response."""
EXCHANGE_SECONDS = 30
"""An exchange without the end of its response is reported after so long."""
HEADER_WINDOW_BYTES = 64 * 1024
"""HPACK: what is kept of the entries seen being added, per direction (name, value and 32 octets each). Most tables have
4 KiB, browsers' 64 KiB; what falls out of the window can no longer be resolved, and is not mistaken."""
CONTINUATION_FRAMES = 128
"""HTTP/2: frames of one header block behind its first; 256 KiB in frames of the usual 16 KiB are 16."""
HEADER_BLOCKS = 64
"""HTTP/2: header blocks per flow of which it is remembered what they said; then all are forgotten and learned anew.
Clients have a form per method that they call, servers repeat two or three blocks."""
HEADER_BLOCK_BYTES = 512
"""HTTP/2: longest of them. Where the table is in use a block has some 50 octets, and 150 with its traceparent."""
HEADER_BLOCKS_TOTAL_BYTES = 32 * MIB
"""HTTP/2: and what they take in all flows together: some 50,000 blocks, five for each flow of 5,000 connections."""
OPEN_STREAMS = 4096
"""HTTP/2: streams of a connection that wait for their end; servers allow 100 to 1,000."""
EARLY_RESPONSES = 256
"""HTTP/2: streams of a connection whose response came before the request: captures are disordered by milliseconds."""
EARLY_RESPONSES_PER_STREAM = 8
"""HTTP/2: what is kept of each: interim responses, the final one, trailers, its end."""
SEARCH_BYTES = 32 * 1024
"""HTTP/2: bytes of a flow kept while frames are looked for in it: HEADERS of the usual 16 KiB, and a few more."""
HEADER_LIST_BYTES = MIB
"""HPACK: decoded size of a header block. One octet may stand for an entry as large as the table; servers take 8 KiB to
256 KiB."""
HPACK_INTEGER_OCTETS = 5
"""HPACK: octets of an integer behind its prefix: 35 bits. Table sizes have 32."""
HEADER_WINDOWS_TOTAL_BYTES = 64 * MIB
"""HPACK: windows of all directions of all connections: 8,000 connections with full tables of 4 KiB. The window that
grows beyond begins anew, and its connection is then like one that was joined late."""
UNSEEN_ENTRIES = 1024
"""HPACK: entries of before the window that are told apart at a time, per direction: 4 KiB hold at most 128."""
LEARNED_NAMES = 1024
"""HPACK: names learned of such entries and remembered, per direction."""

RECURRENCE_REQUESTS = 8
"""Requests after which a header field that is only referred to is not the value of one request..."""
RECURRENCE_SECONDS = 10
"""...if they are so far apart: longer than one inbound request keeps a client calling."""
RECURRENCE_IDS_TOTAL = MIB
"""Ids of such requests remembered in all, some 100 bytes each: 14 (two of each of the first seven) for 75,000 fields.
Without room for them a request does not count."""
VERDICT_SECONDS = 25
"""A request waits so long for later ones to show what the fields are that it refers to: more than twice the above, and
with `VERDICT_GRACE_SECONDS` no longer than an exchange waits for its response."""
VERDICT_GRACE_SECONDS = 5
"""Without a later request: so much longer, since packets that are late may still bring one."""
VERDICTS_WAITING = 1024
"""Requests that wait so, per connection."""
VERDICTS_WAITING_BYTES = 16 * MIB
"""And what they take in all, fields included: some 15,000 usual ones."""
TABLE_ENTRIES = 1024
"""Header table entries from before the capture of which something is remembered, per connection: a table of 64 KiB,
sixteen times the usual, holds about as many."""
TABLE_ENTRIES_TOTAL = 262_144
"""And in all: some ten for each of 20,000 connections (about 200 bytes each)."""
NAMES_INFERRED = 16
"""Names inferred per connection, until a gap ends what is known of its entries: there are four, each of one entry."""

# hops
HOP_HORIZON_SECONDS = 600
"""A request is joined by identifiers with what its sender received so long before: retries, queues, background work."""
HOP_TRACES = 4096
"""Traces received, of which the requests are remembered, in all, the oldest going first: some seconds of a busy node.
Open requests are the newest, and followed anyway; of older ones it matters only that they came (1.7 kilobytes each)."""
HOP_TRACES_IN_OUTLINE = 32_768
"""Older traces of which it is remembered that they came, and with which parent-id (150 bytes each)."""
HOP_KEYS = 16_384
"""And auxiliary ids of theirs."""
HOP_ADDRESSES = 16_384
"""Addresses known that only call, that are only called, and that do both, each; a network has thousands."""
HOP_RECENT = 8
"""Requests remembered of a server that has called nobody yet, in case its first call continues one of them."""
HOP_RECENT_SERVERS = 1024
"""Servers of which that is remembered."""
HOP_OPEN = 4096
"""Open requests followed per instance: as many as one connection of HTTP/2 may have."""
HOPS_OPEN = 65_536
"""Open requests followed in all, and as many calls of theirs: one for each connection that is followed."""
HOPS_OPENED = 16_384
"""Open requests remembered that take no part, in case an end of theirs is met in its second role before they end."""
HOPS_WAITING = 200_000
"""Heads, ends and settled requests that wait, for half a second of capture time, to be taken in order of time."""
WATCHED_EVENTS = 200_000
"""Of a worker of a shared watch, that wait until all others have come as far: seconds of a busy one, where another one
is stopped."""
HOP_REQUESTS_PER_TRACE = 8
"""Requests of one trace remembered per instance, the latest: a trace enters a service once, rarely twice."""
HOP_INSTANCE_SECONDS = 7200
"""An address that neither called nor was called for so long is forgotten: its connections were forgotten before."""
TRAIL_STEPS = 10_000
"""Requests shown of a trace that is followed; a trace of more is a loop or a constant."""
TRAIL_ASIDES = 100_000
"""Requests without a known cause remembered, the latest, to say how many left a service meanwhile."""
HOP_SENDERS = 50
"""User agents and operations told apart per pair."""
HOP_PEERS = 50
"""Services that one instance calls whose rates of calls are told apart, each with and without a context: a service
calls a dozen. Of what it calls beyond, it is not known how much is background: verdicts by time stay `possible`."""
HOP_CHANNELS = 4096
"""Connections of which it is remembered whether they carried contexts."""

# tracecontext
BAGGAGE_MEMBERS = 180
"""Baggage members judged of one message, the number in the grammar of W3C Baggage; from 65 on the list is counted as
`baggage-over-guaranteed-size`."""

# audit
PAIRS = 1000
"""Service pairs counted apart; further ones are counted as `other`."""
PAIR_SECONDS = 3600
"""A pair without a request or a byte for so long leaves the table of pairs by address, and the metrics; what the report
says of it stays."""
OPERATIONS_PER_PAIR = 50
"""Operations (method and path) counted apart per pair; further ones as `other`."""
RECORD_WINDOW_SECONDS = 1
"""Exchange records are put in order of time within this."""
RECORD_WINDOW_RECORDS = 20_000
"""And within so many, whichever is less."""
SIGHTS = 200_000
"""Requests remembered to count those once that several capture points saw: those of some thirty seconds at 6,000 a
second, since one point may have seen no end of what another one saw answered."""
JOINED_CONNECTIONS = 65_536
"""Connections remembered of which one point sees the client's side of a translation, and another the server's: as many
as are followed at once. Of one that is forgotten and goes on, what holds for a connection is found out again."""
NAMES = 10_000
"""Host names and addresses remembered for naming."""
EXEMPTION_MEMORY = 1000
"""User agents, gRPC services and pairs whose exemptions are remembered, each: a network shows dozens of each."""

# witnesses
WITNESS_WINDOW_BYTES = 64 * MIB
"""What passed last and can't be read a second time (a live interface, a pipe), kept to find the packets of a witness
in: some seconds of a busy interface. A request that is judged later than that is left out of the witness file."""
WITNESS_FILE_BYTES = 64 * MIB
"""What is kept of witnesses to be written, masked; three of each finding are some MiB."""
WITNESS_EARLY_SECONDS = 1
"""Packets of a head that lie before the one which begins it in a capture: they are out of order by milliseconds."""
WITNESS_ANSWERS = 4096
"""Packets of answers, without their payload, remembered per witness until it is known which of them answers it."""
WITNESS_HANDSHAKES = 16_384
"""Connections whose handshakes are remembered, for witnesses to come: three packets of some 100 bytes each."""
COMMENT_BYTES = 8192
"""Longest comment written to a packet; Wireshark shows some lines."""

# metrics
EXTERNAL_PAIRS = 250
"""Of `PAIRS`, those that may have an end outside, so that addresses outside don't push real services into `other`."""
INTERFACE_SERIES = 256
"""Interfaces whose counters are shown apart; further ones are counted as `other`. A node has some 110 pods."""
HTTP_CONNECTIONS = 32
"""Connections of those who read metrics, at once: two Prometheus servers, probes, a person. With more, the one that has
waited longest for its client goes."""
HTTP_HEAD_BYTES = 16 * 1024
"""Longest request head read: Prometheus' own have some 500 bytes."""
HTTP_HEAD_SECONDS = 5
"""A request head that takes longer ends its connection; so does a TLS handshake."""
HTTP_IDLE_SECONDS = 120
"""A connection waits so long for its next request: scrapes come every minute or oftener."""
HTTP_WRITE_SECONDS = 15
"""A response that its client doesn't read within so long ends the connection: longer than any scrape may take."""
PASSWORDS_REMEMBERED = 100
"""Answers of bcrypt that are remembered; each takes it a tenth of a second."""

# config
POLICY_BYTES = 256 * 1024
"""Largest policy file: some thousand services; more is not a policy, and YAML takes seconds to read it."""
POLICY_VALUES = 50_000
"""Values read from a policy file, aliases counted each time (a few lines of aliases can mean a billion values)."""
POLICY_DEPTH = 16
"""Mappings and lists within each other; a policy needs four."""
