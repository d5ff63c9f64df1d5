"""Texts of any script as words, for comparing them.

Where a script has no spaces between words (Chinese, Japanese, Thai ..), every character is a token, and runs
of them are as long as so many words would be.
"""

from __future__ import annotations

import unicodedata

# What tokens count: a word of a script with spaces, a Chinese or Japanese character, and a letter of a script
# that has letters but no spaces.
_WORD, _CHARACTER, _LETTER = 4, 2, 1
_UNSPACED = (
    *((0x3005, 0x3007, _CHARACTER), (0x3040, 0x312F, _CHARACTER), (0x31A0, 0x31BF, _CHARACTER)),
    *((0x31F0, 0x31FF, _CHARACTER), (0x3400, 0x4DBF, _CHARACTER), (0x4E00, 0x9FFF, _CHARACTER)),
    *((0xF900, 0xFAFF, _CHARACTER), (0x20000, 0x3FFFF, _CHARACTER)),
    # Thai and Lao, Burmese, Khmer.
    *((0x0E00, 0x0EFF, _LETTER), (0x1000, 0x109F, _LETTER), (0x1780, 0x17FF, _LETTER)),
)


_FIRST_UNSPACED = min(first for first, *_ in _UNSPACED)


def words(text: str) -> list[str]:
    """Runs of letters with their marks, and digits, in lower case; the characters of a script without spaces
    one by one. Of a text that has neither all that is no space."""
    tokens: list[str] = []
    joins = False
    for character in unicodedata.normalize("NFKC", text).lower():
        kind = unicodedata.category(character)[0]
        if kind == "M" and tokens and joins:
            tokens[-1] += character
        elif kind not in "LN":
            joins = False
        elif _count(character) < _WORD:
            tokens.append(character)
            joins = True
        elif joins and _count(tokens[-1]) == _WORD:
            tokens[-1] += character
        else:
            tokens.append(character)
            joins = True
    return tokens or [character for character in text if not character.isspace()]


def word_count(text: str) -> float:
    """How many words a text has, or about as many where its script does not say."""
    return sum(map(_count, words(text))) / _WORD


def ngrams(text: str, size: int) -> set[tuple[str, ...]]:
    """All runs of `size` words, or of characters that are as much; a shorter text is one run."""
    tokens = words(text)
    counts = [_count(token) for token in tokens]
    if sum(counts) <= size * _WORD:
        return {tuple(tokens)} if tokens else set()
    runs = set()
    end = total = 0
    for start, count in enumerate(counts):
        while total < size * _WORD and end < len(tokens):
            total += counts[end]
            end += 1
        if total < size * _WORD:
            break
        runs.add(tuple(tokens[start:end]))
        total -= count
    return runs


def _count(token: str) -> int:
    code = ord(token[0])
    if code < _FIRST_UNSPACED:
        return _WORD
    return next((count for first, last, count in _UNSPACED if first <= code <= last), _WORD)
