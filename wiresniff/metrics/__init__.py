"""Metrics: the audit as Prometheus text.

`families` is the table of metric families: name, labels, help. `textfile` fills it from a snapshot of the audit, in a
registry of its own: nothing is registered at import, no global registry is touched, no series outlives a rendering.

Labels name services, verdicts and words of closed lists; values of header fields never appear.
"""
