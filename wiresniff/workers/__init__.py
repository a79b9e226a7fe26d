"""The same pipeline in several processes, each with a share of the connections.

Theory of operation. Packets are cheap, connections are not: `SharedAudit` reads and decodes in one process, as ever,
and so whatever is told of packets is told once, however they come: plain, compressed, from a pipe, of several captures.
Packets are read into memory that all processes share, where that is possible, and their segments put beside them
(`slots`), sorted by a hash of their connection (`shares`); each worker takes its rows, puts them in order, dissects and
counts them. At the end totals are added.

What can't be counted apart is judged in one place, the parent, in the order in which one process would judge it:

    everything      where judgements are wanted one by one, captures are joined, or exemptions go by learned names
    hops            requests from or to an address that both calls and is called

The second is decided block by block, in lock-step. A worker tells who calls whom on connections that are new (`Met`);
when all have told, the parent tells everybody; then all know the same roles, and each worker counts what takes no part
in hops and sends the rest (`Brought`, as plain tuples: `events`), with earlier requests that turn out to take part. The
parent judges a block when all workers have brought theirs. A worker dissects the next blocks while it waits.

Live, the kernel shares the packets between sockets, one of each worker, and nothing is decoded twice; what is judged in
one place is brought in rounds, by time (`watch`). What pairs grew by and what was counted is asked for when somebody
wants to know it. Names that traffic taught one worker are told the others then.

A worker that dies ends everything with a sentence: its share of what was seen would be missing.

    links    processes and the lines to them
    shares   which connection is whose
    slots    shared memory
    events   how exchanges travel
    audit    captures
    watch    live traffic: the parent
    watcher  and its workers
"""
