"""Audit trace context on the wire.

Packets make segments, segments make runs, runs make messages, messages make exchanges, exchanges make findings.

    columns        how arrays of bytes are spoken of; the only home of stride tricks
    model          the nouns that pass between stages: plain data, one file per boundary
    capture        files, standard input, live interfaces -> PacketBlock
    decode         PacketBlock -> SegmentBlock
    reassembly     SegmentBlock -> Data | Gap | End, per flow of a connection
    protocols      runs -> messages -> Exchange
    tracecontext   header fields -> Reading: the context and its faults
    services       addresses -> service names
    audit          exchanges -> verdicts, totals per service pair, findings
    report         the audit as text, JSON and Markdown; what every word of it means
    metrics        the audit as Prometheus text, of files once and served live
    stages         the stages of one capture point
    pipeline       joins the stages
    workers        the same pipeline in several processes
    witnesses      the packets that prove findings, masked, as a capture
    config         the policy file
    cli            one file per command

Start reading at ``model``, then ``pipeline``.
"""

__version__ = "0.1.0"
