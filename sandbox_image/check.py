"""What the test process does: run a check whose solution lives in another process.

What the solution defines is asked for there, by its name (`peer`): plain data crosses the pipe as data, and
is compared here; an object is a handle here (`handles`), and one of the test's is a handle there. What is one
object there is one object here, and what changes there changes here (`heap`). Answers come from the
solution's process and are decoded as hostile input.
"""

from __future__ import annotations

import ast
import builtins
import json
import math
import os
import signal
import struct
import sys
import time
from typing import Any, NoReturn

from sandbox_image import child, derived, handles, iterators, loops, modules, outcomes, plain, state, testing
from sandbox_image.handles import Attribute, resolved
from sandbox_image.objects import path_of
from sandbox_image.operations import ITERATING, is_missing, refused
from sandbox_image.peer import MAX_NESTED, TOO_MUCH, Peer

# Functions look names up in the builtins they were made with: a test that patches them changes nothing here.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

PROVIDED = {"math": math, "isclose": math.isclose}
# What tests stand on, and no solution may put something of its own in its place.
HIDDEN = {*dir(builtins), *PROVIDED, "pytest", "__builtins__"}
# A candidate that dies is noticed by PID 1, which ends this process too and reports the true cause.
GRACE_S = 0.2
LOST = 3
MAX_CROSSINGS = 100_000
_OF_FILES = ("exists", "is_file", "isfile", "listdir", "iterdir")
_OWN_FOLDERS = "files in the working folder are each process's own (those in a temporary folder are shared)"
_ENDS = (StopIteration, StopAsyncIteration)
# Operations by which a class says something of two of its objects.
_WORDS = {".eq", ".ne", ".lt", ".le", ".gt", ".ge", ".contains", ".hash", ".probe", ".name"}
_WORDS |= {".isinstance", ".issubclass", ".bool"}
_loads, _sleep, _exit, _fork, _listdir = json.loads, time.sleep, os._exit, os.fork, os.listdir
ANSWERS = ("value", "exception", "unloaded", "memory", "output_limit", "no_result", "nothing")


def run_check(request: bytes, result: int, outbox: int, inbox: int, output_bytes: int) -> NoReturn:
    """`request`: JSON `{"code", "entry_point", "steps", "digest_above"}`, code null for the null candidate.
    Never returns.

    A step is a check's source or a call `[function, arguments]`; all meet one candidate, in their order.
    A record a step: a call's outcome; of a check "value" null when it ran to its end, "skipped", else its
    exception. Detail "no call": it met nothing of the solution's; `outcomes.BY_CANDIDATE`: what it saw is
    the word of the solution's classes alone. The null candidate passes every check that does not call it.
    """
    task = json.loads(request)
    report = child.Report(result, output_bytes)
    child.Sink.report, child.Sink.limit = report, output_bytes
    channel = _Channel(outbox, inbox, report, output_bytes, task["code"], task["entry_point"])
    handles.connect(channel)
    state.share_files()
    alone = len(task["steps"]) == 1
    for index, step in enumerate(task["steps"]):
        # A check must not change what the next one stands on: a process for each of several.
        if not alone and isinstance(step, str) and (pid := _fork()):
            _end_alike(os.waitpid(pid, 0)[1])
            continue
        report.begin(index)
        if not isinstance(step, str):
            report.end(*channel.ask(*step, task["digest_above"]))
            continue
        _run(step, channel, report)
        _exit(0)
    _exit(0)


class Names(dict[str, Any]):
    """The names of a check: its own, then the solution's, then the builtin ones."""

    channel: _Channel

    def __missing__(self, name: str) -> Any:
        return self.channel.look_up(name)


def _run(source: str, channel: _Channel, report: child.Report) -> None:
    module = child.new_module("check")
    namespace = Names({**module, **PROVIDED, "pytest": testing.install()})
    namespace.channel = channel
    channel.inner |= {id(namespace), id(module)}
    sys.meta_path.append(modules.Finder(channel.module))  # type: ignore[arg-type]
    sys.modules["solution"] = channel.module("solution")
    channel.changes.watch(source)
    handles.see_kinds()
    try:
        exec(compile(source, "<check>", "exec", dont_inherit=True), namespace)
    except BaseException as error:
        if testing.is_skip(error):
            # One that has called it may be skipped by what the solution answered.
            asked = "" if channel.calls else "no call: "
            report.end("skipped", detail=f"{asked}{_text(error)}")
        elif channel.looks_for_files(error, source):
            report.end("boundary", detail=_OWN_FOLDERS)
        elif channel.null and not channel.calls and not isinstance(error, NameError):
            # A name that only the real solution defines may be why it did not call.
            report.end("value", "null", f"no call: {type(error).__name__}: {_text(error)}")
        else:
            report.raised(error)
    else:
        own = outcomes.BY_CANDIDATE if channel.rests_on_its_word() else ""
        report.end("value", "null", own if channel.calls else "no call")


