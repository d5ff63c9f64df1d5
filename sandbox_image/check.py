"""What the test process does: run a check whose solution lives in another process.

The functions of the solution are stubs here: a call crosses a pipe as plain data, its value or
exception comes back the same way. What is one object there is one object here, and what changes there changes
here (`heap`).
Exceptions that the solution defines have types of the same names and builtin bases here. Answers come from
the solution's process and are decoded as hostile input.
"""

from __future__ import annotations

import _thread
import ast
import builtins
import json
import math
import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NoReturn

from sandbox_image import child, iterators, outcomes, plain, testing, unseen
from sandbox_image.heap import Heap
from sandbox_image.unseen import Unseen

PROVIDED = {"math": math, "isclose": math.isclose}
# What tests stand on, and no solution may put something of its own in its place.
HIDDEN = {*dir(builtins), *PROVIDED, "pytest", "__builtins__"}
# A candidate that dies is noticed by PID 1, which ends this process too and reports the true cause.
GRACE_S = 0.2
LOST = 3
_UNSEEN = "something of the solution's stays in its process, where no test can look at it"
_ENDS = (StopIteration, StopAsyncIteration)
ANSWERS = ("value", "exception", "unloaded", "memory", "output_limit", "no_result")


def run_check(request: bytes, result: int, outbox: int, inbox: int, output_bytes: int) -> NoReturn:
    """`request`: JSON `{"code", "entry_point", "steps", "digest_above"}`, code null for the null candidate.
    Never returns.

    A step is a check's source or a call `[function, arguments]`; all meet one candidate, in their order.
    A record a step: a call's outcome; of a check "value" null when it ran to its end, "skipped", else its
    exception. Detail "no call": it met no stub. The null candidate passes every check that does not call it.
    """
    task = json.loads(request)
    report = child.Report(result, output_bytes)
    child.Sink.report, child.Sink.limit = report, output_bytes
    channel = _Channel(outbox, inbox, report, output_bytes, null=task["code"] is None)
    channel.types = exception_types(task["code"], channel.note)
    stubs: dict[str, Any] = {name: channel.object(name) for name in other_names(task["code"])}
    stubs |= {"pytest": testing.install(), **channel.types}
    stubs |= {name: channel.stub(name) for name in stub_names(task["code"], task["entry_point"])}
    alone = len(task["steps"]) == 1
    for index, step in enumerate(task["steps"]):
        # A check must not change what the next one stands on: a process for each of several.
        if not alone and isinstance(step, str) and (pid := os.fork()):
            _end_alike(os.waitpid(pid, 0)[1])
            continue
        report.begin(index)
        if not isinstance(step, str):
            report.end(*channel.ask(*step, task["digest_above"])[:3])
            continue
        _run(step, stubs, channel, report)
        os._exit(0)
    os._exit(0)


def _run(source: str, stubs: dict[str, Any], channel: _Channel, report: child.Report) -> None:
    namespace = child.new_module("check")
    namespace.update(PROVIDED)
    namespace.update(stubs)
    try:
        exec(compile(source, "<check>", "exec", dont_inherit=True), namespace)
    except BaseException as error:
        if channel.unseen or unseen.NAME in _text(error):
            report.end("boundary", detail=channel.unseen or _UNSEEN)
        elif testing.is_skip(error):
            # One that has called it may be skipped by what the solution answered.
            asked = "" if channel.calls else "no call: "
            report.end("skipped", detail=f"{asked}{_text(error)}")
        elif channel.null and not channel.calls and not isinstance(error, NameError):
            # A name that only the real solution defines may be why it did not call.
            report.end("value", "null", f"no call: {type(error).__name__}: {_text(error)}")
        else:
            report.raised(error)
    else:
        if channel.unseen:
            report.end("boundary", detail=channel.unseen)
        else:
            report.end("value", "null", "" if channel.calls else "no call")


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
        os._exit(0 if code == LOST else code)


