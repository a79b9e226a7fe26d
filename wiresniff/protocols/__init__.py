"""Runs -> messages -> Exchange.

Theory of operation. A connection begins undecided (`recognition`): its first bytes, or after lost bytes the beginnings
of its segments, say what it speaks. HTTP/1 (`http1`) and HTTP/2 (`http2`, with `hpack`) become conversations of two
parsers each. Everything else is opaque: its bytes are counted with the reason, and of TLS the server name is read
(`tls`).

What most HTTP/1 connections of a block say is alike, so `Dissector.look_ahead` recognises it for all of them at once,
in four modules of `http1` that know arrays; the parsers read the rest, and would read the same.

Parsers are machines over bytes without input or output of their own. They never raise at the wire: what they can't
read is counted, and what they did not see is never reported as absent. `Dissector` is the stage.
"""

from wiresniff.protocols.dissector import Dissector, Event

__all__ = ["Dissector", "Event"]
