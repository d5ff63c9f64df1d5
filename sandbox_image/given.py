"""pytest's own fixtures, in the test process: what is printed, logged and warned of, patches, a folder.

Written from pytest's documented rules. A check has a process of its own, so nothing is undone at its end.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

# Functions look names up in the builtins they were made with: a test that patches them changes nothing here.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

_MISSING = object()


class Printed(NamedTuple):
    out: str
    err: str


class Capture:
    """`capsys`, `capfd`: what goes to the standard streams since it was last read."""

    def __init__(self) -> None:
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()

    def readouterr(self) -> Printed:
        texts = [stream.getvalue() if isinstance(stream, io.StringIO) else "" for stream in _streams()]
        for stream in _streams():
            if isinstance(stream, io.StringIO):
                stream.seek(0)
                stream.truncate()
        return Printed(*texts)

    @contextlib.contextmanager
    def disabled(self) -> Iterator[None]:
        held = _streams()
        sys.stdout, sys.stderr = self._streams
        yield
        sys.stdout, sys.stderr = held


def _streams() -> tuple[Any, Any]:
    return sys.stdout, sys.stderr


class Log:
    """`caplog`: the records of every logger from its level on."""

    def __init__(self) -> None:
        import logging

        self.records: list[Any] = []
        self.handler = logging.Handler()
        vars(self.handler)["emit"] = self.records.append
        logging.getLogger().addHandler(self.handler)
        self._form = logging.Formatter("%(levelname)-8s %(name)s:%(filename)s:%(lineno)d %(message)s")

    @property
    def text(self) -> str:
        return "".join(f"{self._form.format(record)}\n" for record in self.records)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]

    @property
    def record_tuples(self) -> list[tuple[str, int, str]]:
        return [(record.name, record.levelno, record.getMessage()) for record in self.records]

    def clear(self) -> None:
        self.records.clear()

    def set_level(self, level: int | str, logger: str | None = None) -> None:
        import logging

        logging.getLogger(logger).setLevel(level)

    @contextlib.contextmanager
    def at_level(self, level: int | str, logger: str | None = None) -> Iterator[None]:
        import logging

        one = logging.getLogger(logger)
        before = one.level
        one.setLevel(level)
        try:
            yield
        finally:
            one.setLevel(before)


class Patches:
    """`monkeypatch`."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def setattr(self, target: Any, name: Any, value: Any = _MISSING, raising: bool = True) -> None:
        if value is _MISSING:
            path, value = target, name
            target, name = _owner(path)
        before = getattr(target, name, _MISSING)
        if before is _MISSING and raising:
            raise AttributeError(f"{target!r} has no attribute {name!r}")
        self._undo.append(
            lambda: delattr(target, name) if before is _MISSING else setattr(target, name, before)
        )
        setattr(target, name, value)

    def delattr(self, target: Any, name: Any = _MISSING, raising: bool = True) -> None:
        if name is _MISSING:
            target, name = _owner(target)
        if not hasattr(target, name):
            if raising:
                raise AttributeError(name)
            return
        before = getattr(target, name)
        self._undo.append(lambda: setattr(target, name, before))
        delattr(target, name)

    def setitem(self, mapping: Any, name: Any, value: Any) -> None:
        before = mapping.get(name, _MISSING)
        self._undo.append(
            lambda: mapping.pop(name) if before is _MISSING else mapping.__setitem__(name, before)
        )
        mapping[name] = value

    def delitem(self, mapping: Any, name: Any, raising: bool = True) -> None:
        if name not in mapping:
            if raising:
                raise KeyError(name)
            return
        before = mapping[name]
        self._undo.append(lambda: mapping.__setitem__(name, before))
        del mapping[name]

    def setenv(self, name: str, value: str, prepend: str | None = None) -> None:
        if prepend and name in os.environ:
            value = f"{value}{prepend}{os.environ[name]}"
        self.setitem(os.environ, name, str(value))

    def delenv(self, name: str, raising: bool = True) -> None:
        self.delitem(os.environ, name, raising)

    def syspath_prepend(self, path: object) -> None:
        sys.path.insert(0, str(path))

    def chdir(self, path: Any) -> None:
        before = os.getcwd()
        self._undo.append(lambda: os.chdir(before))
        os.chdir(path)

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()

    @contextlib.contextmanager
    def context(self) -> Iterator[Patches]:
        inner = Patches()
        try:
            yield inner
        finally:
            inner.undo()


