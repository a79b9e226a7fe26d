"""Proof: the packets of one request that may be shown, masked."""

from collections.abc import Sequence
from typing import NamedTuple

from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange
from wiresniff.model.policy import Privacy
from wiresniff.model.segments import ACK, PSH
from wiresniff.reassembly.sequence import advance
from wiresniff.witnesses.captured import Captured
from wiresniff.witnesses.frames import answer_frames, request_frames
from wiresniff.witnesses.masks import mask_head
from wiresniff.witnesses.sought import Place, Sought

MASKED = "values that the audit doesn't read are overwritten with x, lengths of the body too; the body is left out"
REWRITTEN = "header block rewritten without compression, with the fields that the audit reads"
ANSWERED = "rewritten: of the answer only the status is kept"
DATA_FLAGS = PSH | ACK
"""Of packets whose payload was changed: what else they did to the connection is not shown."""
LONGEST_PAYLOAD = 32 * 1024
"""Of one packet: a length of IP has 16 bits."""


class Part(NamedTuple):
    """One packet: what was captured around it, and what it says now."""

    captured: Captured
    is_sent: bool
    """By the client."""
    payload: bytes
    sequence: int | None
    """None: behind what its sender sent before, as the file has it."""
    note: str
    """What it is, and what was done to it."""


class Proof(NamedTuple):
    """What the witness file has of one request."""

    place: Place
    handshake: tuple[Captured, ...]
    parts: tuple[Part, ...]

    @property
    def is_http2(self) -> bool:
        """Its payload is frames."""
        return self.place.stream is not None

    @property
    def octets(self) -> int:
        """Memory that it takes."""
        parts = sum(len(part.payload) + len(part.captured.outer) for part in self.parts)
        return parts + sum(len(each.outer) for each in self.handshake)


def prove(sought: Sought, privacy: Privacy) -> Proof | None:
    """Make the proof of what was found; None where not enough was."""
    if not sought.is_found or sought.origin is None:
        return None
    parts = _http2_parts(sought, privacy) if sought.is_http2 else _http1_parts(sought, privacy)
    handshake = tuple(each._replace(payload=b"") for each in sought.handshake)
    return Proof(sought.place, handshake, tuple(parts))


def _http1_parts(sought: Sought, privacy: Privacy) -> list[Part]:
    head = sought.head
    assert head.octets is not None
    shown = mask_head(head.octets, privacy)
    pieces = head.pieces
    parts = []
    for number, piece in enumerate(pieces, 1):
        which = "request head" if len(pieces) == 1 else f"request head, part {number} of {len(pieces)}"
        parts.append(
            Part(
                piece.captured._replace(payload=b""), True, shown[piece.start : min(piece.stop, len(shown))],
                advance(sought.place.sequence, piece.start), f"{which}: {MASKED}",
            )
        )  # fmt: skip
    exchange = sought.exchange
    if sought.answer is not None and exchange is not None and exchange.status is not None:
        answer = sought.answer
        parts.append(Part(answer, False, status_line(exchange), answer.payload_sequence, f"answer, {ANSWERED}"))
    return parts


def status_line(exchange: Exchange) -> bytes:
    """Return an answer of nothing but its status; its length keeps readers from waiting for a body."""
    return f"HTTP/{exchange.version} {exchange.status} \r\ncontent-length: 0\r\n\r\n".encode("latin-1")


def _http2_parts(sought: Sought, privacy: Privacy) -> list[Part]:
    exchange, origin, answer = sought.exchange, sought.origin, sought.answer
    assert exchange is not None
    assert origin is not None
    note = f"request head of stream {exchange.stream}: {REWRITTEN}"
    parts = [Part(origin._replace(payload=b""), True, request_frames(exchange, privacy), None, note)]
    if answer is not None and (exchange.status is not None or exchange.grpc_status is not None):
        note = f"answer on stream {exchange.stream}, {ANSWERED}"
        parts.append(Part(answer, False, answer_frames(exchange), None, note))
    return parts


def cut(part: Part) -> Sequence[Part]:
    """Return a part as packets that IP can carry."""
    payload = part.payload
    if len(payload) <= LONGEST_PAYLOAD:
        return (part,)
    return [
        part._replace(
            payload=payload[at : at + LONGEST_PAYLOAD],
            sequence=None if part.sequence is None else advance(part.sequence, at),
        )
        for at in range(0, len(payload), LONGEST_PAYLOAD)
    ]


class Proofs:
    """Proofs, as long as there is room for them (`limits.WITNESS_FILE_BYTES`)."""

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy
        self._octets = 0
        self.kept: list[Proof] = []
        self.dropped = 0

    def add(self, sought: Sought) -> None:
        """Make the proof of what was found, if enough was."""
        proof = prove(sought, self._privacy)
        if proof is None:
            return
        if self._octets + proof.octets > limits.WITNESS_FILE_BYTES:
            self.dropped += 1
            return
        self._octets += proof.octets
        self.kept.append(proof)
