"""What tests need of pytest, in the test process: `raises`, `approx`, `param`, `mark`, `fail`, `skip`.

Written from pytest's documented rules, on the standard library alone; pytest itself is never near a
candidate. Tables of `mark.parametrize` are unrolled before they get here (`tasks.testcode.split`).
"""

from __future__ import annotations

import builtins
import math
import re
import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sized
from decimal import Decimal
from numbers import Complex
from typing import Any, NoReturn

from sandbox_image import given

# Functions look names up in the builtins they were made with: a test that patches them does not skip by that.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

Types = type[BaseException] | tuple[type[BaseException], ...]


class ExceptionInfo:
    """What `raises` caught: `type`, `value`, and `match` against its text; `exception` to unittest."""

    type: type[BaseException]
    value: BaseException

    @property
    def typename(self) -> str:
        return self.type.__name__

    @property
    def exception(self) -> BaseException:
        return self.value

    @property
    def tb(self) -> types.TracebackType | None:
        return self.value.__traceback__

    @property
    def traceback(self) -> NoReturn:
        """The frames of the solution stay with it: there is no verdict on them."""
        from sandbox_image import handles

        handles._peers[0].refuse("the traceback of an exception stays in the solution's process")
        raise AssertionError

    def errisinstance(self, kinds: Types) -> bool:
        return isinstance(self.value, kinds)

    def exconly(self, tryshort: bool = False) -> str:
        """The type and the text, as a traceback ends."""
        import traceback

        return "".join(traceback.format_exception_only(self.type, self.value)).rstrip()

    def match(self, pattern: str | re.Pattern[str]) -> bool:
        """Raises AssertionError unless the pattern is found (`re.search`) in the exception's text."""
        if not re.search(pattern, str(self.value)):
            raise AssertionError(f"{pattern!r} is not found in {str(self.value)!r}")
        return True


class EndedError(RuntimeError):
    """In the place of a StopIteration of the solution's, which would end a loop of the test's in silence."""

    def __init__(self, ended: BaseException, text: str) -> None:
        super().__init__(text)
        self.ended = ended


class _Raises:
    def __init__(
        self,
        wanted: Types,
        match: str | re.Pattern[str] | None = None,
        check: Callable[[BaseException], bool] | None = None,
    ) -> None:
        self.wanted, self.pattern, self.check = wanted, match, check
        self.info = ExceptionInfo()

    def __enter__(self) -> ExceptionInfo:
        return self.info

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if kind is None or error is None:
            raise AssertionError(f"did not raise {self.wanted!r}")
        if isinstance(error, EndedError) and not issubclass(kind, self.wanted):
            kind, error = type(error.ended), error.ended
        if not issubclass(kind, self.wanted):
            return False
        self.info.type, self.info.value = kind, error
        if self.pattern is not None:
            self.info.match(self.pattern)
        if self.check is not None and not self.check(error):
            raise AssertionError("the check of the exception is false")
        return True


def raises(
    expected_exception: Types,
    function: Callable[..., object] | None = None,
    *args: object,
    **kwargs: Any,
) -> Any:
    """`with raises(E, match=..., check=...) as info:`, or at once `raises(E, function, *args, **kwargs)`;
    the latter's info."""
    wanted = expected_exception
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    if not kinds or not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        raise TypeError("raises() wants exception types")
    if function is None:
        return _Raises(wanted, **kwargs)
    manager = _Raises(wanted)
    with manager:
        function(*args, **kwargs)
    return manager.info