def _owner(path: str) -> tuple[Any, str]:
    """The object and the name that a dotted path ends in."""
    owner, _, name = path.rpartition(".")
    first, *rest = owner.split(".")
    value: Any = __import__(first)
    for number, part in enumerate(rest):
        with contextlib.suppress(ImportError):
            __import__(".".join([first, *rest[: number + 1]]))
        value = getattr(value, part)
    return value, name


class Warned:
    """`recwarn`, and what `warns` gives: the warnings, in their order."""

    def __init__(self, caught: list[Any]) -> None:
        self.list = caught

    def __len__(self) -> int:
        return len(self.list)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.list)

    def __getitem__(self, index: int) -> Any:
        return self.list[index]

    def pop(self, kind: type[Warning] = Warning) -> Any:
        for number, one in enumerate(self.list):
            if issubclass(one.category, kind):
                return self.list.pop(number)
        raise AssertionError(f"{kind!r} is not in the warnings")

    def clear(self) -> None:
        self.list.clear()


class Warns:
    """`with warns(kind, match=..) as caught:`"""

    def __init__(self, kind: Any = Warning, match: str | None = None) -> None:
        self.kind, self.pattern = kind, match
        self.catching = warnings.catch_warnings(record=True)

    def __enter__(self) -> Warned:
        self.caught = Warned(_list(self.catching))
        warnings.simplefilter("always")
        return self.caught

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self.catching.__exit__(kind, error, trace)
        if kind is not None:
            return
        meant = [one for one in self.caught if issubclass(one.category, self.kind)]
        if not meant:
            raise AssertionError(f"no warning of {self.kind!r} was given")
        if self.pattern and not any(re.search(self.pattern, str(one.message)) for one in meant):
            raise AssertionError(f"no warning of {self.kind!r} matches {self.pattern!r}")


def warns(kind: Any = Warning, *args: Any, match: str | None = None, **kwargs: Any) -> Any:
    """A context, or at once `warns(kind, function, ..)`: the value of the call."""
    context = Warns(kind, match)
    if not args:
        return context
    function, *rest = args
    with context:
        return function(*rest, **kwargs)


def deprecated_call(*args: Any, match: str | None = None, **kwargs: Any) -> Any:
    return warns((DeprecationWarning, PendingDeprecationWarning, FutureWarning), *args, match=match, **kwargs)


def _recorded() -> Warned:
    caught = _list(warnings.catch_warnings(record=True))
    warnings.simplefilter("default")
    return Warned(caught)


def _list(catching: Any) -> list[Any]:
    caught: list[Any] = catching.__enter__()
    return caught


class Folders:
    """`tmp_path_factory`."""

    def mktemp(self, name: str = "", numbered: bool = True) -> Any:
        return _folder(name)


def _folder(name: str = "") -> Any:
    # Not with the rest: they bring `random`, which every program would seed anew.
    import pathlib
    import tempfile

    return pathlib.Path(tempfile.mkdtemp(prefix=name))


def _event_loop() -> Any:
    from sandbox_image import testing

    return testing.runner().get_loop()


_MAKERS: dict[str, Callable[[], Any]] = {
    "capsys": Capture,
    "capfd": Capture,
    "caplog": Log,
    "monkeypatch": Patches,
    "recwarn": _recorded,
    "tmp_path": _folder,
    "tmp_path_factory": Folders,
    "event_loop": _event_loop,
}


def given(name: str) -> Any:
    """What pytest gives a test that asks for a fixture of this name."""
    return _MAKERS[name]()
