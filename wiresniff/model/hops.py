"""Hop: what became of the trace at a service, judged at a request that leaves it (CONTRACT "Hops")."""

from enum import StrEnum
from typing import NamedTuple

from wiresniff.model.exchanges import Exchange
from wiresniff.model.verdicts import Confidence


class Outcome(StrEnum):
    """What a service made of the context that it was called with."""

    PROPAGATED = "propagated"
    """Same trace id, new parent-id."""
    PASSTHROUGH = "passthrough"
    """Same trace id, same parent-id."""
    RESTARTED = "restarted"
    """Its cause had a usable context; this has one of another trace."""
    DROPPED = "dropped"
    """Its cause had a usable context; this has none."""
    ORIGINATED = "originated"
    """Its cause had no usable context; this has one."""
    BARE = "bare"
    """No usable context, and none to hand on: its cause had none either, or nothing caused it."""
    ROOT = "root"
    """A context of its own, and nothing caused it: a timer, start-up, a front door."""
    EXEMPT = "exempt"
    UNDETERMINED = "undetermined"


class Change(StrEnum):
    """What a service did to a context that it handed on (spec rules F and M), beside what it may do."""

    ILLEGAL_MUTATION = "illegal-mutation"
    """Version raised, or flags changed that nobody may change."""
    SAMPLED_WITHOUT_NEW_PARENT = "sampled-changed-without-new-parent"
    SAMPLED_FLAG_FLIP = "sampled-flag-flip"
    """With a new parent-id: allowed, but spans of one trace are then kept here and not there."""
    RANDOM_FLAG_FLIP = "random-flag-flip"
    TRACESTATE_DROPPED = "tracestate-dropped"
    """Received, and not sent on; or foreign members gone."""
    TRACESTATE_CUT = "tracestate-cut"
    """A member was cut in its middle."""
    TRACESTATE_REORDERED = "tracestate-reordered"
    TRACESTATE_ALTERED = "tracestate-altered"
    """Changed though the traceparent was not, or a foreign value changed."""
    RESTART_KEPT_TRACESTATE = "restart-kept-tracestate"
    BAGGAGE_DROPPED = "baggage-dropped"
    BAGGAGE_CUT = "baggage-cut"


class Doubt(StrEnum):
    """Why nothing can be said of a hop."""

    BUSY = "busy"
    """Several requests were open at the service, any of which may be the cause: judged as a share of the pair."""
    AMBIGUOUS_ADDRESS = "instance-ambiguous"
    """Several services share the address that it came from."""
    NOT_SEEN = "not-seen"
    """A head was not wholly seen: this one, or one that may be the cause."""
    CAUSE_UNKNOWN = "cause-unknown"
    """Nothing is open that may be the cause, and nothing shows that there is none."""


class Hop(NamedTuple):
    """The judgement of one request as one that leaves its client."""

    outcome: Outcome
    confidence: Confidence
    cause: Exchange | None = None
    """The request that caused it, where identifiers prove it (`certain`) or nothing else was open."""
    changes: tuple[Change, ...] = ()
    doubt: Doubt | None = None
    """Exactly when the outcome is `undetermined`."""
