"""The stage: deliveries in, exchanges and accounts of traffic out."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from wiresniff.model.delivery import Connection, Data, Delivery, End, EndCause, Endpoint, Gap, Item
from wiresniff.model.exchanges import Alike, Exchange, Opened, Traffic
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.http1 import ArePlain, Blockwise, Http1Conversation, Readers, Stretch, Talk
from wiresniff.protocols.http2 import Http2Conversation, Http2Readers
from wiresniff.protocols.inbox import inboxes
from wiresniff.protocols.probe import Speech
from wiresniff.protocols.recognition import HTTP2, Recognised, Recognition

if TYPE_CHECKING:
    from wiresniff.protocols.conversation import Conversation

Event: TypeAlias = Exchange | Opened | Alike | Traffic

ONE_DIRECTION = "one-direction"
"""Why answers to requests that pass elsewhere are not read."""
EXPIRY_SWEEP_NS = 10**9
"""Capture time between looks at exchanges that wait for their response."""

_CLOSED_BY_PEER = (EndCause.FIN, EndCause.RESET, EndCause.REPLACED)
_HTTP1 = (Speech.HTTP1_REQUEST, Speech.HTTP1_RESPONSE)


class _Dialogue:
    """What is kept of a connection: its flows, and who reads them."""

    __slots__ = (
        "client_flow", "connection", "conversation", "delivered_bytes", "inboxes", "is_heard", "is_missed", "name",
        "opaque_reason", "recognition",
    )  # fmt: skip

    def __init__(self, connection: Connection, budget: Budget) -> None:
        self.connection = connection
        self.inboxes = inboxes()
        self.recognition: Recognition | None = Recognition(connection, self.inboxes, budget)
        self.conversation: Conversation | None = None
        self.client_flow = 0
        """The originator's, until the bytes say otherwise."""
        self.name: str | None = None
        self.opaque_reason: str | None = None
        self.delivered_bytes = 0
        """Since the last account."""
        self.is_heard = [False, False]
        """Bytes of the flow were seen,"""
        self.is_missed = [False, False]
        """and bytes of it were not."""

    def hears_only(self, flow: int) -> bool:
        """Tell whether all of the other flow passes elsewhere, though there is something of it."""
        return self.is_heard[flow] and not self.is_heard[1 - flow] and self.is_missed[1 - flow]

    def client(self) -> Endpoint:
        return self.connection.endpoints[self.client_flow]

    def server(self) -> Endpoint:
        return self.connection.endpoints[1 - self.client_flow]


