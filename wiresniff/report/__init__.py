"""Report: an Audit, said to people and to programs.

    text         for a terminal, at 3 AM: the worst pair first, findings with their witnesses, what was not seen
    markdown     the same for a pull request
    json         everything, schema `wiresniff/report/1`
    records      one JSON line per request (`--exchanges`)
    privacy      what leaves the program of ids, paths, queries and baggage
    headline     the first line of every report: what was judged
    unseen       what was not seen, and why, in plain sentences
    quoting      times, endpoints and witnesses as text
    explanations what every word of a report means (`wiresniff explain`)

A renderer is a function of the Audit: it computes no verdict and asks no clock. Names and values come from the wire
and may be anything: text and Markdown take them through `model.display`, JSON escapes them. Only `text` imports rich.
"""
