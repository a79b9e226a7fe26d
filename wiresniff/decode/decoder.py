"""The order of the kernels, what falls through to the scalar path, and what is counted."""

from collections import Counter
from dataclasses import dataclass
from secrets import randbits
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import enough, is_among, pick
from wiresniff.decode import endpoints, headers, names, scalar, tunnels, udp
from wiresniff.decode.cursor import Cursor, Found, Stop
from wiresniff.decode.domains import Domains
from wiresniff.decode.endpoints import End
from wiresniff.decode.fragments import FragmentTable
from wiresniff.decode.ip import read_ipv4, read_ipv6
from wiresniff.decode.link import LINKS, LinkColumns, put, read_tags, unread
from wiresniff.decode.networks import Networks
from wiresniff.decode.segments import NOTHING, Datagrams, Segments, in_order, join
from wiresniff.decode.tcp import find_payload, read_tcp
from wiresniff.decode.translations import Translations
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.packets import PacketBlock
from wiresniff.model.segments import SegmentBlock

IP_HEADERS: Final = {
    headers.ETHERTYPE_IPV4: (headers.IPV4, read_ipv4),
    headers.ETHERTYPE_IPV6: (headers.IPV6, read_ipv6),
}
"""Ethertype -> the fixed header and its kernel."""

FOLLOWED: Final = {
    headers.ETHERTYPE_IPV4: is_among(np.arange(headers.PROTOCOLS), scalar.IPV4_PROTOCOLS.peelers),
    headers.ETHERTYPE_IPV6: is_among(np.arange(headers.PROTOCOLS), scalar.IPV6_PROTOCOLS.peelers),
}
"""Ethertype -> for each protocol number, whether the scalar path reads on behind it: (256,) bool."""

TUNNELS_IN_COLUMNS = 1
"""VXLAN or GENEVE read in columns; a tunnel within one is left to the scalar path."""


@dataclass(slots=True)
class Packets:
    """A block's packets, or those in its tunnels, with their link headers read: columns of one row a packet."""

    raw: NDArray[np.uint8]
    captured_end: NDArray[np.int64]
    wire_end: NDArray[np.int64]
    link: LinkColumns


@dataclass(slots=True)
class Sorted:
    """Some packets by what the columns make of them; those that hold neither TCP nor UDP are counted."""

    tcp: list[Datagrams]
    udp: list[Datagrams]
    rest: list[NDArray[np.int64]]
    """Rows that the scalar path must read."""


