"""Events on their way from worker to parent: plain tuples, and the same objects again at the other end.

Two things of an event are more than their values: a channel is one connection, whichever of its requests has it, and a
request that is given as `Opened` is given again when it is settled. Both have numbers on the way.
"""

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange, Opened, Traffic
from wiresniff.protocols import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

Ends: TypeAlias = tuple[Endpoint, Endpoint, int, tuple[int, int] | None]
"""Client, server, capture point, first sequence numbers."""
Attributes: TypeAlias = dict[str, object]
Told: TypeAlias = tuple[int, int | None, bool, Attributes]
"""Of an exchange: number of its channel, its own if it has one, whether it is opened only, everything else."""
Sent: TypeAlias = tuple[dict[int, Ends], list[Told | Traffic], bool]
"""Channels that are new, events, and whether all numbers before are forgotten."""

CHANNEL = "channel"
"""The attribute that is not sent as it is."""
REMEMBERED = 2 * limits.CONNECTIONS
"""Channels, and requests that are open, that have numbers; then all begin anew, and are told as if they were new."""


class Snapshot(NamedTuple):
    """A request that was opened, as it was then: what is dissected meanwhile goes on writing to it."""

    exchange: Exchange
    attributes: Attributes


def snapshot(opened: Opened) -> Snapshot:
    """Keep a request as it is now."""
    return Snapshot(opened.exchange, opened.exchange.__dict__.copy())


class Sender:
    """The worker's end."""

    def __init__(self) -> None:
        self._channels: dict[Channel, int] = {}
        self._opened: dict[Exchange, int] = {}
        self._number = 0
        self._new: dict[int, Ends] = {}

    def sent(self, events: "Iterable[Event | Snapshot]") -> Sent:
        """Return events as they are sent."""
        forgets = len(self._channels) > REMEMBERED or len(self._opened) > REMEMBERED
        if forgets:
            self._channels.clear()
            self._opened.clear()
        told: list[Told | Traffic] = []
        for event in events:
            if isinstance(event, Traffic):
                told.append(event)
            elif isinstance(event, Opened):
                told.append(self._tell(event.exchange, event.exchange.__dict__, is_opened=True))
            elif isinstance(event, Snapshot):
                told.append(self._tell(event.exchange, event.attributes, is_opened=True))
            elif isinstance(event, Exchange):
                told.append(self._tell(event, event.__dict__, is_opened=False))
            else:
                told += [self._tell(exchange, exchange.__dict__, is_opened=False) for exchange in event.exchanges()]
        new, self._new = self._new, {}
        return new, told, forgets

    def _tell(self, exchange: Exchange, attributes: Attributes, *, is_opened: bool) -> Told:
        channel = exchange.channel
        ends = self._channels.get(channel)
        if ends is None:
            self._number += 1
            ends = self._channels[channel] = self._number
            self._new[ends] = (channel.client, channel.server, channel.capture_point, channel.begun)
        number = None
        if is_opened:
            self._number += 1
            number = self._opened[exchange] = self._number
        elif exchange.is_announced:
            number = self._opened.pop(exchange, None)
        return ends, number, is_opened, {name: value for name, value in attributes.items() if name != CHANNEL}


class Receiver:
    """The parent's end, one for each worker."""

    def __init__(self) -> None:
        self._channels: dict[int, Channel] = {}
        self._opened: dict[int, Exchange] = {}

    def events(self, sent: Sent) -> list[Event]:
        """Return what was sent as events."""
        new, told, forgets = sent
        if forgets:
            self._channels.clear()
            self._opened.clear()
        for number, ends in new.items():
            self._channels[number] = Channel(*ends)
        return [event if isinstance(event, Traffic) else self._event(event) for event in told]

    def _event(self, told: Told) -> Event:
        ends, number, is_opened, attributes = told
        exchange = self._opened.pop(number, None) if number is not None and not is_opened else None
        if exchange is None:
            exchange = Exchange.__new__(Exchange)
            exchange.channel = self._channels[ends]
        is_announced = exchange.is_announced
        exchange.__dict__.update(attributes)
        exchange.is_announced = is_announced or is_opened  # what became of the announcement is known here only
        if is_opened:
            assert number is not None
            self._opened[number] = exchange
            return Opened(exchange)
        return exchange
