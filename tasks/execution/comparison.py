"""When an output is as good as the expected one, where a file has no Python that says so: of JSON, of stdout.

A comparison that has a normal form (`Comparison.form`) calls two outputs one if their forms are equal; the
others are relations, which need not be transitive.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isclose, isfinite
from typing import Any, Literal, get_args

from tasks.benchmarks.livecodebench import same_lines
from tasks.core import values

Mode = Literal["exact", "tokens", "float", "wrapped", "lines"]
MODES: tuple[str, ...] = get_args(Mode)
Equality = Callable[[Any, Any], bool]
Form = Callable[[Any], Any]
_FRACTION = re.compile(
    r"[+-]?(?:(?:\d+\.\d*|\.\d+)(?:e[+-]?\d+)?|\d+e[+-]?\d+|inf(?:inity)?|nan)", re.IGNORECASE
)

_WHOLE = re.compile(r"[+-]?\d+")


@dataclass(frozen=True)
class Comparison:
    """How the outputs of a problem are compared with the expected ones.

    mode      stdout                                         data
    exact     equal but for white space at the end of        Python's `==`; of JSON a tuple is as good as a
              lines and of the whole                         list, the key 1 as good as "1"
    tokens    the same words, whatever is between them       as exact
    float     as tokens; a word that is a decimal fraction   as exact; a float may differ by the tolerance
              may differ by the tolerance
    wrapped   as tokens                                      as exact, or as the only item of an expected
                                                             list (APPS)
    lines     line by line without outer blanks; lines may   as exact
              be equal as decimal numbers (LiveCodeBench)

    `tolerance` is absolute, and relative to an expected number that is no whole number: 3.3333333333333332e16
    is not 33333333333333333. `any_order`: of a list's items, or of stdout's lines, it only counts how often
    each is there."""

    mode: Mode = "exact"
    tolerance: float = 1e-6
    any_order: bool = False

    def equality(self, is_data: bool, from_json: bool = False) -> Equality:
        """The rule for (output, expected) of a suite: of data, or of stdout; `from_json`: what was expected
        was written as JSON."""
        form = self.form(is_data, from_json)
        if form is None:
            return self._relation(is_data)
        if form is unchanged:
            return values.equal
        if is_data:
            return lambda value, expected: values.equal(form(value), form(expected))
        return lambda value, expected: _are_texts(value, expected) and bool(form(value) == form(expected))

    def form(self, is_data: bool, from_json: bool = False) -> Form | None:
        """The normal form of an output; None where this comparison is a relation that has none."""
        if self.mode == "float" or self.mode == ("wrapped" if is_data else "lines"):
            return None
        if is_data:
            plain: Form = listed if from_json else unchanged
        else:
            words = _words_by_line if self.any_order else _words
            plain = stripped if self.mode == "exact" else words
        return (lambda value: _in_order(plain(value))) if self.any_order else plain

    def _relation(self, is_data: bool) -> Equality:
        if self.mode == "float":
            close = _close_data if is_data else _close_words
            same: Equality = lambda value, wanted: close(value, wanted, self.tolerance)  # noqa: E731
        else:
            same = wrapped_equal if is_data else same_lines
        if not self.any_order:
            return same
        return lambda value, wanted: _matched(_parts(value), _parts(wanted), same)


def _are_texts(*outputs: Any) -> bool:
    return all(isinstance(output, str) for output in outputs)


def unchanged(value: Any) -> Any:
    """The form of what needs none."""
    return value


def stripped(text: Any) -> Any:
    """Stdout without the white space that does not count."""
    if not isinstance(text, str):
        return text
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def _words(text: Any) -> Any:
    return " ".join(text.split()) if isinstance(text, str) else text


def _words_by_line(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return "\n".join(" ".join(line.split()) for line in text.split("\n") if line.strip())


def _in_order(value: Any) -> Any:
    """A list with its items in an order that depends on them alone; of a text, its lines."""
    if isinstance(value, str):
        return "\n".join(sorted(value.split("\n")))
    return sorted(value, key=values.behaviour_key) if isinstance(value, list | tuple) else value


def _parts(value: Any) -> Any:
    return _words_by_line(value).split("\n") if isinstance(value, str) else value


def _matched(left: Any, right: Any, same: Equality) -> bool:
    """Whether the items can be paired so that each pair is the same: nearly always the first that fits does,
    since what two expected items are both as good as is as good as either."""
    if not isinstance(left, list | tuple) or not isinstance(right, list | tuple):
        return same(left, right)
    if len(left) != len(right):
        return False
    waiting = [*right]
    for item in left:
        place = next((place for place, other in enumerate(waiting) if same(item, other)), None)
        if place is None:
            return False
        del waiting[place]
    return True


def same_output(left: Any, right: Any) -> bool:
    """The stdout rule of `exact`."""
    return _are_texts(left, right) and bool(stripped(left) == stripped(right))


def _close_words(left: Any, right: Any, tolerance: float) -> bool:
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    ours, theirs = left.split(), right.split()
    return len(ours) == len(theirs) and all(
        one == two or _close_fractions(one, two, tolerance) for one, two in zip(ours, theirs, strict=True)
    )


def _close_fractions(left: str, right: str, tolerance: float) -> bool:
    """Two words that are numbers, one of them at least a decimal fraction: whole numbers have no
    tolerance."""
    if not (_FRACTION.fullmatch(left) or _FRACTION.fullmatch(right)):
        return False
    try:
        if _WHOLE.fullmatch(right):
            return _near_whole(float(left), int(right), tolerance)
        return _near(float(left), float(right), tolerance)
    except ValueError:
        return False


def _near(one: float, other: float, tolerance: float) -> bool:
    if not isfinite(other) or not isfinite(one):
        return one == other
    return isclose(one, other, rel_tol=0.0, abs_tol=tolerance * max(1.0, abs(other)))


def _near_whole(one: float, whole: int, tolerance: float) -> bool:
    """Whether a float is a whole number but for the absolute tolerance, exactly: a float of many digits that
    should be an integer has been rounded on the way."""
    return isfinite(one) and abs(Fraction(one) - whole) <= tolerance


def _close_data(left: Any, right: Any, tolerance: float) -> bool:
    return _close(listed(left), listed(right), tolerance)


def _close(left: Any, right: Any, tolerance: float) -> bool:
    """Equal data, where a float may differ by the tolerance, also from a whole number."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            _close(one, two, tolerance) for one, two in zip(left, right, strict=True)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_close(left[key], right[key], tolerance) for key in left)
    numbers = all(type(value) in (int, float) for value in (left, right))
    if numbers and float in (type(left), type(right)):
        if type(right) is int:
            return _near_whole(left, right, tolerance)
        try:
            return _near(float(left), float(right), tolerance)
        except OverflowError:
            return False
    return values.equal(left, right)


def json_equal(left: Any, right: Any) -> bool:
    """Python's `==` over plain data, a tuple counting as the list that JSON makes of it, and the key 1 of a
    dictionary as "1"."""
    return values.equal(listed(left), listed(right))


def wrapped_equal(value: Any, expected: Any) -> bool:
    """The rule of `wrapped` for data."""
    if json_equal(value, expected):
        return True
    return isinstance(expected, list) and len(expected) == 1 and json_equal(value, expected[0])


def listed(value: Any) -> Any:
    """Data as JSON has it."""
    if isinstance(value, list | tuple):
        return [listed(item) for item in value]
    if isinstance(value, dict):
        texts = {_json_key(key): listed(item) for key, item in value.items()}
        # JSON has no two keys of one text.
        return texts if len(texts) == len(value) else {key: listed(item) for key, item in value.items()}
    return value


def _json_key(key: Any) -> Any:
    """A key as JSON has it, which knows texts alone."""
    return json.dumps(key) if key is None or type(key) in (int, float, bool) else key