class Decoder:
    """Decodes the blocks of one capture point, in capture order.

    hash_key  64 bits that make `connection_hash`; None for random ones, so that nobody can aim at a collision. Decoders
              whose hashes are compared (several processes on one capture) must be given the same.
    """

    def __init__(self, hash_key: int | None = None) -> None:
        key = randbits(64) if hash_key is None else hash_key
        self._secret = endpoints.multipliers(key)
        self._domains = Domains(key)
        self._networks = Networks(self._secret)
        self._translations = Translations(self._secret)
        self._fragments = FragmentTable()
        self._now_ns = 0
        self._counts: Counter[str] = Counter()
        self._anomalies: Counter[str] = Counter()
        self._not_tcp: Counter[str] = Counter()

    def feed(self, block: PacketBlock) -> SegmentBlock:
        """Return the TCP segments of a block, in capture order.

        A datagram that came in fragments is a segment of the block that completes it. The segments' buffer is the
        block's own, longer by the payloads of such datagrams when there are any.
        """
        if not len(block):
            return self._pass_time(block)
        self._count_packets(block)
        packets = self._read_links(block)
        found, rest = self._find_in_columns(packets, TUNNELS_IN_COLUMNS)
        interface = block.interface if packets.link.interface is None else packets.link.interface
        buffer, unusual = self._find_one_by_one(block, packets, interface, np.sort(rest))
        found += unusual
        self._now_ns = max(self._now_ns, block.now_ns)
        self._fragments.expire(self._now_ns)
        raw = packets.raw if buffer is block.buffer else np.frombuffer(buffer, dtype=np.uint8)
        segments = in_order([self._read_segments(raw, datagrams) for datagrams in found])
        time_ns = pick(block.timestamp_ns, segments.packet_rows)
        if self._domains.has_tunnels:
            self._networks.join(segments, time_ns)
        else:
            self._networks.remember(segments, time_ns, len(time_ns))
        self._translations.join(segments, time_ns)
        return self._segment_block(block, buffer, interface, segments, time_ns)

    def _pass_time(self, tick: PacketBlock) -> SegmentBlock:
        """Take a tick: four a second, on machines that do nothing else."""
        self._now_ns = max(self._now_ns, tick.now_ns)
        self._fragments.expire(self._now_ns)
        return NOTHING

    def flush(self, now_ns: int) -> tuple[SegmentBlock, ...]:
        """End the input: fragments that still wait are counted as dropped. No segment comes of it."""
        self._now_ns = max(self._now_ns, now_ns)
        self._fragments.clear()
        return ()

    def counters(self) -> Counter[str]:
        """Return what was counted so far, under the names of `model.accounting`."""
        return Counter(self._counts)

    def anomalies(self) -> Counter[str]:
        """Return packets (of fragments: fragments) in trouble so far, per Anomaly."""
        return self._anomalies + self._fragments.anomalies + self._networks.anomalies + self._translations.anomalies

    def evictions(self) -> Counter[str]:
        """Return what found no room so far, per bounded table."""
        return self._networks.evictions + self._translations.evictions

    def not_tcp(self) -> Counter[str]:
        """Return packets without TCP so far, per protocol or link type."""
        return Counter(self._not_tcp)

    # --- steps, in order ---------------------------------------------------------------------------------------------

    def _count_packets(self, block: PacketBlock) -> None:
        self._counts["packets"] += len(block)
        self._counts["captured_bytes"] += int(block.captured_length.sum())
        self._counts["wire_bytes"] += int(block.wire_length.sum())

    def _read_links(self, block: PacketBlock) -> Packets:
        """Read the link header of every packet, by link type."""
        captured_end = block.offset + block.captured_length
        wire_end = block.offset + block.wire_length
        if len(set(block.link_types)) == 1:
            link = self._read_link(block.raw, block.offset, captured_end, block.interface, block.link_types[0])
        else:
            link = unread(block.offset, block.interface)
            link_type = np.array(block.link_types, dtype=np.int64)[block.interface]
            for one_type in np.unique(link_type).tolist():
                rows = np.flatnonzero(link_type == one_type)
                put(link, rows, self._read_link(
                    block.raw, block.offset[rows], captured_end[rows], block.interface[rows], one_type
                ))  # fmt: skip
        link = read_tags(block.raw, link, captured_end)
        return Packets(block.raw, captured_end, wire_end, link)

    def _read_link(
        self, raw: NDArray[np.uint8], at: NDArray[np.int64], captured_end: NDArray[np.int64],
        interface: NDArray[np.int64], link_type: int,
    ) -> LinkColumns:  # fmt: skip
        """Read the link headers of packets of one link type; count what can't be read."""
        kind = LINKS.get(link_type)
        if kind is None:
            self._count_not_tcp("unknown_link_packets", names.link_type_name(link_type), len(at))
            return unread(at, interface)
        is_whole = enough(at, captured_end, kind.size)
        if is_whole.all():
            return kind.read(raw, at)
        rows = np.flatnonzero(is_whole)
        self._count_anomaly(Anomaly.TRUNCATED_HEADERS, len(at) - len(rows))
        link = unread(at, interface)
        put(link, rows, kind.read(raw, at[rows]))
        return link

    def _find_in_columns(
        self, packets: Packets, tunnels_left: int
    ) -> tuple[list[Datagrams], NDArray[np.int64]]:  # fmt: skip
        """Return the datagrams with TCP that the columns find, and the rows that the scalar path must read."""
        found = Sorted([], [], [self._not_ip(packets)])
        for ethertype in IP_HEADERS:
            self._read_ip(packets, ethertype, found)
        for datagrams in found.udp:
            self._read_udp(packets.raw, datagrams, found, tunnels_left)
        return found.tcp, np.concatenate(found.rest)

    def _read_ip(self, packets: Packets, ethertype: int, found: Sorted) -> None:
        """Read the IP headers of one version."""
        packet_rows = np.flatnonzero(packets.link.ethertype == ethertype)
        if not len(packet_rows):
            return
        header, read = IP_HEADERS[ethertype]
        at = pick(packets.link.network_at, packet_rows)
        captured_end = pick(packets.captured_end, packet_rows)
        wire_end = pick(packets.wire_end, packet_rows)
        is_whole = enough(at, captured_end, header.itemsize)
        if not is_whole.all():
            found.rest.append(packet_rows[~is_whole])
            whole = np.flatnonzero(is_whole)
            packet_rows, at, captured_end, wire_end = (
                packet_rows[whole],
                at[whole],
                captured_end[whole],
                wire_end[whole],
            )
        ip = read(packets.raw, at, captured_end, wire_end)
        datagrams = Datagrams(
            packet_rows, ip.transport_at, captured_end, ip.end, ip.source, ip.destination,
            pick(packets.link.domain, packet_rows), ethertype == headers.ETHERTYPE_IPV4,
        )  # fmt: skip
        is_tcp = ip.is_plain & (ip.protocol == headers.PROTOCOL_TCP)
        if is_tcp.all():
            found.tcp.append(datagrams)
            return
        if is_tcp.any():
            found.tcp.append(datagrams.only(is_tcp))
        is_udp = ip.is_plain & (ip.protocol == headers.PROTOCOL_UDP)
        if is_udp.any():
            found.udp.append(datagrams.only(is_udp))
        other = np.flatnonzero(~(is_tcp | is_udp))
        is_followed = FOLLOWED[ethertype][ip.protocol[other]] | ~ip.is_plain[other]
        self._count_protocols(ip.protocol[other[~is_followed]])
        found.rest.append(packet_rows[other[is_followed]])

    def _read_udp(self, raw: NDArray[np.uint8], datagrams: Datagrams, found: Sorted, tunnels_left: int) -> None:
        """Read UDP headers: count what is opaque, go into tunnels."""
        ends = np.minimum(datagrams.captured_end, datagrams.end)
        is_whole = enough(datagrams.transport_at, ends, headers.UDP.itemsize)
        if not is_whole.all():
            found.rest.append(datagrams.packet_rows[~is_whole])
            datagrams = datagrams.only(is_whole)
        ports = udp.read_udp(raw, datagrams.transport_at)
        for port in udp.TUNNEL_PORTS:
            is_here = ports.destination_port == port
            if not is_here.any():
                continue
            if port in tunnels.TUNNELS and tunnels_left:
                self._enter(raw, datagrams.only(is_here), tunnels.TUNNELS[port], found, tunnels_left - 1)
            else:
                found.rest.append(datagrams.packet_rows[is_here])
        rows = np.flatnonzero(~is_among(ports.destination_port, udp.TUNNEL_PORTS))
        if not len(rows):
            return
        payload_at = datagrams.transport_at[rows] + headers.UDP.itemsize
        ports = udp.UdpColumns(ports.source_port[rows], ports.destination_port[rows])
        opaque = udp.name_opaque(raw, payload_at, datagrams.captured_end[rows], datagrams.end[rows], ports)
        for name, count in zip(udp.OPAQUE_NAMES, np.bincount(opaque, minlength=len(udp.OPAQUE_NAMES)), strict=True):
            self._count_not_tcp("not_tcp_packets", name, int(count))

    def _enter(
        self, raw: NDArray[np.uint8], outer: Datagrams, kind: tunnels.Tunnel, found: Sorted, tunnels_left: int
    ) -> None:
        """Read the packets in tunnels of one kind as if they had come without."""
        at = outer.transport_at + headers.UDP.itemsize
        is_whole = enough(at, np.minimum(outer.captured_end, outer.end), kind.size)
        if not is_whole.all():
            found.rest.append(outer.packet_rows[~is_whole])
            outer, at = outer.only(is_whole), at[is_whole]
        tunnel = kind.read(raw, at)
        is_enterable = tunnels.is_enterable(tunnel, outer.captured_end, outer.end)
        if not is_enterable.all():
            found.rest.append(outer.packet_rows[~is_enterable])
            outer, tunnel = outer.only(is_enterable), tunnel.only(is_enterable)
        if not len(outer.packet_rows):
            return
        domain = self._domains.in_columns(outer.domain, kind.kind, tunnel.network)
        inner = Packets(raw, outer.captured_end, outer.end, tunnels.read_inner(raw, tunnel, domain))
        tcp, rest = self._find_in_columns(inner, tunnels_left)
        self._counts["tunnelled_packets"] += len(outer.packet_rows) - len(rest)
        found.tcp += [datagrams.of_block(outer.packet_rows) for datagrams in tcp]
        found.rest.append(outer.packet_rows[rest])

    def _not_ip(self, packets: Packets) -> NDArray[np.int64]:
        """Count packets that are not IP; return the rows in which IP may yet be found."""
        ethertype = packets.link.ethertype
        rows = np.flatnonzero((ethertype != headers.ETHERTYPE_IPV4) & (ethertype != headers.ETHERTYPE_IPV6))
        if not len(rows):
            return rows
        is_followed = is_among(ethertype[rows], scalar.ETHERTYPES.peelers)
        numbers, counts = np.unique(ethertype[rows[~is_followed]], return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            if number != headers.ETHERTYPE_UNREAD:  # counted already
                self._count_not_tcp("not_ip_packets", names.ethertype_name(number), count)
        return rows[is_followed]

    def _count_protocols(self, protocol: NDArray[np.int64]) -> None:
        """Count datagrams without TCP."""
        counts = np.bincount(protocol, minlength=headers.PROTOCOLS)
        for number in np.flatnonzero(counts).tolist():
            self._count_not_tcp("not_tcp_packets", names.protocol_name(number), int(counts[number]))

    def _find_one_by_one(
        self, block: PacketBlock, packets: Packets, interface: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> tuple[bytes, list[Datagrams]]:
        """Take rows through the scalar path; return a buffer that holds all datagrams found, and them."""
        self._counts["scalar_packets"] += len(rows)
        if not len(rows):
            return block.buffer, []
        now_ns = np.maximum.accumulate(np.maximum(block.timestamp_ns, self._now_ns))
        columns = (
            packets.link.ethertype, packets.link.network_at, packets.captured_end, packets.wire_end,
            packets.link.domain, interface, now_ns,
        )  # fmt: skip
        packet_rows: list[int] = []
        found: list[Found] = []
        for row, ethertype, at, captured_end, wire_end, domain, one_interface, now in zip(
            rows.tolist(), *(column[rows].tolist() for column in columns), strict=True
        ):
            cursor = Cursor(
                block.buffer, at, captured_end, wire_end, domain=domain, interface=one_interface, now_ns=now,
                fragments=self._fragments, domains=self._domains,
            )  # fmt: skip
            datagram = self._find_one(cursor, ethertype)
            if datagram is not None:
                packet_rows.append(row)
                found.append(datagram)
        if not found:
            return block.buffer, []
        buffer, datagrams = join(block.buffer, packet_rows, found)
        return buffer, [datagrams]

    def _find_one(self, cursor: Cursor, ethertype: int) -> Found | None:
        """Take one packet through the scalar path; count what it is if not TCP."""
        try:
            return scalar.find_tcp(cursor, ethertype)
        except Stop as stop:
            if stop.anomaly is not None:
                self._count_anomaly(stop.anomaly, 1)
            if stop.counted_as is not None:
                self._count_not_tcp(stop.counted_as, stop.name, 1)
            return None
        finally:
            self._counts["fragments"] += cursor.is_fragment
            self._counts["tunnelled_packets"] += cursor.is_tunnelled

    def _read_segments(self, raw: NDArray[np.uint8], datagrams: Datagrams) -> Segments:
        """Read TCP headers; count and leave out those that are cut off or contradict themselves."""
        is_whole = enough(
            datagrams.transport_at, np.minimum(datagrams.captured_end, datagrams.end), headers.TCP.itemsize
        )
        if not is_whole.all():
            is_truncated = ~is_whole & (datagrams.captured_end <= datagrams.end)  # what ends first is to blame
            self._count_anomaly(Anomaly.TRUNCATED_HEADERS, int(is_truncated.sum()))
            self._count_anomaly(Anomaly.BAD_HEADER, int((~is_whole & ~is_truncated).sum()))
            datagrams = datagrams.only(is_whole)
        tcp = read_tcp(raw, datagrams.transport_at)
        is_sound = tcp.header_length >= headers.TCP.itemsize
        is_sound &= datagrams.transport_at + tcp.header_length <= datagrams.end
        if not is_sound.all():
            self._count_anomaly(Anomaly.BAD_HEADER, int((~is_sound).sum()))
            datagrams = datagrams.only(is_sound)
            tcp = read_tcp(raw, datagrams.transport_at)
        payload = find_payload(datagrams.transport_at + tcp.header_length, datagrams.captured_end, datagrams.end)
        pair = endpoints.pair_ipv4 if datagrams.is_ipv4 else endpoints.pair_ipv6
        paired = pair(
            End(datagrams.source, tcp.source_port),
            End(datagrams.destination, tcp.destination_port),
            datagrams.domain,
            self._secret,
        )
        return Segments(
            datagrams.packet_rows, paired.endpoints, paired.from_high, paired.connection_hash, tcp.sequence,
            tcp.acknowledgement, tcp.flags, payload.at, payload.length, payload.cut,
        )  # fmt: skip

    def _segment_block(
        self, block: PacketBlock, buffer: bytes, interface: NDArray[np.int64], segments: Segments,
        time_ns: NDArray[np.int64],
    ) -> SegmentBlock:  # fmt: skip
        """Give segments what their packets know."""
        rows = segments.packet_rows
        self._counts["segments"] += len(rows)
        self._counts["tcp_payload_bytes"] += int(segments.payload_length.sum() + segments.cut_length.sum())
        return SegmentBlock(
            buffer,
            block.capture,
            pick(block.number, rows),
            time_ns,
            pick(interface, rows),
            segments.endpoints,
            segments.connection_hash,
            segments.from_high,
            segments.sequence,
            segments.acknowledgement,
            segments.flags,
            segments.payload_at,
            segments.payload_length,
            segments.cut_length,
        )

    def _count_anomaly(self, anomaly: Anomaly, packets: int) -> None:
        if packets:
            self._anomalies[anomaly] += packets

    def _count_not_tcp(self, counted_as: str, name: str, packets: int) -> None:
        if packets:
            self._counts[counted_as] += packets
            names.count_name(self._not_tcp, name, packets)