class Dissector:
    """Reads the protocols of one capture point.

    kept_fields            names of the header fields that exchanges keep
    are_plain              tells of many traceparents which are valid with nothing to be said of them
    is_traceparent_shaped  tells whether a value looks like a traceparent, where its name is not known
    """

    def __init__(
        self, kept_fields: frozenset[bytes], are_plain: ArePlain, is_traceparent_shaped: Callable[[bytes], bool]
    ) -> None:
        self._anomalies: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._readers = Readers(kept_fields, self._anomalies)
        self._budget = Budget()
        self._blockwise = Blockwise(self._readers, are_plain)
        self._http2_readers = Http2Readers(kept_fields, is_traceparent_shaped)
        self._dialogues: dict[int, _Dialogue] = {}
        self._swept_ns = 0

    def counters(self) -> Counter[str]:
        """Return counts under the names of `model.accounting`."""
        return self._counts

    def anomalies(self) -> Counter[str]:
        """Return counts per anomaly."""
        return self._anomalies

    def evictions(self) -> Counter[str]:
        """Return what was dropped from bounded tables, per table."""
        return self._http2_readers.patience.evictions

    def look_ahead(self, deliveries: list[Delivery]) -> None:
        """Find what can be known at once of deliveries that share their columns; each of them is fed next."""
        talks: list[Talk] = []
        for connection, items in deliveries:
            dialogue = self._dialogues.get(connection.number)
            if dialogue is None or not isinstance(dialogue.conversation, Http1Conversation):
                continue
            runs = {flow: item for flow, item in items if type(item) is Data}
            if len(items) == len(runs) == 2:  # noqa: PLR2004  # one run of each flow
                client = dialogue.client_flow
                talks.append(Talk(dialogue.conversation, runs[client], runs[1 - client]))
        self._blockwise.look(talks)

    def alike(self) -> list[Exchange | Alike]:
        """Return the exchanges that were known without parsing, since `look_ahead`."""
        return self._blockwise.events()

    def feed(self, delivery: Delivery) -> list[Event]:
        """Read what a block brought to one connection."""
        connection = delivery.connection
        dialogue = self._dialogues.get(connection.number)
        if dialogue is None:
            dialogue = self._dialogues[connection.number] = _Dialogue(connection, self._budget)
        for flow, item in delivery.items:
            if type(item) is Data:
                dialogue.delivered_bytes += item.stop - item.position
                dialogue.is_heard[flow] = True
            elif type(item) is Gap:
                dialogue.is_missed[flow] = True
        conversation = dialogue.conversation
        if isinstance(conversation, Http1Conversation):
            stretches = self._blockwise.stretches(conversation)
            if stretches:
                return self._read_known(dialogue, conversation, delivery, stretches)
        return self._parse(dialogue, delivery)

    def _read_known(
        self, dialogue: _Dialogue, conversation: Http1Conversation, delivery: Delivery, stretches: Sequence[Stretch]
    ) -> list[Event]:
        """Take what is known where the parsers are at rest, and parse what lies between."""
        client, server = dialogue.client_flow, 1 - dialogue.client_flow
        runs = {flow: item for flow, item in delivery.items if type(item) is Data}
        requests, responses = runs[client], runs[server]
        request_row, response_row = requests.first, responses.first
        events: list[Event] = []

        def parse_up_to(request_last: int, response_last: int) -> None:
            parts: list[tuple[int, Item]] = []
            if request_row < request_last:
                parts.append((client, requests.part(request_row, request_last)))
            if response_row < response_last:
                parts.append((server, responses.part(response_row, response_last)))
            if parts:
                events.extend(self._parse(dialogue, Delivery(delivery.connection, parts)))

        for stretch in stretches:
            parse_up_to(stretch.request_row, stretch.response_row)
            request_row, response_row = stretch.request_row, stretch.response_row
            if conversation.is_at_rest(stretch.request_at, stretch.response_at):
                conversation.requests.pass_by(requests, stretch.request_row, stretch.request_last)
                conversation.responses.pass_by(responses, stretch.response_row, stretch.response_last)
                conversation.authority = stretch.authority
                self._blockwise.take(stretch)
                request_row, response_row = stretch.request_last, stretch.response_last
        parse_up_to(requests.last, responses.last)
        return events

    def _parse(self, dialogue: _Dialogue, delivery: Delivery) -> list[Event]:
        """Let the parsers read what a block brought to one connection."""
        for flow, item in delivery.items:
            dialogue.inboxes[flow].put(item)
        events: list[Event] = []
        if dialogue.recognition is not None:
            self._recognise(dialogue)
        conversation = dialogue.conversation
        if conversation is not None:
            events += conversation.run()
            if isinstance(conversation, Http1Conversation) and conversation.is_handed_over():
                conversation, more = self._hand_over(dialogue, conversation)
                events += more
            if dialogue.inboxes[0].items or dialogue.inboxes[1].items:
                events += conversation.keep()
            events += map(Opened, conversation.opened())
        elif dialogue.opaque_reason is not None:
            for inbox in dialogue.inboxes:
                inbox.items.clear()
        else:
            for inbox in dialogue.inboxes:
                inbox.keep(0)
        for inbox in dialogue.inboxes:
            inbox.settle()
        if dialogue.inboxes[0].ended and dialogue.inboxes[1].ended:
            events += self._close(dialogue, delivery)
        return events

    def _recognise(self, dialogue: _Dialogue) -> None:
        recognition = dialogue.recognition
        assert recognition is not None
        found = recognition.run()
        if found is None:
            return
        dialogue.recognition = None
        if found.client_flow is not None:
            dialogue.client_flow = found.client_flow
        if found.speech in _HTTP1:
            self._begin_http1(dialogue, recognition)
        elif found.speech in HTTP2:
            self._begin_http2(dialogue, recognition, found)
        else:
            self._begin_opaque(dialogue, found)

    def _begin_http1(self, dialogue: _Dialogue, recognition: Recognition) -> None:
        synchronised = (recognition.is_synchronised(0), recognition.is_synchronised(1))
        conversation = Http1Conversation(
            dialogue.connection, dialogue.inboxes, dialogue.client_flow, synchronised,
            recognition.skipped[dialogue.client_flow], self._readers, self._budget, self._anomalies,
        )  # fmt: skip
        if recognition.skipped_bytes:
            conversation.unread("resync", recognition.skipped_bytes)
        dialogue.conversation = conversation

    def _begin_http2(self, dialogue: _Dialogue, recognition: Recognition, found: Recognised) -> None:
        client = dialogue.client_flow
        synchronised = [recognition.is_synchronised(0), recognition.is_synchronised(1)]
        synchronised[client] = synchronised[client] or found.speech is Speech.HTTP2_CLIENT
        conversation = Http2Conversation(
            dialogue.connection, dialogue.inboxes, client, (synchronised[0], synchronised[1]), self._http2_readers,
            self._budget, self._anomalies,
        )  # fmt: skip
        if recognition.skipped_bytes:
            conversation.unread("resync", recognition.skipped_bytes)
        dialogue.conversation = conversation

    def _hand_over(self, dialogue: _Dialogue, before: Http1Conversation) -> tuple[Http2Conversation, list[Exchange]]:
        """Go on in HTTP/2 on a connection that began in HTTP/1."""
        asked, before.heir = before.heir, None
        assert asked is not None
        events = before.close(ended_by_peer=False)
        client = dialogue.client_flow
        synchronised = (
            client != 0 or before.requests.is_handed_over(),
            client != 1 or before.requests.is_handed_over(),
        )
        conversation = Http2Conversation(
            dialogue.connection, dialogue.inboxes, client, synchronised, self._http2_readers, self._budget,
            self._anomalies,
        )  # fmt: skip
        positions = before.requests.position, before.responses.position
        conversation.take_over(
            asked, positions if client == 0 else positions[::-1], before.opaque_bytes, is_reported=asked.reported
        )
        dialogue.conversation = conversation
        return conversation, events + conversation.run()

    def _begin_opaque(self, dialogue: _Dialogue, found: Recognised) -> None:
        dialogue.opaque_reason = found.speech.value
        dialogue.name = found.name
        self._counts["opaque_connections"] += 1

    def _close(self, dialogue: _Dialogue, delivery: Delivery) -> list[Event]:
        """Both flows have ended."""
        ends = [item for _, item in delivery.items if type(item) is End]
        events: list[Event] = []
        if dialogue.recognition is not None:
            dialogue.recognition.close()
        if dialogue.conversation is not None:
            by_peer = all(end.cause in _CLOSED_BY_PEER for end in ends)
            events += dialogue.conversation.close(ended_by_peer=by_peer)
        events += self._account(dialogue)
        del self._dialogues[dialogue.connection.number]
        if dialogue.conversation is not None:
            dialogue.conversation.forget()
        return events

    def _account(self, dialogue: _Dialogue) -> list[Traffic]:
        """Say how many bytes were read since the last account, and how many could not be."""
        octets = dialogue.delivered_bytes
        if not octets:
            return []
        dialogue.delivered_bytes = 0
        conversation = dialogue.conversation
        client, server = dialogue.client(), dialogue.server()
        if conversation is None:
            reason = dialogue.opaque_reason or Speech.UNKNOWN.value
            if reason == Speech.UNKNOWN.value and (dialogue.hears_only(0) or dialogue.hears_only(1)):
                reason = ONE_DIRECTION
            return [Traffic(client, server, dialogue.name, 0, octets, reason)]
        if dialogue.hears_only(1 - dialogue.client_flow):  # answers, and nobody knows to what
            conversation.opaque_bytes.clear()
            return [Traffic(client, server, None, 0, octets, ONE_DIRECTION, conversation.protocol)]
        authority = conversation.authority
        name = authority.decode("latin-1") if authority else None
        opaque = conversation.opaque_bytes
        accounts = [
            Traffic(client, server, name, 0, count, reason, conversation.protocol)
            for reason, count in sorted(opaque.items())
            if count
        ]
        read = max(octets - opaque.total(), 0)
        accounts.append(Traffic(client, server, name, read, 0, None, conversation.protocol))
        opaque.clear()
        return accounts

    def flush(self, now_ns: int) -> Iterator[Event]:
        """Capture time has reached `now_ns`: report exchanges that have waited for long."""
        if now_ns - self._swept_ns < EXPIRY_SWEEP_NS:
            return
        self._swept_ns = now_ns
        for dialogue in self._dialogues.values():
            if dialogue.conversation is not None:
                yield from dialogue.conversation.expire(now_ns)

    def account(self) -> Iterator[Traffic]:
        """Account for the traffic of connections that are still open."""
        for dialogue in self._dialogues.values():
            yield from self._account(dialogue)

    def quarantine(self, connection: Connection) -> None:
        """Give up a connection on which our own code failed: its bytes are opaque from now on."""
        dialogue = _Dialogue(connection, self._budget)
        previous = self._dialogues.get(connection.number)
        if previous is not None:
            dialogue.client_flow = previous.client_flow
            dialogue.delivered_bytes = previous.delivered_bytes
        dialogue.recognition = None
        dialogue.opaque_reason = "internal-error"
        self._dialogues[connection.number] = dialogue
