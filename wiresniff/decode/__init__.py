"""PacketBlock -> SegmentBlock: what the headers of a packet say, as far as TCP.

Theory of operation. A block's packets are decoded together, in columns, one header at a time: the link header gives
the position of the IP header and its ethertype (`link`), the IP header that of the TCP header and the end of the
datagram (`ip`), the TCP header the payload (`tcp`). Each step reads all rows at once and says which of them it
understands; those it doesn't (fragments, extension headers, rare encapsulations, anything odd) go one by one to the
scalar path (`scalar`), which is exact, names what is wrong, and for a good packet finds the same things: two addresses,
a TCP header position, a datagram end. From there on its rows join the columns again. Fragments wait in a bounded table
(`fragments`) until their datagram is whole; its bytes are then appended to the block's.

Lengths. Three ends are known for each packet: what was captured, what was on the wire, what the IP header claims. The
IP header decides where the payload ends (Ethernet pads short packets), unless it claims more than was on the wire or
nothing at all (0, as segmentation offload leaves it above 64 KiB): then the wire decides. What is missing of the
payload at the end of the captured bytes is `cut_length`, never payload.

Tunnels. UDP headers are read in columns; behind the ports of VXLAN and GENEVE the inner packets go through the same
kernels again, as rows of a shorter block (`tunnels`). Tunnels in tunnels, GRE, ERSPAN and IP in IP go one by one. What
is in a tunnel is of another network: its domain (`domains`) is a hash of what the tunnel is told by. That two domains
are one network after all, since a packet was seen in both or each has one direction of a connection, is proven by
packets (`networks`); from then on their rows have one domain. Other UDP is counted by name, as far as first bytes tell.

Address translation. A connection that passes twice, with the addresses before a translation and with those behind, is
found by its sequence numbers (`translations`); from then on its rows have one key, and some come twice.

Not done here: checksums are never verified (offload makes them wrong on every capturing host).

    headers     the table of wire headers
    names       words for what holds no TCP
    link        link headers and VLAN tags in columns
    ip          IPv4 and IPv6 headers in columns
    udp         UDP headers in columns; names for what can't be read
    tunnels     VXLAN and GENEVE in columns; all tunnels one by one
    tcp         TCP headers in columns
    domains     VLAN tags and tunnels as one number
    networks    domains that are proven to be one network
    translations  both sides of an address translation as one connection
    endpoints   the undirected key of a connection, its direction and its hash
    cursor      one packet at a time: where its next header begins
    scalar      everything the columns don't take, and which header follows which
    fragments   IP fragments put together, bounded
    segments    rows on their way through all this
    decoder     the order of all this; counters
"""
