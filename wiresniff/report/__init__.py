"""Report: an Audit, said to people and to programs.

    text         for a terminal, at 3 AM: the worst pair first, findings with their witnesses, what was not seen
    text_tables  its tables: what is sent, and what becomes of the trace
    document     the same as sections and tables, before it is written as
    markdown       for a pull request
    html           for a mail, a ticket, an artifact of a build: one page that needs nothing else
    json         everything, schema `wiresniff/report/1`; `json_hops` is what became of traces
    records      one JSON line per request (`--exchanges`)
    privacy      what leaves the program of ids, paths, queries and baggage
    headline     the first line of every report: what was judged
    unseen       what was not seen, and why, in plain sentences
    hop_notes    what is said of a pair beside the four numbers of what became of the trace
    quoting      times, endpoints and witnesses as text
    explanations what every word of a report means (`wiresniff explain`)

A renderer is a function of the Audit: it computes no verdict and asks no clock. Names and values come from the wire
and may be anything: text, Markdown and HTML take them through `model.display`, and JSON escapes them. Only `text` and
`text_tables` import rich.
"""
