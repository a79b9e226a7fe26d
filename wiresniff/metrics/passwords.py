"""Basic authentication (RFC 7617) against bcrypt hashes, as Prometheus exporters do it.

bcrypt is slow on purpose, so its answers are remembered, under a digest that is keyed anew in every process: neither a
password nor anything that could be tried offline stays in memory. A user that is not there takes as long as another.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

import bcrypt

from wiresniff.model import limits

SCHEME = "basic "
BCRYPT_BYTES = 72
"""What bcrypt reads of a password; the rest never counted."""


class Passwords:
    """The users of a web configuration."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = {name.encode("utf-8"): hashed.encode("ascii") for name, hashed in users.items()}
        self._secret = secrets.token_bytes(32)
        self._known: dict[bytes, bool] = {}

    def known(self, authorization: str) -> bool | None:
        """Return the answer about an Authorization field; None where only `check` can tell."""
        credentials = _credentials(authorization)
        return False if credentials is None else self._known.get(self._digest(*credentials))

    def check(self, authorization: str) -> bool:
        """Ask bcrypt, and remember what it says. Takes a tenth of a second or more."""
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        user, password = credentials
        hashed = self._users.get(user)
        decoy = next(iter(self._users.values()))
        try:
            fits = bcrypt.checkpw(password[:BCRYPT_BYTES], hashed or decoy)
        except ValueError:  # a password that bcrypt does not take
            fits = False
        answer = fits and hashed is not None
        if len(self._known) >= limits.PASSWORDS_REMEMBERED:
            # Wrong ones go first: they must not push out the right one.
            del self._known[
                next((digest for digest, right in self._known.items() if not right), next(iter(self._known)))
            ]
        self._known[self._digest(user, password)] = answer
        return answer

    def _digest(self, user: bytes, password: bytes) -> bytes:
        return hmac.digest(self._secret, len(user).to_bytes(4, "big") + user + password, hashlib.sha256)


def _credentials(authorization: str) -> tuple[bytes, bytes] | None:
    """Return user and password of an Authorization field, None where it has none."""
    if not authorization.lower().startswith(SCHEME):
        return None
    try:
        decoded = base64.b64decode(authorization[len(SCHEME) :].strip(" "), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(b":")
    return (user, password) if colon else None
