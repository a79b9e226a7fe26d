"""Metrics: the audit as Prometheus text, of capture files once and of live traffic for months.

Theory of operation. `families` is the table of metric families: name, labels, help. A `Snapshot` holds everything that
one scrape shows and is never changed; `collector` turns it into the library's families, `exposition` into text.
`textfile` does it once, for an audit of files.

Live, there are two threads that share nothing but one reference. The capture loop calls, between blocks,

    if exporter.is_due:  # a scrape waits, or a minute has passed
        exporter.publish(auditor.growth(now_ns), accounting, capture_state, connections)

and `publish` replaces the snapshot by the next one. The server's thread answers scrapes from the snapshot it finds; it
asks for a fresh one and waits a moment, and takes the old one if capture has no time. So a scrape never blocks capture,
and never sees half a block.

Counters never go down: `series` adds up what pairs *grew by* (`model.growth`), under the names known then, and nothing
that was counted is moved later. Pairs and interfaces are bounded, with `other` behind the bound; a pair that is idle
expires whole.

    exporter = Exporter(shows_page=True)
    exporter.bind(parse_listen("127.0.0.1:9795"), web_config)   # ports and certificates: UsageError says what is wrong
    ...                                                         # drop capabilities here: a thread keeps what it has
    exporter.start()
    ...
    exporter.close()

The server (`server`, `messages`) speaks HTTP/1.1, GET and HEAD, no bodies; `listen`, `certificates` and `passwords`
are what its options mean; `page` is what a person reads. It logs no requests.

`Exporter` is in `exporter`, `parse_listen` in `listen`: this package imports nothing, so that a text file costs no
server. Nothing is registered at import, no global registry is touched. Labels name services, verdicts and words of
closed lists; values of header fields never appear.
"""
