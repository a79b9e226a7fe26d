"""Trails: one trace followed from request to request.

Theory of operation. A `Query` is what a person typed: a trace id of any format, whole or its first digits. The
`Follower` keeps the requests that carry the trace and those that one of them caused and that don't. `tree` hangs each
under the request that caused it: by identifiers where the hop proves it, else under the one that was open at its
client, if there was just one.
"""

from wiresniff.audit.trails.follower import Follower
from wiresniff.audit.trails.query import Query

__all__ = ["Follower", "Query"]
