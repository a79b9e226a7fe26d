"""What is raised at a person: one clear sentence each, never a traceback."""


class WiresniffError(Exception):
    """Input of a person that can't be used: what, where, and what to do instead."""


class PolicyError(WiresniffError):
    """A policy file, or a value in it, that can't be used. Exit status 2."""


class UsageError(WiresniffError):
    """An option or an expression that can't be used. Exit status 2."""


class CaptureError(WiresniffError):
    """A capture that can't be read. Exit status 3."""
