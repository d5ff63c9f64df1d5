"""What stays in the solution's process, as a test meets it: objects of its classes, classes, constants.

No test can look at them from where it is, so whatever it does with one is noted, and the test has no verdict:
neither the answer that it would get there nor the lack of one is to be told here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from sandbox_image import plain

# Stands in the messages of operators that no method here is asked about.
NAME = "object of the solution's"
_REFUSED = (
    "lt le gt ge len iter next reversed contains getitem setitem delitem add radd iadd sub rsub isub mul "
    "rmul imul matmul rmatmul truediv rtruediv floordiv rfloordiv mod rmod divmod rdivmod pow rpow lshift "
    "rlshift rshift rrshift and rand or ror xor rxor neg pos abs invert int float complex index round trunc "
    "floor ceil enter exit await aiter anext bool bytes"
)


class Unseen(plain.Opaque):
    """One such object. `note` is called with a sentence whenever a test does anything with it."""

    __slots__ = ("_note",)

    def __init__(self, type_name: str, note: Callable[[str], None]) -> None:
        object.__setattr__(self, "type_name", type_name)
        object.__setattr__(self, "_note", note)

    def __getattribute__(self, name: str) -> NoReturn:
        _noted(self)
        raise AttributeError(f"{NAME}: {name}")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        _noted(self)
        raise AttributeError(f"{NAME}: {name}")

    def __eq__(self, other: object) -> bool:
        _noted(self)
        return False

    def __ne__(self, other: object) -> bool:
        _noted(self)
        return True

    def __hash__(self) -> int:
        _noted(self)
        return id(self)

    def __repr__(self) -> str:
        _noted(self)
        return "<opaque>"


def _noted(value: Unseen) -> None:
    name = object.__getattribute__(value, "type_name")
    object.__getattribute__(value, "_note")(
        f"{name} stays in the solution's process, where no test can look at it"
    )


def _refused(name: str) -> Callable[..., Any]:
    def refuse(self: Unseen, *_: object) -> NoReturn:
        _noted(self)
        raise TypeError(f"{NAME}: {name}")

    return refuse


for _name in _REFUSED.split():
    setattr(Unseen, f"__{_name}__", _refused(_name))
Unseen.__name__ = NAME


def attribute_of_exception(note: Callable[[str], None]) -> Callable[..., Any]:
    """`__getattr__` of an exception of the solution's: its text has come along, what else it holds not."""

    def missing(self: BaseException, name: str) -> NoReturn:
        if not name.startswith("__"):
            note(f"{name!r} of an exception of the solution's stays in its process")
        raise AttributeError(f"{NAME}: {name}")

    return missing