def stub_names(code: str | None, entry_point: str) -> list[str]:
    """The entry point and every top-level function, but none that would hide what tests stand on.

    A solution that defines its own `len` or `isclose` must not be asked what a test means by it.
    """
    names = [entry_point] if entry_point else []
    for node in _top_level(code):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names.extend(target.id for target in node.targets if isinstance(target, ast.Name))
    return [name for name in names if name == entry_point or name not in HIDDEN]


def other_names(code: str | None) -> list[str]:
    """The classes and constants of a solution, which no test can look at from outside."""
    names: list[str] = []
    for node in _top_level(code):
        if isinstance(node, ast.ClassDef):
            names.append(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        names.extend(target.id for target in targets if isinstance(target, ast.Name))
    return [name for name in names if name not in HIDDEN]


def exception_types(
    code: str | None, note: Callable[[str], None] = lambda _: None
) -> dict[str, type[BaseException]]:
    """The exceptions that a solution defines at its top level, by name: what a test may expect.

    Made from names alone, nothing of the solution runs; one that hides what tests stand on is left out.
    `note` is told when a test asks for what has not come along.
    """
    types: dict[str, type[BaseException]] = {}
    for node in _top_level(code):
        if not isinstance(node, ast.ClassDef) or node.name in HIDDEN:
            continue
        names = [base.id for base in node.bases if isinstance(base, ast.Name)]
        bases = [kind for name in names if (kind := types.get(name) or _builtin_exception(name))]
        try:
            if bases:
                types[node.name] = type(node.name, tuple(bases), _methods(note))
        except TypeError:
            continue
    return types


def _methods(note: Callable[[str], None]) -> dict[str, Any]:
    return {"__init__": lambda *_: None, "__getattr__": unseen.attribute_of_exception(note)}


def _top_level(code: str | None) -> list[ast.stmt]:
    try:
        return ast.parse(code or "").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


class _Channel:
    def __init__(
        self,
        outbox: int,
        inbox: int,
        report: child.Report,
        limit: int,
        null: bool,
    ) -> None:
        self.outbox, self.inbox, self.report, self.limit = outbox, inbox, report, limit
        self.types: dict[str, type[BaseException]] = {}
        self.null = null
        self.calls = 0
        # What the test wanted to know and cannot.
        self.unseen, self.reading = "", False
        self.heap = Heap(0, lambda name: Unseen(f"an object of type {name}", self.note))
        self.turn = _thread.allocate_lock()

    def object(self, name: str) -> Unseen:
        """What stands for a class or a constant of the solution."""
        return Unseen(f"{name} of the solution", self.note)

    def note(self, what: str) -> None:
        """That the test has come to where it cannot look; ends the check if no solution is there."""
        # What is hashed while an answer is read is not looked at by the test.
        if self.unseen or self.reading:
            return
        self.unseen = what
        if self.null:
            return
        kind, text, detail, _ = self.ask("", "", -1)
        if kind != "value":
            self.report.end(kind, text, detail)
            os._exit(0)

    def stub(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return self.call(name, args, kwargs)

        call.__name__ = call.__qualname__ = name
        return call

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The value, or what the solution raised. Arguments that are no plain data end the check: a TypeError
        of ours could be what a test wants of the solution."""
        self.calls += 1
        if self.null:
            return plain.Opaque("null")
        with self.turn:
            try:
                sent, is_plain = self.heap.write([*args, *kwargs.values()], self.limit)
            except plain.TooLarge:
                self._end("the arguments are too large to send them to the solution", "boundary")
            if not is_plain:
                self._end("an argument is no plain data, and stays in the test's process", "boundary")
            kind, text, detail, after = self._ask(name, sent, [*kwargs])
            self.reading = True
            try:
                roots = self.heap.read(after) if after else []
                if kind == "value":
                    (value,) = roots
            except ValueError:
                self._lost("malformed answer")
            self.reading = False
        if kind == "value":
            return self._received(value)
        if kind == "exception":
            raise _exception(text, detail, self.types, self.note)
        # No exception: the check could catch it.
        self.report.end(kind, text, detail)
        os._exit(0)

    def _received(self, value: Any) -> Any:
        """Iterators and views yield again what they yielded where the solution is."""
        if type(value) is not iterators.Iterated:
            return value
        if value.kind in iterators.VIEWS and not value.end:
            return iterators.VIEWS[value.kind](value.items)
        yielded = self._yielded(value)
        return yielded if value.kind == "generator" else chain(yielded)

    def _yielded(self, result: iterators.Iterated) -> Iterator[Any]:
        yield from result.items
        if result.end == (iterators.MORE,):
            self._end(f"of an iterator {iterators.MAX_ITEMS} items leave the solution's process", "boundary")
        if result.end:
            raise _exception(*result.end[1:], self.types, self.note)

    def ask(self, name: str, arguments: str, digest_above: int = 0) -> list[str]:
        """What the solution answers to a call: kind, text, detail and nothing.

        A check may call from several threads; the solution answers one after the other.
        """
        if self.null:
            return ["value", outcomes.encode(plain.Opaque("null"), self.limit), "", ""]
        with self.turn:
            return self._ask(name, arguments, digest_above)

    def _ask(self, name: str, arguments: str, how: int | list[str]) -> list[str]:
        """The answer to a frame of `child.serve_check`."""
        data = json.dumps([name, arguments, how]).encode("ascii")
        try:
            child.write_all(self.outbox, struct.pack(">I", len(data)) + data)
        except BrokenPipeError:
            self._lost("the solution's process went away")
        header = child.read_exactly(self.inbox, 4)
        if len(header) < 4:
            self._lost("the solution's process went away")
        size = struct.unpack(">I", header)[0]
        if size > 6 * self.limit + 4096:
            self._lost("malformed answer")
        try:
            answer = json.loads(child.read_exactly(self.inbox, size).decode("ascii"))
        except (ValueError, RecursionError):
            answer = None
        if (
            isinstance(answer, list)
            and len(answer) == 4
            and all(isinstance(part, str) for part in answer)
            and answer[0] in ANSWERS
        ):
            return answer
        return self._lost("malformed answer")

    def _end(self, why: str, kind: str = "no_result", code: int = 0) -> NoReturn:
        """No exception: the check could catch it."""
        self.report.end(kind, detail=why)
        os._exit(code)

    def _lost(self, why: str) -> NoReturn:
        """Ends the check, which could else go on with a solution that is not there."""
        time.sleep(GRACE_S)
        self._end(why, code=LOST)


def _exception(
    text: str, message: str, types: dict[str, type[BaseException]], note: Callable[[str], None]
) -> BaseException:
    """The exception that `outcomes.raised` describes: of the builtin type of that name, else of a new type
    with the same builtin bases, so that a test catches it as what it is.

    One that ends a loop in silence (`all(map(f, xs))` would pass) is a RuntimeError, as in a generator.
    """
    name, *bases = text.split("|")
    if {"StopIteration", "StopAsyncIteration"} & {name, *bases} or issubclass(
        types.get(name, Exception), _ENDS
    ):
        return RuntimeError(f"the solution raised {name}")
    known = [kind for kind in map(_builtin_exception, [name, *bases[:50]]) if kind]
    argument: Any = message
    if KeyError in known and len(message) > 1 and message[0] == message[-1] and message[0] in "'\"":
        # KeyError alone shows its argument's repr.
        argument = message[1:-1]
    if known and known[0].__name__ == name:
        try:
            return known[0](argument)
        except Exception:
            pass  # It wants other arguments, like UnicodeDecodeError.
    if name in types:
        return types[name](argument)
    lowest = [kind for kind in known if not any(kind in other.__mro__[1:] for other in known)]
    label = name.removeprefix("solution.")[:200]
    label = label if label.isidentifier() else "Exception"
    for chosen in (lowest, lowest[:1], [Exception]):
        try:
            return type(label, tuple(chosen), _methods(note))(argument)  # type: ignore[no-any-return]
        except Exception:
            continue
    return Exception(argument)


def _builtin_exception(name: str) -> type[BaseException] | None:
    kind = getattr(builtins, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, BaseException) else None
