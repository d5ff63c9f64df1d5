"""What tests look at beside values: what a program prints, reads, warns of, logs; its environment and chance.

In one process there is one of each. Here the test's process has it: before it asks for anything it tells the
solution's what it has changed (`Changes`), and what the solution writes, warns of or logs is told to the
test's process (`Told`), to whatever stands in the way there.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import os
import sys
import warnings
from typing import Any

from sandbox_image import patched

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

_input = input
_getcwd, _chdir = os.getcwd, os.chdir
_dumps, _loads = json.dumps, json.loads


class Changes:
    """What a test has changed since it was last asked."""

    def __init__(self, loops: Any) -> None:
        self.stdin, self.loops, self.watched = sys.stdin, loops, patched.Watched("")
        self.known = self._now()

    def watch(self, source: str) -> None:
        """Has the names looked at that a test's text may patch."""
        self.watched = patched.Watched(source)
        self.known = self._now()

    def _now(self) -> dict[str, Any]:
        now: dict[str, Any] = {
            "input": None if builtins.input is _input else builtins.input,
            "stdin": None if sys.stdin is self.stdin else sys.stdin,
            "cwd": _folder(),
            "loop": self.loops.number_here(),
            # As it lies there: to decode it takes longer than all the rest.
            "environ": {**getattr(os.environ, "_data", os.environ)},
        }
        if self.watched.before:
            now["patched"] = self.watched.now()
        if (random := sys.modules.get("random")) is not None:
            now["random"] = random_state(random)
        if (logging := sys.modules.get("logging")) is not None:
            now["levels"] = _levels(logging)
        return now

    def take(self) -> dict[str, Any]:
        """The changes, once: empty mostly."""
        now = self._now()
        if now == self.known:
            return {}
        known, self.known = self.known, now
        changed = {name: value for name, value in now.items() if known.get(name, self) != value}
        if "environ" in changed:
            changed["environ"] = dict(os.environ)
        return changed


def _folder() -> str:
    try:
        return _getcwd()
    except OSError:
        return ""


def random_state(random: Any) -> str:
    """The state of the module's generator, as text."""
    version, numbers, following = random._inst.getstate()
    return _dumps([version, numbers, following])


def set_random_state(text: str) -> None:
    """Raises ValueError for what is no state."""
    import random

    version, numbers, following = _loads(text)
    try:
        random._inst.setstate((version, tuple(numbers), following))
    except (TypeError, OverflowError) as error:
        raise ValueError("not a state") from error


def _levels(logging: Any) -> dict[str, int]:
    levels = {"": logging.getLogger().level}
    for name, logger in [*logging.root.manager.loggerDict.items()]:
        if isinstance(logger, logging.Logger) and logger.level:
            levels[name] = logger.level
    return levels


