"""Conversations of any kind, and what a network and a capture do to their packets."""

from typing import Protocol

from builders import FIN, SYN, Clock, Conversation, Packet
from hypothesis import strategies as st
from oracles.reassembly import read

SEQUENCES = st.one_of(st.integers(2**32 - 40, 2**32 - 1), st.sampled_from((0, 1000, 2**31 - 10)))


class Told(list[Packet]):
    """Packets that tell themselves in a line each, where Hypothesis shows a failing example."""

    def __init__(self, talk: Conversation, packets: list[Packet]) -> None:
        super().__init__(packets)
        self.talk = talk

    def __repr__(self) -> str:
        begin = 1_700_000_000_000_000_000
        lines = []
        for number, packet in enumerate(self, start=1):
            segment = read(self.talk, packet)
            who = "client" if segment.from_client else "server"
            lines.append(
                f"{number}: {(packet.time_ns - begin) / 1e6:.2f} ms {who} {segment.position} flags {segment.flags:#x} "
                f"acknowledges {segment.acknowledged} {segment.payload!r}"
            )
        return "\n" + "\n".join(lines)


class Printer(Protocol):
    """What Hypothesis prints examples with."""

    def text(self, text: str) -> None:
        """Print some text."""


class Talk(Conversation):
    """A conversation that tells itself in a line for each packet."""

    def _repr_pretty_(self, printer: Printer, _cycle: bool) -> None:
        printer.text(repr(Told(self, self.packets)))


def octets_of(start: int, stop: int, *, from_client: bool) -> bytes:
    """Return the bytes that are said at these positions: each tells where it belongs."""
    return bytes((position * 7 + from_client * 128 + position // 251) % 256 for position in range(start, stop))


@st.composite
def conversations(draw: st.DrawFn, turns: int = 6, step_ns: int = 10_000, longest_wait: float = 0.0) -> Conversation:
    """Make a conversation: who speaks, how much, in what segments, who acknowledges, who closes."""
    talk = Talk(clock=Clock(step_ns=step_ns), client_sequence=draw(SEQUENCES), server_sequence=draw(SEQUENCES))
    talk.open()
    for _ in range(draw(st.integers(1, turns))):
        from_client, length, mss = draw(st.tuples(st.booleans(), st.integers(1, 12), st.integers(1, 8)))
        sends = talk.client_sends if from_client else talk.server_sends
        sent = talk.client_sent if from_client else talk.server_sent
        sends(octets_of(sent, sent + length, from_client=from_client), mss=mss)
        if draw(st.booleans()):
            (talk.server_acks if from_client else talk.client_acks)()
        if longest_wait:
            talk.clock.wait(draw(st.floats(0, longest_wait)))
    ending = draw(st.sampled_from(("none", "client", "server", "half")))
    if ending == "half":
        talk.segment(from_client=True, flags=FIN | 0x10)
        talk.client_sent += 1
        talk.server_acks()
    elif ending != "none":
        talk.close(by_client=ending == "client")
    return talk


@st.composite
def retransmissions(draw: st.DrawFn, talk: Conversation) -> list[Packet]:
    """Send some of the bytes again, cut into other pieces, at some later time."""
    packets = list(talk.packets)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(3, len(packets)))
        before = [read(talk, packet) for packet in packets[:at]]
        from_client = draw(st.booleans())
        own = [segment for segment in before if segment.payload and segment.from_client == from_client]
        sent = max((segment.position + len(segment.payload) for segment in own), default=0)
        if not sent:
            continue
        start = draw(st.integers(0, sent - 1))
        stop = draw(st.integers(start + 1, min(start + 9, sent)))
        received = max((s.acknowledged or 0 for s in before if s.from_client == from_client), default=0)
        octets = octets_of(start, stop, from_client=from_client)
        again = talk.segment(octets, from_client=from_client, position=start, acknowledges=received)
        again.time_ns = packets[at - 1].time_ns
        packets.insert(at, again)
    return packets


@st.composite
def captured(draw: st.DrawFn, talk: Conversation) -> list[Packet]:
    """Capture a conversation with bytes sent again and some of its packets lost, late, or there twice."""
    return draw(disturbed(talk, draw(retransmissions(talk))))


@st.composite
def disturbed(draw: st.DrawFn, talk: Conversation, packets: list[Packet], loss: int = 5) -> list[Packet]:
    """Lose some packets (one in `loss`), let some come late, or twice; timestamps stay in order.

    Handshakes come in order or not at all: a SYN behind later data means that its ports are used again.
    """
    placed: list[tuple[float, Packet]] = []
    for place, packet in enumerate(packets):
        fate = draw(st.integers(0, 3 * loss))
        is_syn = bool(read(talk, packet).flags & SYN)
        if fate < 3:
            continue
        late = 0.0 if is_syn or fate > 5 else draw(st.integers(1, 6)) + 0.5
        placed.append((place + late, packet))
        if fate == 6:
            again = 0.1 if is_syn else draw(st.sampled_from((0.1, 1.1, 3.1)))
            placed.append((place + late + again, packet))
    in_order = [packet for _, packet in sorted(placed, key=lambda each: each[0])]
    times = sorted(packet.time_ns for packet in in_order)
    timed = zip(in_order, times, strict=True)
    return Told(talk, [Packet(packet.data, time_ns, packet.captured) for packet, time_ns in timed])
