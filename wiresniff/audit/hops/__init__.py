"""Hops: what a service made of the trace, judged at every request that leaves it (`spec`: continuity of the trace).

Theory of operation. A sniffer sees what enters a service and what leaves it, and nothing in between. Two kinds of
evidence join them:

    identifiers  the request that leaves carries something that one that came in carried, and no other: its trace id in
                 any format, or an id that some gateway made. This is exact (`certain`), and settles most requests.
    time         where the identifiers are gone, the request that leaves began while one that came in was open, and
                 nothing else was. This is an inference (`likely`, `possible`), and where several were open it is none.

`Hops` is the stage. It puts what it is told in order of capture time: heads, ends, and settled requests. `Roles` knows
who calls and who is called. `Instance` is a service at one address: what is open there, and how often it calls out by
itself. `Register` finds earlier requests by identifiers. `judge` is the order of tests, `changes` what was done to a
context that was handed on. `tally` counts.

What looks like proof and is none, and so is less than `certain`: an id that the service sent before it received it (its
own constant, or a trace that a callee brought back), an id of a request that is over (a constant that came in once so
far), a trace id that is a small number, a new parent-id where so many requests of the trace came in that one with the
same may be forgotten, any id on an address that several services share, and one that came first by another clock.

Only addresses that are both called and calling take part: the client that nobody calls is a front door, and what it
sends begins traces; the server that calls nobody hands nothing on. Both cost nothing here, which keeps traffic of one
hop as quick as before.

What it refuses to do: to choose among several requests that may be the cause; to run a rule of time where identifiers
decide; to judge where a head that may matter was not seen.
"""

from wiresniff.audit.hops.stage import Hops

__all__ = ["Hops"]