def share_files() -> None:
    """Has what this process makes open to the other process of its check, as it is to itself: the group that
    they share may do what the owner may."""
    make_folder, open_file = os.mkdir, os.open

    def mkdir(path: Any, mode: int = 0o777, **options: Any) -> None:
        make_folder(path, mode | mode >> 3 & 0o070, **options)

    def open_(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        return open_file(path, flags, mode | mode >> 3 & 0o070, **options)

    os.umask(0o007)
    os.mkdir, os.open = mkdir, open_


class Told(io.BufferedIOBase):
    """A standard stream of the solution's, whose text the test's process gets. `number`: 1 or 2."""

    def __init__(self, number: int, peer: Any) -> None:
        self.number, self.peer = number, peer

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """/dev/null, as long as nobody has put something else there."""
        return self.number

    def write(self, data: Any) -> int:
        size = len(data)
        self.peer.printed_size += size
        if self.peer.printed_size <= self.peer.limit:
            self.peer.printed.append((self.number, bytes(data).decode("utf-8", "replace")))
        return size


class Beside:
    """What the solution's process has instead of a state of its own."""

    def __init__(self, peer: Any) -> None:
        self.peer = peer
        self.stdin, self.seeded, self.logs = sys.stdin, "", False
        self.patched, self.changed = patched.Patched(), set[str]()
        self.first = {
            "patched": {},
            "input": None,
            "stdin": None,
            "environ": dict(os.environ),
            "cwd": _folder(),
        }
        for number, name in ((1, "stdout"), (2, "stderr")):
            stream = io.TextIOWrapper(Told(number, peer), "utf-8", "backslashreplace", write_through=True)  # type: ignore[type-var]
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        warnings.simplefilter("always")
        warnings.showwarning = self.show  # type: ignore[assignment]

    def show(self, message: Any, category: Any, *_: Any) -> None:
        """Has the test's process warn; there it may be caught, or be an error."""
        self.peer.operate(".warned", (message, category), {})

    def reset(self) -> None:
        """As it was before the first of the checks that meet this process."""
        changed, self.changed = self.changed, set()
        self.apply({name: self.first[name] for name in changed if name in self.first})
        self.changed, self.seeded = set(), ""

    def apply(self, changes: dict[str, Any]) -> None:
        """Makes what the test has changed."""
        for name, value in changes.items():
            self.changed.add(name)
            if name == "input":
                builtins.input = _input if value is None else value
            elif name == "stdin":
                sys.stdin = self.stdin if value is None else value
            elif name == "environ":
                os.environ.clear()
                os.environ.update(value)
            elif name == "random":
                set_random_state(value)
                self.seeded = value
            elif name == "levels":
                self.log(value)
            elif name == "patched":
                self.patched.apply(value)
            elif name == "loop":
                self.peer.loops.enter(value)
            elif name == "cwd":
                # One that the test has closed to others stays its own.
                with contextlib.suppress(OSError):
                    _chdir(value)

    def log(self, levels: dict[str, int]) -> None:
        """Sends lines of a log to the test's process, from these levels on."""
        import logging

        for name, level in levels.items():
            logging.getLogger(name or None).setLevel(level)
        if self.logs:
            return
        self.logs = True
        usual = logging.Logger.callHandlers

        def call_handlers(logger: Any, record: Any) -> None:
            if logger.hasHandlers():
                usual(logger, record)
            where = (record.levelno, record.getMessage(), record.funcName or "", record.lineno)
            self.peer.operate(".logged", (record.name, *where), {})

        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]

    def told(self) -> str:
        """What the test's process is to know with an answer: what was printed, and where chance stands."""
        peer = self.peer
        random = random_state(sys.modules["random"]) if self.seeded and "random" in sys.modules else ""
        due = peer.loops.due()
        if not peer.printed and random == self.seeded and due is None:
            return ""
        self.seeded = random
        printed, peer.printed, peer.printed_size = peer.printed, [], 0
        return _dumps([printed, random, due])


def hear(text: str, changes: Changes) -> None:
    """Does in the test's process what `Beside.told` says. Raises ValueError for anything else."""
    printed, random, due = _loads(text)
    for number, part in printed:
        if number not in (1, 2) or type(part) is not str:
            raise ValueError("not what was printed")
        stream = sys.stdout if number == 1 else sys.stderr
        if stream is not None:
            stream.write(part)
    if type(random) is str and random:
        set_random_state(random)
        changes.known["random"] = random_state(sys.modules["random"])
    if due is not None:
        changes.loops.hear_due(*due)


def warn(message: Any, category: Any) -> None:
    """Warns as the solution did."""
    if isinstance(message, Warning):
        warnings.warn(message, stacklevel=2)
    elif isinstance(category, type) and issubclass(category, Warning):
        warnings.warn(str(message), category, stacklevel=2)


def log(name: str, level: int, message: str, function: str, line: int) -> None:
    """Logs as the solution did: its own levels have let it through."""
    import logging

    logger = logging.getLogger(name)
    record = logger.makeRecord(name, level, "<solution>", line, message, (), None, function)
    logger.handle(record)
