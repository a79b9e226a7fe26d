"""Both directions of one HTTP/1 connection.

The two parsers form a network that is fed in any order and gives the same exchanges: each reads its own flow, and
waits for the other only at points that the bytes themselves name. What a server's response answers is known once the
client's direction is parsed as far as the response acknowledges. What follows CONNECT or an upgrade is known once its
answer is. Whether a head after lost bytes is one is known once the server's bytes that its sender had received are
there.
"""

from collections import Counter
from collections.abc import Iterable

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.delivery import Connection
from wiresniff.model.exchanges import Exchange
from wiresniff.model.limits import BLOCKED_FLOW_BYTES
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.http1.requests import Requests
from wiresniff.protocols.http1.responses import Responses
from wiresniff.protocols.http1.shared import Readers, Shared
from wiresniff.protocols.inbox import Inbox, Skipped


class Conversation(Shared):
    """One HTTP/1 connection."""

    protocol = "http/1"

    def __init__(
        self,
        connection: Connection,
        inboxes: tuple[Inbox, Inbox],
        client_flow: int,
        is_synchronised: tuple[bool, bool],
        skipped: Iterable[Skipped],
        readers: Readers,
        budget: Budget,
        anomalies: Counter[str],
    ) -> None:
        """`skipped`: segments of the client that were passed over before anything was recognised."""
        super().__init__(connection, inboxes, client_flow, readers, budget, anomalies)
        self.requests = Requests(self, skipped, is_synchronised=is_synchronised[client_flow])
        self.responses = Responses(self, self.requests, is_synchronised=is_synchronised[1 - client_flow])

    # --- turns that are known without parsing ---

    def is_at_rest(self, request_at: int, response_at: int) -> bool:
        """Tell whether a turn may begin here: nothing of what came before is open."""
        return (
            not self.queue.asked
            and not self.done
            and self.requests.is_at_rest(request_at)
            and self.responses.is_at_rest(response_at)
        )

    # --- what the stage asks ---

    def run(self) -> list[Exchange]:
        """Parse both directions as far as they go."""
        moved = True
        while moved:
            moved = self.requests.run()
            moved = self.responses.run() or moved
        return self._take_done()

    def is_handed_over(self) -> bool:
        """Tell whether the rest of the connection is HTTP/2, as far as it goes."""
        return self.heir is not None and (self.requests.is_handed_over() or not self.requests.is_synchronised())

    def keep(self) -> list[Exchange]:
        """Let what waits outlive the block; give up waiting when it is too much."""
        kept = self.requests.inbox.keep(self.requests.position) + self.responses.inbox.keep(self.responses.position)
        if kept <= BLOCKED_FLOW_BYTES:
            return []
        self.anomalies[Anomaly.BLOCKED_TOO_LONG] += 1
        self.gave_up_waiting = True
        done = self.run()
        self.gave_up_waiting = False
        return done

    def opened(self) -> list[Exchange]:
        """Return requests that came since the last call and have no answer yet."""
        opened: list[Exchange] = []
        for asked in reversed(self.queue.asked):
            if asked is not None:
                if asked.is_announced:
                    break
                asked.is_announced = True
                opened.append(asked)
        return opened

    def expire(self, now_ns: int) -> list[Exchange]:
        """Report exchanges that have waited for long."""
        self.responses.expire(now_ns)
        return self.queue.expire(now_ns) + self._take_done()

    def close(self, *, ended_by_peer: bool) -> list[Exchange]:
        """Both flows are over: report every exchange that is left."""
        self.gave_up_waiting = True
        done = self.run()
        is_unanswered = ended_by_peer and not self.responses.lost_anything
        self.queue.drop_all()
        for exchange in self.queue.dropped:
            exchange.unanswered = is_unanswered
        if self.heir is not None and not self.heir.reported:
            self.queue.dropped.append(self.heir)
        return done + self._take_done()

    def forget(self) -> None:
        """Let go of both directions, which know this: nothing is left for the collector of cycles to find."""
        for direction in (self.requests, self.responses):
            direction.__dict__.clear()

    def _take_done(self) -> list[Exchange]:
        done = self.done
        self.done = []
        if self.queue.dropped:
            done += self.queue.dropped
            self.queue.dropped = []
        return done
