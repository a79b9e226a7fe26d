"""What can happen to packets and files: bits flip, bytes go and come, packets are cut, lost, doubled, out of order."""

from collections.abc import Callable

from builders import Packet
from hypothesis import strategies as st

Change = tuple[str, int, int, bytes]
"""What, where (modulo what there is), how much, with what."""

ODD_BYTES = st.one_of(
    st.binary(min_size=1, max_size=8),
    st.sampled_from(
        (b"\xff" * 4, bytes(4), b"\r\n\r\n", b"HTTP/1.1 ", b"GET / ", b"Content-Length: 99999999999\r\n", b"\x80" * 8)
    ),
)
CHANGES = st.tuples(
    st.sampled_from(("flip", "flip", "overwrite", "delete", "insert", "cut")),
    st.integers(0, 1 << 30),
    st.integers(0, 200),
    ODD_BYTES,
)


def changed(data: bytes, change: Change) -> bytes:
    """Damage bytes."""
    what, place, amount, octets = change
    at = place % (len(data) + 1)
    if what == "flip":
        at = min(at, len(data) - 1)
        return data[:at] + bytes([data[at] ^ 1 << amount % 8]) + data[at + 1 :] if data else data
    if what == "overwrite":
        return data[:at] + octets + data[at + len(octets) :]
    if what == "delete":
        return data[:at] + data[at + amount :]
    if what == "insert":
        return data[:at] + octets + data[at:]
    return data[:at]


@st.composite
def damaged(draw: st.DrawFn, packets: list[Packet], most: int = 12) -> list[Packet]:
    """Damage some packets of a capture, each in its bytes or as a whole."""
    packets = list(packets)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(packets) - 1))
        packet = packets[at]
        fate = draw(st.sampled_from(("bytes", "bytes", "bytes", "lose", "double", "move", "snap", "time")))
        packets[at : at + 1] = FATES[fate](draw, packet)
        if fate == "move":
            packets.insert(draw(st.integers(0, len(packets))), packet)
        if not packets:
            return [packet]
    return packets


def _bytes(draw: st.DrawFn, packet: Packet) -> list[Packet]:
    return [Packet(changed(packet.data, draw(CHANGES)), packet.time_ns, None, packet.interface)]


def _snap(draw: st.DrawFn, packet: Packet) -> list[Packet]:
    return [Packet(packet.data, packet.time_ns, draw(st.integers(0, len(packet.data))), packet.interface)]


def _time(draw: st.DrawFn, packet: Packet) -> list[Packet]:
    wild = st.sampled_from((0, 1, packet.time_ns + 7200 * 10**9, packet.time_ns - 10**9, 2**62))
    return [Packet(packet.data, draw(wild), packet.captured, packet.interface)]


FATES: dict[str, Callable[[st.DrawFn, Packet], list[Packet]]] = {
    "bytes": _bytes,
    "lose": lambda _, __: [],
    "move": lambda _, __: [],
    "double": lambda _, packet: [packet, packet],
    "snap": _snap,
    "time": _time,
}
