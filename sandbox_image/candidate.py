"""The solution's process of a check: loads the solution, then does what the test's process asks, one
operation at a time.

An operation is the name of a function of the solution, `.name` of anything else by its name, one of
`operations`, or "": whether the solution is there. A request with a number in place of the names is a plain
call: `[function, arguments, digest_above]`, answered as in a report.
"""

from __future__ import annotations

import builtins
import json
import os
import signal
import struct
from typing import Any, NoReturn

from sandbox_image import child, handles, iterators, loops, outcomes, state
from sandbox_image.objects import TypeOf
from sandbox_image.peer import TOO_MUCH, Peer

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

_pause = signal.pause
_loads, _listdir = json.loads, os.listdir
_unpack = struct.Struct(">I").unpack


def serve_check(request: bytes, inbox: int, outbox: int, output_bytes: int) -> NoReturn:
    """`request`: JSON `{"code", ..}`. Never returns."""
    code = json.loads(request)["code"]
    child.lift_digits()
    state.share_files()
    peer = _Solution(outbox, inbox, output_bytes)
    handles.connect(peer)
    try:
        exec(compile(code, "<solution>", "exec", dont_inherit=True), peer.namespace)
    except BaseException as error:
        peer.failure = error
    peer.serve()


class _Missing(Exception):  # noqa: N818
    """The solution does not define a function."""


class _Nothing(Exception):  # noqa: N818
    """The solution has nothing of a name."""


class _Solution(Peer):
    def __init__(self, outbox: int, inbox: int, limit: int) -> None:
        super().__init__(outbox, inbox, limit, 1, trusts=True)
        self.namespace = child.new_module("solution")
        self.failure: BaseException | None = None
        self.printed: list[tuple[int, str]] = []
        self.printed_size = 0
        self.beside = state.Beside(self)

    def serve(self) -> NoReturn:
        # A thread of the solution's may only call back while an operation is under way.
        self.turn.acquire()
        while True:
            frame = self.receive()
            if type(frame[2]) is int:
                self.call_plainly(*frame)
            else:
                self.answer(frame)

    def receive(self) -> list[Any]:
        header = child.read_exactly(self.inbox, 4)
        if len(header) < 4:
            # The test has ended. To exit would look like a crash that came first; the sweep is near.
            while True:
                _pause()
        frame: list[Any] = _loads(child.read_exactly(self.inbox, _unpack(header)[0]))
        return frame

    def run(self, run: Any) -> Any:
        self.turn.release()
        try:
            return run()
        finally:
            self.turn.acquire()

    def reply(self, run: Any) -> None:
        if self.failure is None:
            super().reply(run)
            return
        kind, text, detail = outcomes.raised(self.failure)
        self.send(["unloaded" if kind == "exception" else kind, text, detail, self.heap.write([], 64)[0], ""])

    def raised(self, error: BaseException) -> list[str]:
        if type(error) is _Missing:
            return [*child.missing(str(error))]
        return ["nothing", "", ""] if type(error) is _Nothing else super().raised(error)

    def perform(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if not operation:
            return None
        if operation == ".name":
            return self.named(args[0])
        if operation == ".bind":
            name, *bound = args
            self.namespace.pop(name, None)
            self.namespace.update((name, value) for value in bound)
            return None
        if operation == ".files":
            return bool(_listdir())
        if operation == ".state":
            return self.beside.apply(args[0])
        if operation in loops.OPERATIONS:
            return self.loops.perform(operation, args)
        args = [arg.kind if type(arg) is TypeOf else arg for arg in args]
        if operation[0] == ".":
            return self.loops.within(lambda: super(_Solution, self).perform(operation, args, kwargs))
        called = self.function(operation)
        return self.loops.within(lambda: called(*args, **kwargs))

    def begin(self) -> None:
        super().begin()
        self.beside.reset()

    def function(self, name: str) -> Any:
        called = self.namespace.get(name)
        if called is None and (called := child.method_of(self.namespace, name)) is None:
            raise _Missing(name)
        return called

    def named(self, name: str) -> Any:
        if name in self.namespace:
            return self.namespace[name]
        called = child.method_of(self.namespace, name)
        if called is None:
            raise _Nothing
        return called

    def call_plainly(self, function: str, arguments: str, digest_above: int) -> None:
        if self.failure is not None or not function:
            self.reply(lambda: None)
            return
        args, kwargs = child.arguments_of(arguments)
        try:
            called = self.function(function)
        except _Missing:
            self.send([*child.missing(function), "", ""])
            return
        try:
            value = self.run(lambda: called(*args, **kwargs))
            if type(value) in iterators.KINDS:
                value = iterators.taken(value, outcomes.raised)
        except BaseException as error:
            answer = outcomes.raised(error, child.MESSAGE_MAX)
        else:
            answer = outcomes.returned(value, self.limit, digest_above)
        self.send([*answer, "", ""])

    def operate(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self.turn:
            if self.printed:
                self.exchange(".printed", [self.told()], [])
            kind, text, detail, message, _ = self.exchange(operation, [*args, *kwargs.values()], [*kwargs])
            roots = self.heap.read(message) if message else []
        if kind == "value":
            return roots[0]
        if kind == "exception" and roots:
            raise roots[0]
        raise MemoryError if kind == "memory" else RuntimeError(detail or text)

    def told(self) -> str:
        if self.printed_size > self.limit:
            self.printed, self.printed_size = [], 0
            return TOO_MUCH
        return self.beside.told()

    def refuse(self, why: str) -> NoReturn:
        with self.turn:
            self.exchange(".refuse", [why], [])
        raise TypeError(why)
