"""What `*` in the policy means: any text, also none. Everything else stands for itself, upper and lower case apart."""


def glob_regex(word: str) -> str:
    """Return the regular expression (for `fullmatch`, DOTALL) of a word with `*`.

    Matching is linear in the text for each `*`: a piece between two of them is taken where it occurs first, which is
    never wrong, and an atomic group keeps the engine from trying the other places.
    """
    first, *rest = [_escape(piece) for piece in word.split("*")]
    if not rest:
        return first
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1] if piece)
    return f"{first}{middle}.*{rest[-1]}"


def _escape(piece: str) -> str:
    # re.escape leaves letters of any script alone and escapes what means something; NUL and blanks need no help here.
    return "".join(f"\\{c}" if c in SPECIAL else c for c in piece)


SPECIAL = frozenset(".^$*+?{}[]\\|()")