class _Approx:
    """Equal to what is near `expected`; containers compare item by item."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expected: Any, rel: Any, abs_: Any, nan_ok: bool) -> None:
        self.expected, self.rel, self.abs, self.nan_ok = expected, rel, abs_, nan_ok

    def __ne__(self, actual: object) -> bool:
        return not (actual == self)

    def __bool__(self) -> bool:
        raise AssertionError("approx() has no truth: compare with it")

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"

    def _near(self, pairs: Iterable[tuple[Any, Any]]) -> bool:
        return all(actual == _scalar(wanted, self.rel, self.abs, self.nan_ok) for actual, wanted in pairs)


class _ApproxMapping(_Approx):
    def __eq__(self, actual: Any) -> bool:
        try:
            if set(actual.keys()) != set(self.expected.keys()):
                return False
        except AttributeError:
            return False
        return self._near((actual[key], wanted) for key, wanted in self.expected.items())


class _ApproxSequence(_Approx):
    def __eq__(self, actual: Any) -> bool:
        try:
            if len(actual) != len(self.expected):
                return False
        except TypeError:
            return False
        return self._near(zip(actual, self.expected, strict=True))


class _ApproxScalar(_Approx):
    """A number: within the larger of `abs` (1e-12) and `rel` (1e-6) of the expected one's size.

    `abs` given alone stands alone. Infinities equal themselves only, NaN nothing unless `nan_ok`; booleans
    and what is no number compare by `==`.
    """

    def __eq__(self, actual: Any) -> bool:
        if isinstance(self.expected, bool):
            return isinstance(actual, bool) and actual == self.expected
        if actual == self.expected:
            return True
        if not isinstance(self.expected, Complex | Decimal) or not isinstance(actual, Complex | Decimal):
            return False
        size = abs(self.expected)
        if size != size:
            return bool(self.nan_ok and abs(actual) != abs(actual))
        if size == math.inf:
            return False
        return bool(abs(self.expected - actual) <= self._tolerance())

    def _tolerance(self) -> Any:
        number = Decimal if isinstance(self.expected, Decimal) else float
        absolute = self.abs if self.abs is not None else number("1e-12")
        if _is_wrong(absolute):
            raise ValueError("the absolute tolerance is NaN or negative")
        if self.abs is not None and self.rel is None:
            return absolute
        relative = (self.rel if self.rel is not None else number("1e-6")) * abs(self.expected)
        if _is_wrong(relative):
            raise ValueError("the relative tolerance is NaN or negative")
        return max(relative, absolute)


def _is_wrong(tolerance: Any) -> bool:
    # Equality first: a Decimal NaN may be compared for equality only.
    return bool(tolerance != tolerance or tolerance < 0)


def _scalar(expected: Any, rel: Any, abs_: Any, nan_ok: bool) -> _ApproxScalar:
    for tolerance in (rel, abs_):
        if tolerance is not None and not isinstance(tolerance, int | float | Decimal):
            raise TypeError("a tolerance is an int, a float or a Decimal")
    if rel is not None and not hasattr(expected, "__abs__"):
        raise TypeError("a relative tolerance needs an expected value that supports abs()")
    if isinstance(expected, Decimal):
        rel, abs_ = (Decimal(t) if isinstance(t, int | float) else t for t in (rel, abs_))
    return _ApproxScalar(expected, rel, abs_, nan_ok)


def approx(expected: Any, rel: Any = None, abs: Any = None, nan_ok: bool = False) -> _Approx:
    """`actual == approx(expected)`; of a sequence or a mapping, item by item. Raises TypeError for nested
    containers and for sets, ValueError on comparison for a tolerance that is negative or NaN."""
    kind: type[_Approx]
    if isinstance(expected, Mapping):
        items, kind = expected.values(), _ApproxMapping
    elif _is_sequence(expected):
        items, kind = expected, _ApproxSequence
    elif isinstance(expected, Collection) and not isinstance(expected, str | bytes):
        raise TypeError("approx() compares ordered sequences only")
    else:
        return _scalar(expected, rel, abs, nan_ok)
    if any(isinstance(i, Collection) and not isinstance(i, str | bytes | bytearray) for i in items):
        raise TypeError("approx() does not look into nested containers")
    return kind(expected, rel, abs, nan_ok)


def _is_sequence(value: object) -> bool:
    return hasattr(value, "__getitem__") and isinstance(value, Sized) and not isinstance(value, str | bytes)


def fail(reason: str = "", pytrace: bool = True) -> NoReturn:
    raise AssertionError(reason)


class Skipped(BaseException):
    """A test that is skipped asserts nothing: it ends without a verdict."""


def skip(reason: str = "", **options: object) -> NoReturn:
    raise Skipped(reason)


def importorskip(name: str, minversion: str | None = None, reason: str = "", **options: object) -> Any:
    try:
        __import__(name)
    except ImportError as error:
        raise Skipped(reason or str(error)) from None
    from sandbox_image import modules

    if isinstance(sys.modules[name], modules.Solution) and name != "solution":
        # Found for want of any other: nothing of that name is installed.
        raise Skipped(reason or f"No module named {name!r}")
    return sys.modules[name]


def is_skip(error: BaseException) -> bool:
    """Whether a test has said that it is skipped, in pytest's way or in unittest's."""
    unittest = sys.modules.get("unittest")
    return isinstance(error, Skipped) or (unittest is not None and isinstance(error, unittest.SkipTest))


def param(*values: Any, **options: object) -> Any:
    return values[0] if len(values) == 1 else values


def _decorator(*args: Any, **kwargs: Any) -> Any:
    """Marks and fixtures mean nothing to one assertion: functions stay what they are."""
    if len(args) == 1 and not kwargs and callable(args[0]):
        return args[0]
    return lambda function: function


class _Marks:
    def __getattr__(self, name: str) -> Any:
        return _decorator


_runners: list[Any] = []


def finished(awaitable: Any) -> Any:
    """What a coroutine of a test's, or of a fixture's, comes to: all of a test have one event loop."""
    return runner().run(_awaited(awaitable))


def ended(generator: Any) -> None:
    """Has a fixture go on that yields, behind the test."""
    finished(anext(generator, None))


def runner() -> Any:
    import asyncio

    if not _runners:
        _runners.append(asyncio.Runner())
    return _runners[0]


async def _awaited(value: Any) -> Any:
    return await value


def install() -> types.ModuleType:
    """Makes `import pytest` find these names in this process; the module."""
    module = types.ModuleType("pytest")
    vars(module).update(
        raises=raises,
        approx=approx,
        fail=fail,
        skip=skip,
        importorskip=importorskip,
        xfail=skip,
        param=param,
        fixture=_decorator,
        mark=_Marks(),
        ExceptionInfo=ExceptionInfo,
        given=given.given,
        finished=finished,
        ended=ended,
        warns=given.warns,
        deprecated_call=given.deprecated_call,
        MonkeyPatch=given.Patches,
    )
    sys.modules["pytest"] = module
    sys.modules["pytest_asyncio"] = types.ModuleType("pytest_asyncio")
    vars(sys.modules["pytest_asyncio"])["fixture"] = _decorator
    return module
