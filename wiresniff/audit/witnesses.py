"""Witnesses: where to look for what was counted, and what privacy allows of what is there."""

from wiresniff.model.context import Reading
from wiresniff.model.display import visible
from wiresniff.model.exchanges import Exchange
from wiresniff.model.findings import Witness
from wiresniff.model.policy import Privacy
from wiresniff.model.privacy import shown_id, shown_target, shows_values
from wiresniff.model.totals import WITNESSES, PairTotals


class Witnesses:
    """Makes witnesses of exchanges."""

    def __init__(self, privacy: Privacy, made: "list[tuple[Witness, Exchange]] | None" = None) -> None:
        self._privacy = privacy
        self.made = made
        """Every witness that was made, with its exchange, until somebody takes them away; None: nobody does."""

    def offer(self, totals: PairTotals, word: str, exchange: Exchange, reading: Reading) -> None:
        """Offer an exchange as a witness for `word`; the first few are kept."""
        kept = totals.witnesses.get(word)
        if kept is not None and len(kept) == WITNESSES and exchange.time_ns > kept[-1].time_ns:
            return
        totals.witness(word, self.make(exchange, reading))

    def offer_chain(
        self, totals: PairTotals, word: str, sent: tuple[Exchange, Reading], received: tuple[Exchange, Reading] | None
    ) -> None:
        """Offer a request that left a service, with the one that caused it, if that is known.

        Of both everything is shown that says something of the trace.
        """
        kept = totals.witnesses.get(word)
        if kept is not None and len(kept) == WITNESSES and sent[0].time_ns > kept[-1].time_ns:
            return
        cause = self.make(*received, shows_all=True) if received is not None else None
        totals.witness(word, self.make(*sent, shows_all=True)._replace(cause=cause))

    def make(self, exchange: Exchange, reading: Reading, *, shows_all: bool = False) -> Witness:
        """Make a witness; `shows_all`: of every request, not only of what is wrong with it."""
        privacy = self._privacy
        values: tuple[bytes, ...] = ()
        if shows_values(privacy):
            values = reading.traceparents
            if shows_all or reading.tracestate == "invalid":
                values += reading.tracestates
        trace_id = reading.context.trace_id if reading.context is not None else None
        if trace_id is None and shows_all:
            trace_id = next((carrier.trace_id for carrier in reading.carriers if carrier.trace_id), None)
        witness = Witness(
            time_ns=exchange.time_ns,
            capture=exchange.capture,
            packet=exchange.packet,
            client_address=exchange.client.address,
            client_port=exchange.client.port,
            server_address=exchange.server.address,
            server_port=exchange.server.port,
            request_line=self._request_line(exchange),
            status=exchange.status,
            trace_id=shown_id(trace_id, privacy.ids) if trace_id is not None else None,
            values=tuple(value.decode("latin-1") for value in values),
            stream=exchange.stream,
            grpc_status=exchange.grpc_status,
            sequence=exchange.sequence,
        )
        if self.made is not None:
            self.made.append((witness, exchange))
        return witness

    def _request_line(self, exchange: Exchange) -> str:
        """Say method and path as privacy allows; what was not seen of them is `?`."""
        method = (exchange.method or b"?").decode("latin-1")
        if exchange.target is None:
            return visible(f"{method} ?")
        path, query = shown_target(method, exchange.target.decode("latin-1"), self._privacy)
        shown = f"{path or ''}{f'?{query}' if query is not None else ''}"
        return visible(f"{method} {shown}".rstrip(" "))