def _text(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except BaseException:
        return ""


def _end_alike(status: int) -> None:
    """Ends this process as a check's own has ended; returns if that was a clean end."""
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    if code := os.waitstatus_to_exitcode(status):
        _exit(0 if code == LOST else code)


def function_names(code: str | None) -> set[str]:
    """Every top-level function, but none that would hide what tests stand on.

    A solution that defines its own `len` or `isclose` must not be asked what a test means by it.
    """
    names: set[str] = set()
    for node in _top_level(code):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        else:
            names -= bound(node)
    return names - HIDDEN


def bound(statement: ast.stmt) -> set[str]:
    """The names that a class, an import or an assignment binds."""
    if isinstance(statement, ast.ClassDef):
        return {statement.name}
    names = {
        part.id
        for part in ast.walk(statement)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    for part in ast.walk(statement):
        if isinstance(part, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in part.names}
    return names


def _top_level(code: str | None) -> list[ast.stmt]:
    try:
        return ast.parse(code or "").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


class _Channel(Peer):
    """The test's end. What the solution's process sends is hostile input, and so is what it asks for."""

    def __init__(
        self, outbox: int, inbox: int, report: child.Report, limit: int, code: str | None, entry_point: str
    ) -> None:
        super().__init__(outbox, inbox, limit, 0, trusts=False)
        self.report, self.null, self.entry_point = report, code is None, entry_point
        self.functions = function_names(code)
        if entry_point and not any(entry_point in bound(node) for node in _top_level(code)):
            self.functions.add(entry_point)
        self.changes = state.Changes(self.loops)
        self.calls = 0
        self.crossings = 0
        # Classes of the solution that the test calls, or reads names of; answers that are data; answers that
        # are the word of a class of the solution's about two objects, or about one and data.
        self.named_classes: set[type] = set()
        self.observed = self.compared = self.combined = self.truths = 0
        self.inner: set[int] = {id(globals()), id(sys.modules)}

    def derive(self, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
        if not all(type(base) is handles.HandleType for base in bases):
            self.refuse(f"the class {name} derives from classes of both processes")
        kind: type = self.operate(".class", (name, bases, derived.parts_of(body)), {})
        if (cell := body.get("__classcell__")) is not None:
            cell.cell_contents = kind
        self.named_classes.add(kind)
        return kind

    def module(self, name: str) -> modules.Solution:
        """The solution's module under a name."""
        made = modules.Solution(name, self)
        self.inner.add(id(made))
        return made

    def nothing(self) -> Null:
        return Null()

    def is_inner(self, value: Any) -> bool:
        return id(value) in self.inner

    def rests_on_its_word(self) -> bool:
        """Whether the test's passing rests on the word of classes of the solution's: that two objects are
        equal, or in order, or in one another; or on the truth of objects alone."""
        return bool(self.combined or self.compared or (self.truths and not self.observed))

    def looks_for_files(self, error: BaseException, source: str) -> bool:
        """Whether a test may have failed because files by a relative path are each process's own."""
        asks = isinstance(error, FileNotFoundError) or any(word in source for word in _OF_FILES)
        if self.null or not asks:
            return False
        return bool(_listdir()) or bool(self.operate(".files", (), {}))

    def look_up(self, name: str) -> Any:
        """What the solution has under a name. Raises KeyError for what is not the solution's."""
        if name in self.functions:
            return Attribute(None, name)
        if name in HIDDEN or self.null:
            raise KeyError(name)
        try:
            return self.operate(".name", (name,), {})
        except _NothingError:
            if name != self.entry_point:
                raise KeyError(name) from None
        self.report.end(*child.missing(name))
        return _exit(0)

    def operate(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The value of an operation of the solution's process, or what that raised."""
        self.calls += operation not in (".name", ".bind", ".unlink")
        self.truths += operation == ".bool"
        if self.null:
            return Null()
        if operation in (".call", ".get") and type(args[0]) is handles.HandleType:
            self.named_classes.add(args[0])
        with self.turn:
            self.crossings += 1
            if self.crossings > MAX_CROSSINGS:
                self.refuse(f"the test asks the solution's process more than {MAX_CROSSINGS} times")
            if changes := self.changes.take():
                self.exchange(".state", [changes], [])
            try:
                roots = [*args, *kwargs.values()]
                kind, text, detail, message, told = self.exchange(operation, roots, [*kwargs])
            except plain.TooLarge:
                self.refuse("the arguments are too large to send them to the solution (sandbox.output_kb)")
            try:
                roots = self.heap.read(message) if message else []
                if len(roots) != 1 and kind == "value":
                    raise ValueError
                if told:
                    self.hear(told)
            except ValueError:
                self._lost("malformed answer")
        if kind == "value" and operation in loops.OPERATIONS:
            return roots[0] if loops.is_answer(roots[0]) else self._lost("malformed answer")
        if kind == "value":
            return self._received(operation, roots[0])
        if kind == "exception":
            self.observed += 1
            error = roots[0] if roots and isinstance(roots[0], BaseException) else None
            raise self._raised(operation, error or _exception(text, detail))
        if kind == "nothing":
            raise _NothingError
        # No exception: the check could catch it.
        self.report.end(kind, text, detail)
        return _exit(0)

    def hear(self, told: str) -> None:
        if told == TOO_MUCH:
            self.report.end("output_limit", detail="the program wrote too much")
            _exit(0)
        state.hear(told, self.changes)

    def _raised(self, operation: str, error: BaseException) -> BaseException:
        """One that ends a loop in silence (`all(map(f, xs))` would pass) is a RuntimeError, as in a
        generator."""
        if isinstance(error, _ENDS) and operation not in ITERATING:
            name = type.__getattribute__(type(error), "__name__")
            return testing.EndedError(error, f"the solution raised {name}")
        return error

    def came_of_task(self, returned: bool, value: Any) -> Any:
        if returned:
            return self._received(".await", value)
        self.observed += 1
        return value if isinstance(value, BaseException) else Exception("an exception that is none")

    def _received(self, operation: str, value: Any) -> Any:
        """A view of a dictionary is one here."""
        if type(value) is iterators.Iterated:
            if value.kind not in iterators.VIEWS or value.end:
                self.refuse(f"of an iterator {iterators.MAX_ITEMS} items leave the solution's process")
            value = iterators.VIEWS[value.kind](value.items)
        if value is not None and operation not in _WORDS and not self.heap.is_theirs(value):
            self.observed += 1
        return value

    def compare(self, one: Any, other: Any, how: str) -> Any:
        """Of two objects of the solution's their class says whether they are equal; of one and anything else
        nobody is asked: they are not, and where the class might say otherwise there is no verdict."""
        if self.heap.reading:
            return (one is other) == (how == "eq")
        other = resolved(other)
        if "e" in handles.own(one) or "e" in handles.own(other):
            if self.heap.is_theirs(other):
                self.compared += 1
                return super().compare(one, other, how)
            said = type(other) if path_of(type(other), True) else ""
            if not self.operate(".probe", (one, other if other is None else said, how), {}):
                self.refuse(
                    f"an object of type {type.__getattribute__(type(one), '__name__')} is compared with "
                    "what is none of the solution's, which its process must not know"
                )
        elif one is other:
            return how == "eq"
        return NotImplemented

    def is_member(self, operation: str, one: Any, kind: Any) -> bool:
        if not self.heap.is_theirs(one) and path_of(one if isinstance(one, type) else type(one), True):
            # Data is of no class of the solution's.
            return False
        self.compared += 1
        return super().is_member(operation, one, kind)

    def combine(self, operation: str, one: Any, other: Any, args: tuple[Any, ...]) -> Any:
        """Data goes along to objects of classes that the test names, no others: it may be what is expected in
        their place."""
        if self.heap.is_theirs(other):
            value = self.operate(operation, args, {})
            self.compared += operation in _WORDS
            return value
        if self.named_classes.isdisjoint(type.__getattribute__(type(one), "__mro__")):
            self.refuse(
                f"an object of type {type.__getattribute__(type(one), '__name__')} meets an operator and "
                "what is none of the solution's, which its process must not know"
            )
        seen = self.observed
        value = self.operate(operation, args, {})
        if not self.heap.is_theirs(value):
            self.compared += operation == ".contains"
            self.combined += operation != ".contains"
        self.observed = seen
        return value

    def perform(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """What the solution's process asks for: of objects that the test has given to it, no others."""
        if self.nested > MAX_NESTED:
            self.refuse(f"calls back and forth are nested deeper than {MAX_NESTED}")
        self.crossings += 1
        if self.crossings > MAX_CROSSINGS:
            self.refuse(f"the solution calls back more than {MAX_CROSSINGS} times")
        if operation == ".refuse":
            self.refuse(str(args[0])[:200])
        if operation == ".printed":
            return self.hear(str(args[0]))
        if operation in (".warned", ".logged"):
            return (state.warn if operation == ".warned" else state.log)(*args)
        if operation in loops.OPERATIONS:
            if operation == ".await" and not self.heap.is_ours(args[0]):
                self._lost("malformed answer")
            return self.loops.perform(operation, args)
        if not any(map(self.heap.is_ours, args[:2])):
            self._lost("malformed answer")
        if is_missing(operation, args):
            raise AttributeError(args[1])
        if why := refused(operation, args):
            self.refuse(f"the solution asks for what the test's process keeps: {why}")
        return super().perform(operation, args, kwargs)

    def answer(self, frame: list[Any]) -> None:
        try:
            super().answer(frame)
        except ValueError:
            self._lost("malformed answer")

    def receive(self) -> list[Any]:
        header = child.read_exactly(self.inbox, 4)
        if len(header) < 4:
            self._lost("the solution's process went away")
        size = struct.unpack(">I", header)[0]
        if size > 6 * self.limit + 4096:
            self._lost("malformed answer")
        try:
            frame = _loads(child.read_exactly(self.inbox, size).decode("ascii"))
        except (ValueError, RecursionError):
            frame = None
        if type(frame) is list:
            if len(frame) == 5 and all(type(part) is str for part in frame) and frame[0] in ANSWERS:
                return frame
            asked = len(frame) == 3 and [type(part) for part in frame] == [str, str, list]
            if asked and all(type(name) is str for name in frame[2]):
                return frame
        return self._lost("malformed answer")

    def send(self, parts: list[Any]) -> None:
        try:
            super().send(parts)
        except BrokenPipeError:
            self._lost("the solution's process went away")

    def ask(self, name: str, arguments: str, digest_above: int = 0) -> list[Any]:
        """What the solution answers to a plain call: kind, text, detail.

        A check may call from several threads; the solution answers one after the other.
        """
        if self.null:
            return ["value", outcomes.encode(plain.Opaque("null"), self.limit), ""]
        with self.turn:
            return self.talk([name, arguments, digest_above])[:3]

    def refuse(self, why: str) -> NoReturn:
        """No exception: the check could catch it. If no solution is there, that comes first."""
        with self.turn:
            if self.nested:
                self._end(why, "boundary")
            kind, text, detail = self.ask("", "", -1)
        if kind != "value":
            self.report.end(kind, text, detail)
            _exit(0)
        self._end(why, "boundary")

    def _end(self, why: str, kind: str = "no_result", code: int = 0) -> NoReturn:
        """No exception: the check could catch it."""
        self.report.end(kind, detail=why)
        _exit(code)

    def _lost(self, why: str) -> NoReturn:
        """Ends the check, which could else go on with a solution that is not there."""
        _sleep(GRACE_S)
        self._end(why, code=LOST)


class _NothingError(LookupError):
    """The solution has nothing of that name."""


class Null(plain.Opaque):
    """What the null candidate has for everything: an object equal to nothing, whose every method gives
    another, and so does to await it."""

    __slots__ = ()
    # What an event loop looks at of a coroutine.
    cr_code = gi_code = None
    cr_running = False
    # Nothing to walk through: by its items it would never end.
    __iter__ = None
    __contains__ = None

    def __init__(self, *_: object, **options: object) -> None:
        super().__init__("null")

    def __setattr__(self, name: str, value: object) -> None:
        if name != "type_name":
            raise NullError("there is no solution")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise NullError("there is no solution")

    def __getattr__(self, name: str) -> Null:
        if name[:2] == "__":
            # What a function says of itself is looked at.
            handles._peers[0].calls += 1
            raise AttributeError(name)
        return Null()

    def __call__(self, *args: Any, **kwargs: Any) -> Null:
        handles._peers[0].calls += 1
        return Null()

    def __await__(self) -> Any:
        return self
        yield

    def send(self, value: object) -> Null:
        raise StopIteration(self)

    def throw(self, error: BaseException, *_: object) -> Null:
        raise error

    def close(self) -> None:
        pass


class NullError(Exception):
    """The null candidate's objects do not do what they are asked for: no test asks for this exception."""


def _refused(*_: object) -> Null:
    raise NullError("there is no solution")


for _name in (*handles.OPERATORS, "__getitem__", "__setitem__", "__delitem__"):
    setattr(Null, _name, _refused)


def _exception(text: str, message: str) -> BaseException:
    """The exception that `outcomes.raised` describes: of the builtin type of that name, else of a new type
    with the same builtin bases. For one that could not cross as it is."""
    name, *bases = text.split("|")
    known = [kind for kind in map(_builtin_exception, [name, *bases[:50]]) if kind]
    lowest = [kind for kind in known if not any(kind in other.__mro__[1:] for other in known)]
    label = name.removeprefix("solution.")[:200]
    for chosen in (lowest, lowest[:1], [Exception]):
        try:
            kind = known[0] if known and known[0].__name__ == name else type(label, tuple(chosen), {})
            return kind(message)  # type: ignore[no-any-return]
        except Exception:
            known = []
    return Exception(message)


def _builtin_exception(name: str) -> type[BaseException] | None:
    kind = getattr(builtins, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, BaseException) else None
