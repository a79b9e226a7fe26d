"""HTTP/1.0 and HTTP/1.1 (RFC 9112), as a passive observer reads them.

Theory of operation. `requests` and `responses` parse one direction each, head by head; bodies are skipped by arithmetic
(`body`) and never searched, so text in a body counts for nothing. `pairing` holds the queue of requests that wait for
their response; `shared` is all that the two know of each other, and `conversation` joins them. `grammar` reads heads,
`templates` recognises those that were met before, `head` holds those that come in pieces.

Speed. Turns of request and response of which every byte was met before, but for request line, traceparent and body,
are recognised in columns for all connections of a block (`turns`, `known`, `heads`, `blockwise`), and go on as
exchanges that are `alike`. These modules are the only ones above reassembly that know arrays; where anything is
unusual, the parsers read.

Honesty. A gap in a body of known length costs nothing. A gap in a head leaves the exchange unjudged. After any other
gap, or where the capture joined late, a parser looks for a head at the beginning of a segment (`seek`): for certain one
only where the other side had received everything before it and had answered, else it is recorded as `resync`.
"""

from wiresniff.protocols.http1.alike import Talk
from wiresniff.protocols.http1.blockwise import Blockwise, Stretch
from wiresniff.protocols.http1.conversation import Conversation as Http1Conversation
from wiresniff.protocols.http1.known import ArePlain
from wiresniff.protocols.http1.shared import Readers

__all__ = ["ArePlain", "Blockwise", "Http1Conversation", "Readers", "Stretch", "Talk"]
