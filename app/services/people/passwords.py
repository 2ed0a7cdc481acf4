"""Passwords: hashed with argon2, 12 to 128 characters, none of the commonest. No rule about kinds of characters."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.domain.problems import ValidationError

SHORTEST, LONGEST = 12, 128

_hasher = PasswordHasher()

#: What lists of leaked passwords are made of. A password that is only these, digits and signs is on such a list.
_COMMON_WORDS = (Path(__file__).with_name("common_words.txt")).read_text().split()
_WORD = re.compile("|".join(sorted(map(re.escape, _COMMON_WORDS), key=len, reverse=True)))
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "1qaz2wsx3edc4rfv5tgb",
)
_LEET = str.maketrans("@4831!0$57", "aabeiiosst")


def check(password: str, email: str = "") -> None:
    """Raises ValidationError with the rule that the password breaks."""
    if len(password) < SHORTEST:
        raise ValidationError(
            f"A password has at least {SHORTEST} characters.", "A few words in a row are easy to keep."
        )
    if len(password) > LONGEST:
        raise ValidationError(f"A password has at most {LONGEST} characters.", "Choose a shorter one.")
    if _is_common(password.lower(), email.lower()):
        raise ValidationError(
            "This password is one of the commonest, or only a pattern.", "Choose words that others would not think of."
        )


@cache
def _nobody() -> str:
    """Verified against where there is no such user, so that the answer takes as long as for one there is."""
    return _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """The form to store."""
    return _hasher.hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one that was hashed; takes as long where there is no hash."""
    try:
        return _hasher.verify(password_hash or _nobody(), password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def _is_common(password: str, email: str) -> bool:
    if email and password in (email, email.partition("@")[0]):
        return True
    without_runs = _without_runs(password)
    forms = (without_runs, without_runs.translate(_LEET))
    return _is_repeated(password) or any(_is_only_patterns(without_runs, form) for form in forms)


def _is_repeated(password: str) -> bool:
    """One short piece again and again: ``aaaaaaaaaaaa``, ``abcabcabcabc``."""
    return any(password == (password[:size] * len(password))[: len(password)] for size in range(1, 5))


def _is_only_patterns(password: str, form: str) -> bool:
    """Nothing but digits and signs is left without the common words that a form of it, equally long, contains."""
    taken = {place for match in _WORD.finditer(form) for place in range(*match.span())}
    rest = [char for place, char in enumerate(password) if place not in taken]
    return sum(char.isalpha() for char in rest) <= 1


def _without_runs(password: str) -> str:
    """Takes out pieces of at least four characters that go along a row, forwards or backwards."""
    for row in _ROWS:
        for line in (row, row[::-1]):
            for size in range(len(line), 3, -1):
                for start in range(len(line) - size + 1):
                    password = password.replace(line[start : start + size], "")
    return password
