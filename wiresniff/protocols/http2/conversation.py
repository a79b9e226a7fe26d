"""Both directions of one HTTP/2 connection.

They are read one after the other, and give the same exchanges for blocks of any size: `streams` joins what they say by
stream and by time. Within a block the client's direction is read first, but for two cases in which it waits until the
server's was read up to the same time: when too many streams are open, and when it acknowledges SETTINGS.
"""

from collections import Counter

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.delivery import Connection
from wiresniff.model.exchanges import Exchange
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.http2.frames import LARGEST_SETTING, PREFACE
from wiresniff.protocols.http2.requests import Requests
from wiresniff.protocols.http2.responses import Responses
from wiresniff.protocols.http2.shared import Readers, Shared
from wiresniff.protocols.http2.streams import Call
from wiresniff.protocols.inbox import Inbox


class Conversation:
    """One HTTP/2 connection."""

    protocol = "http/2"

    def __init__(
        self,
        connection: Connection,
        inboxes: tuple[Inbox, Inbox],
        client_flow: int,
        is_synchronised: tuple[bool, bool],
        readers: Readers,
        budget: Budget,
        anomalies: Counter[str],
    ) -> None:
        """`is_synchronised`: per flow, its next byte is the first that it sends in HTTP/2."""
        self.client_flow = client_flow
        self._shared = Shared(connection, inboxes, client_flow, readers, budget, anomalies)
        self.opaque_bytes: Counter[str] = Counter()
        self.requests = Requests(
            self._shared,
            is_synchronised=is_synchronised[client_flow],
            preface=PREFACE if is_synchronised[client_flow] else b"",
        )
        self.responses = Responses(self._shared, is_synchronised=is_synchronised[1 - client_flow])
        self.requests.meet(self.responses)
        self.responses.meet(self.requests)

    def take_over(
        self, asked: Exchange, positions: tuple[int, int], opaque_bytes: Counter[str], *, is_reported: bool
    ) -> None:
        """Go on at these positions of the flows, after a request of HTTP/1 that is answered on stream 1 (RFC 7540 3.2).

        The settings that came with it are not read: they would bound the server's header table.
        """
        self.requests.position = positions[self.client_flow]
        self.responses.position = positions[1 - self.client_flow]
        self.responses.decoder.resize(LARGEST_SETTING)
        self.opaque_bytes = opaque_bytes
        self._shared.authority = asked.authority
        call = Call(
            self._shared.channel, asked.protocol, asked.version, asked.time_ns, asked.capture, asked.packet,
            asked.sequence, asked.method, asked.target, asked.fields, asked.authority, asked.user_agent,
        )  # fmt: skip
        call.stream = 1
        call.unseen = asked.unseen
        call.preflight = asked.preflight
        self._shared.streams.ask(1, call)
        if is_reported:
            self._shared.streams.open[1] = None

    @property
    def authority(self) -> bytes | None:
        """What was asked for last."""
        return self._shared.authority

    def unread(self, reason: str, octets: int) -> None:
        """Count bytes that could not be read."""
        self.opaque_bytes[reason] += octets

    def run(self) -> list[Exchange]:
        """Read both directions to the end of what was delivered."""
        streams = self._shared.streams
        while True:
            self.requests.run()
            paused_ns = self.requests.paused_ns
            self.responses.run(paused_ns)
            if paused_ns is None:
                break
            if streams.is_full():
                self._shared.anomalies[Anomaly.TOO_MANY_STREAMS] += streams.evict()
        streams.settle_resets(self.responses.lossy_since_ns)
        return self._take_done()

    @staticmethod
    def keep() -> list[Exchange]:
        """Let what waits outlive the block: nothing does."""
        return []

    def opened(self) -> list[Exchange]:
        """Return requests that came since the last call and are not settled."""
        return self._shared.streams.take_opened()

    def expire(self, now_ns: int) -> list[Exchange]:
        """Report exchanges that are open for long, and those whose verdict waited for evidence."""
        self._shared.streams.expire(now_ns)
        self._shared.settle(now_ns, is_over=False)
        return self._take_done()

    def close(self, *, ended_by_peer: bool) -> list[Exchange]:
        """Both flows are over: report every exchange that is left."""
        done = self.run()
        self.requests.close()
        self.responses.close()
        ended_ns = max(self.requests.ended_ns, self.responses.ended_ns)
        self._shared.streams.close(ended_ns, is_unanswered=ended_by_peer and self.responses.lossy_since_ns is None)
        self._shared.settle(ended_ns, is_over=True)
        return done + self._take_done()

    def forget(self) -> None:
        """Let go of both directions, which know this: nothing is left for the collector of cycles to find."""
        for direction in (self.requests, self.responses):
            direction.__dict__.clear()

    def _take_done(self) -> list[Exchange]:
        for direction in (self.requests, self.responses):
            if direction.unread_bytes:
                self.unread("resync", direction.unread_bytes)
                direction.unread_bytes = 0
        done = self._shared.streams.done
        self._shared.streams.done = []
        return done
