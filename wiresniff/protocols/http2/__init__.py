"""HTTP/2 (RFC 9113), as a passive observer reads it, from any moment of a connection on.

Theory of operation. Each flow is read frame by frame (`reader`, `frames`, `blocks`): the payload of a frame matters
only where it holds header blocks or settings; DATA are skipped by arithmetic, never joined and never searched. Header
blocks go through HPACK in the order of the wire (`direction`); in the client's direction each makes an exchange
(`requests`), in the server's it tells a status or the end (`responses`, `statuses`). `streams` joins the two by stream
and time. `conversation` holds both directions. `inference` says what can be said of requests whose header table is not
known.

Honesty. A gap in DATA costs nothing. A gap anywhere else costs the header table of its direction: a new epoch of HPACK
begins, and a header block that is cut is recorded as far as it was seen. Where it is not known where frames begin, they
are looked for by tiling (`search`), which is also how a connection is recognised that was joined late.
"""

from wiresniff.protocols.http2.conversation import Conversation as Http2Conversation
from wiresniff.protocols.http2.shared import Readers as Http2Readers

__all__ = ["Http2Conversation", "Http2Readers"]
