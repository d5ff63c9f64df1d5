"""One end of a check's pipe: requests that this process makes of the other, and those that it answers.

A request is a frame (4 bytes of length, big endian) of JSON `[operation, message, names]`: a message between
two heaps (`heap`), and the names of its last roots, the keyword arguments. An answer is `[kind, text,
detail, message, ..]`, the first three as in a report; of a value, or an exception, the message bears it.
Whoever waits for an answer answers what is asked meanwhile: calls back and forth nest.
"""

from __future__ import annotations

import _thread
import builtins
import json
import struct
import sys
from collections.abc import Callable
from typing import Any

from sandbox_image import child, handles, iterators, loops, outcomes, plain
from sandbox_image.objects import ObjectHeap
from sandbox_image.operations import OPERATIONS

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

MAX_NESTED = 80
FRAMES = 30
TOO_MUCH = "too much"
_VIEWS = frozenset(kind for kind in iterators.KINDS if kind.__name__ in iterators.VIEWS)
_dumps, _loads = json.dumps, json.loads
_pack, _unpack = struct.Struct(">I").pack, struct.Struct(">I").unpack
_object_hash = object.__hash__
_recursion_limit, _set_recursion_limit = sys.getrecursionlimit, sys.setrecursionlimit
_quote = plain._quote


class Peer:
    """`limit`: characters of a message at most. `trusts`: whether the other end's word is taken."""

    def __init__(self, outbox: int, inbox: int, limit: int, first: int, trusts: bool) -> None:
        self.outbox, self.inbox, self.limit = outbox, inbox, limit
        self.heap = ObjectHeap(first, self, trusts)
        self.loops = loops.Loops(self)
        self.turn = _thread.RLock()
        self.nested = 0

    def send(self, parts: list[Any]) -> None:
        data = _dumps(parts).encode("ascii")
        child.write_all(self.outbox, _pack(len(data)) + data)

    def receive(self) -> list[Any]:
        """The next frame. Raises ValueError for what is none."""
        raise NotImplementedError

    def exchange(self, operation: str, roots: list[Any], names: list[str]) -> list[Any]:
        """The answer to a request; `turn` is this thread's. Raises `plain.TooLarge`."""
        text, _ = self.heap.write(roots, self.limit)
        return self.talk([operation, text, names])

    def talk(self, request: list[Any]) -> list[Any]:
        self.send(request)
        while True:
            frame = self.receive()
            if len(frame) != 3:
                return frame
            self.nested += 1
            # What lies between a call and a call back is nobody's recursion.
            deepest = _recursion_limit()
            _set_recursion_limit(deepest + FRAMES)
            try:
                self.answer(frame)
            finally:
                self.nested -= 1
                _set_recursion_limit(deepest)

    def answer(self, frame: list[Any]) -> None:
        """Does what the other end asks, and says what came of it."""
        operation, text, names = frame
        args = self.heap.read(text)
        split = len(args) - len(names)
        kwargs = dict(zip(names, args[split:], strict=True))
        self.reply(lambda: self.perform(operation, args[:split], kwargs))

    def reply(self, run: Callable[[], Any]) -> None:
        answer = ["value", "", ""]
        try:
            root = self.run(run)
            if type(root) in _VIEWS:
                root = iterators.taken(root, outcomes.raised)
        except BaseException as error:
            answer, root = self.raised(error), error
        kind, message, detail = outcomes.described(lambda: self.heap.write([root], self.limit)[0])
        if kind != "value":
            if answer[0] == "value":
                answer = [kind, "", detail]
            message = ""
        self.send([*answer, message, self.told()])

    def run(self, run: Callable[[], Any]) -> Any:
        return run()

    def raised(self, error: BaseException) -> list[str]:
        # A test may look for anything in the message.
        return [*outcomes.raised(error, child.MESSAGE_MAX)]

    def told(self) -> str:
        """What goes along with an answer."""
        return ""

    def perform(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if operation in loops.OPERATIONS:
            return self.loops.perform(operation, args)
        return OPERATIONS[operation](*args, **kwargs)

    def begin(self) -> None:
        """Another check's process is there now, which knows nothing of what the last one has left."""
        self.loops = loops.Loops(self)

    def came_of_task(self, returned: bool, value: Any) -> Any:
        """What a task of the other process has returned or raised, as it is seen here."""
        return value

    def operate(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The value of an operation of the other process, or what that raised."""
        raise NotImplementedError

    def refuse(self, why: str) -> Any:
        """Ends the check: what it is about cannot be seen from here."""
        raise NotImplementedError

    def derive(self, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
        """A class of this process that derives from one of the other's."""
        return self.refuse(f"the class {name} derives from one of the other process")  # type: ignore[no-any-return]

    def is_inner(self, value: Any) -> bool:
        return False

    def named(self, name: str) -> Any:
        raise ValueError("not a name")

    def compare(self, one: Any, other: Any, how: str) -> Any:
        """`==` or `!=` of a handle and anything."""
        own = handles.own(one)
        if self.heap.reading or (one is other and "e" not in own):
            return (one is other) == (how == "eq")
        return self.operate(f".{how}", (one, other), {})

    def combine(self, operation: str, one: Any, other: Any, args: tuple[Any, ...]) -> Any:
        """An operator whose one operand is a handle."""
        return self.operate(operation, args, {})

    def is_member(self, operation: str, one: Any, kind: Any) -> bool:
        """Whether an object, or a class, counts as one of a class whose metaclass has a say in that."""
        return bool(self.operate(operation, (one, kind), {}))

    def hash_of(self, value: Any) -> int:
        own = handles.own(value)
        if "u" in own:
            raise TypeError(f"unhashable type: {plain.type_name(type(value))!r}")
        if "h" not in own:
            return _object_hash(value)
        known = self.heap.hashes.get(self.heap.numbers.get(id(value), -1))
        if known is None:
            known = self.operate(".hash", (value,), {})
        return int(known)
