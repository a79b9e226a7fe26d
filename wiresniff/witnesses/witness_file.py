"""The witness file: proofs of findings as a capture, each packet with a comment that says what it proves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from wiresniff import __version__
from wiresniff.capture.pcapng_writer import CommentedPacket, pcapng_bytes
from wiresniff.capture.records import Interface
from wiresniff.model.delivery import Endpoint
from wiresniff.model.findings import Finding, Witness
from wiresniff.model.segments import ACK, SYN
from wiresniff.reassembly.sequence import advance
from wiresniff.witnesses.captured import Captured
from wiresniff.witnesses.envelope import Addressed, envelop
from wiresniff.witnesses.frames import CLIENT_BEGINS, SERVER_BEGINS
from wiresniff.witnesses.proofs import DATA_FLAGS, Part, Proof, cut
from wiresniff.witnesses.sought import Place, place_of

FINDINGS_NAMED = 4
"""In the comment of one packet."""
LIVE = "live traffic"
PLAIN = "its link header and what else lay around it are left out: its datagram came in pieces"
BEGUN = "the beginning of the connection is added, so that its protocol can be told"


class Cause(NamedTuple):
    """Why a request is in the file: a finding, and the request's part in it."""

    finding: Finding
    role: str


class Written(NamedTuple):
    """A witness file, and what is in it."""

    octets: bytes
    packets: int
    requests: int
    missing: int
    """Requests that prove findings and of which not all packets were there."""


def causes_of(findings: Iterable[Finding]) -> dict[Place, list[Cause]]:
    """Return the requests that prove findings, with these."""
    causes: dict[Place, list[Cause]] = {}
    for finding in findings:
        for witness in finding.witnesses:
            role = "request"
            seen: Witness | None = witness
            while seen is not None:
                causes.setdefault(place_of(seen), []).append(Cause(finding, role))
                seen, role = seen.cause, "the request that caused it"
    return causes


def render(
    causes: Mapping[Place, Sequence[Cause]], proofs: Iterable[Proof], capture_name: Callable[[int], str]
) -> Written:
    """Write the proofs as a pcapng file, in order of time."""
    by_place = {proof.place: proof for proof in proofs if proof.place in causes}
    wanted = sorted(by_place.values(), key=lambda proof: proof.place[:3])
    writer = _Writer(causes, capture_name)
    packets = []
    for proof in wanted:
        packets += writer.planned(proof)
    packets.sort(key=lambda planned: planned.time_ns)
    written = [packet for planned in packets for packet in writer.written(planned)]
    octets = pcapng_bytes(writer.interfaces, written, f"wiresniff {__version__}")
    return Written(octets, len(written), len(wanted), len(causes) - len(wanted))


class _Connection(NamedTuple):
    """One incarnation, as far as it is known."""

    client: Endpoint
    server: Endpoint
    opened_at: int | None
    """Sequence number of the SYN."""


class _Planned(NamedTuple):
    """A packet that has its place in the file."""

    time_ns: int
    """Not before the part of the same request before it."""
    connection: _Connection
    part: Part
    is_handshake: bool
    is_http2: bool
    about: str


class _Flow:
    """What a side of a connection has sent, as the file has it."""

    def __init__(self) -> None:
        self.next_sequence: int | None = None
        self.has_begun = False
        """Its frames have begun."""


class _Writer:
    """Plans and writes packets; numbers interfaces, and the bytes of what is written anew."""

    def __init__(self, causes: Mapping[Place, Sequence[Cause]], capture_name: Callable[[int], str]) -> None:
        self._causes = causes
        self._capture_name = capture_name
        self._rows: dict[tuple[int, int, int, Interface], int] = {}
        self._flows: dict[tuple[_Connection, bool], _Flow] = {}
        self._shaken: set[_Connection] = set()

    @property
    def interfaces(self) -> list[Interface]:
        """Those of the packets written so far."""
        return [interface for *_, interface in self._rows]

    def planned(self, proof: Proof) -> list[_Planned]:
        """Give the packets of a proof their times."""
        handshake = proof.handshake
        connection = _Connection(
            proof.place.client, proof.place.server, handshake[0].sequence if handshake else None
        )  # fmt: skip
        about = self._about(proof.place)
        packets = []
        if handshake and connection not in self._shaken:
            self._shaken.add(connection)
            for each in handshake:
                is_sent = each.source == connection.client
                part = Part(each, is_sent, b"", each.sequence, "handshake of its connection")
                packets.append(_Planned(each.time_ns, connection, part, True, False, about))
        time_ns = 0
        for part in proof.parts:
            time_ns = max(time_ns, part.captured.time_ns)
            packets += [_Planned(time_ns, connection, one, False, proof.is_http2, about) for one in cut(part)]
        return packets

    def _about(self, place: Place) -> str:
        """Say what a request proves."""
        causes = self._causes[place]
        lines = [
            f"{finding.id} ({finding.severity.word}), {role}: {_pair(finding)}{finding.message}"
            for finding, role in causes[:FINDINGS_NAMED]
        ]
        if len(causes) > FINDINGS_NAMED:
            lines.append(f"and {len(causes) - FINDINGS_NAMED:,} more findings")
        return "\n".join(lines)

    def written(self, planned: _Planned) -> list[CommentedPacket]:
        """Write a packet."""
        captured, part = planned.part.captured, planned.part
        flow, peer = self._flow(planned, is_sent=part.is_sent), self._flow(planned, is_sent=not part.is_sent)
        said, notes = self._said(planned, flow, peer), [part.note]
        if planned.is_http2 and not flow.has_begun:
            begins = CLIENT_BEGINS if part.is_sent else SERVER_BEGINS
            said, flow.has_begun = said._replace(payload=begins + said.payload), True
            notes.append(BEGUN)
        flow.next_sequence = advance(said.sequence, len(said.payload) + bool(said.flags & SYN))
        enveloped = envelop(captured, said)
        if enveloped.is_plain:
            notes.append(PLAIN)
        interface = captured.interface._replace(link_type=enveloped.link_type)
        row = self._rows.setdefault((captured.point, captured.capture, captured.row, interface), len(self._rows))
        comment = f"{planned.about}\n{'; '.join(notes)}\n{self._origin(captured)}"
        return [CommentedPacket(row, captured.time_ns, enveloped.octets, comment)]

    def _flow(self, planned: _Planned, *, is_sent: bool) -> _Flow:
        return self._flows.setdefault((planned.connection, is_sent), _Flow())

    def _said(self, planned: _Planned, flow: _Flow, peer: _Flow) -> Addressed:
        """Say numbers and flags: those of the capture, but for what is written anew, which follows on in the file."""
        captured, part = planned.part.captured, planned.part
        if planned.is_handshake:
            return Addressed(captured.sequence, captured.acknowledgement, captured.flags & (SYN | ACK), b"")
        if part.sequence is not None:
            return Addressed(part.sequence, captured.acknowledgement, DATA_FLAGS, part.payload)
        sequence = captured.payload_sequence if flow.next_sequence is None else flow.next_sequence
        acknowledgement = captured.acknowledgement if peer.next_sequence is None else peer.next_sequence
        return Addressed(sequence, acknowledgement, DATA_FLAGS, part.payload)

    def _origin(self, captured: Captured) -> str:
        if not captured.number:
            return f"the original was {LIVE}"
        return f"the original is packet {captured.number} of {self._capture_name(captured.capture)}"


def _pair(finding: Finding) -> str:
    """Name the service or the pair that a finding is about."""
    ends = [name for name in (finding.service, finding.client, finding.server) if name is not None]
    return f"{' -> '.join(ends)}: " if ends else ""
