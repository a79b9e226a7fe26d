"""Who calls and who is called, by address. Bounded."""

from collections import Counter, OrderedDict

from wiresniff.model import limits
from wiresniff.model.exchanges import Channel


class Roles:
    """Addresses by what they were seen to do."""

    def __init__(self) -> None:
        self.called: dict[str, None] = {}
        self.calling: dict[str, None] = {}
        self._once: tuple[OrderedDict[str, None], OrderedDict[str, None]] = (OrderedDict(), OrderedDict())
        """Those in one role only, the latest last: the oldest makes room."""
        self._self_callers: set[str] = set()
        self.evictions: Counter[str] = Counter()

    def takes_part(self, channel: Channel) -> bool:
        """Tell whether requests of a connection may be the cause or the consequence of others."""
        return channel.client.address in self.called or channel.server.address in self.calling

    def calls_itself(self, address: str) -> bool:
        """Tell whether an address was seen to call itself: several services may be behind it."""
        return address in self._self_callers

    def meet(self, client: str, server: str) -> list[str]:
        """Learn that an address calls another; returns the addresses that have both roles from now on."""
        both = [address for address, is_called in ((client, False), (server, True)) if self._add(address, is_called)]
        if client == server and client in self.called and client in self.calling:
            self._self_callers.add(client)
        return both

    def _add(self, address: str, is_called: bool) -> bool:
        role, other = (self.called, self.calling) if is_called else (self.calling, self.called)
        once = self._once[is_called]
        if address in role:
            if address in once:
                once.move_to_end(address)
            return False
        if address not in other:
            if len(once) >= limits.HOP_ADDRESSES:
                oldest, _ = once.popitem(last=False)
                del role[oldest]
                self.evictions["hop-addresses"] += 1
            role[address] = once[address] = None
            return False
        if len(role) - len(once) >= limits.HOP_ADDRESSES:
            self.evictions["hop-addresses"] += 1
            return False
        role[address] = None
        del self._once[not is_called][address]
        return True

    def forget(self, address: str) -> None:
        """Forget an address of both roles, of which nothing was heard for long.

        It may have been forgotten before: what waited to be judged brings an instance back.
        """
        if address in self.called and address in self.calling:
            del self.called[address], self.calling[address]
        self._self_callers.discard(address)
