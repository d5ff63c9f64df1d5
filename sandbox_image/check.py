"""What the test process does: run a check whose solution lives in another process.

The functions of the solution are stubs here: a call crosses a pipe as plain data, its value or
exception comes back the same way, and changes to plain arguments are repeated in the caller's objects.
Answers come from the solution's process and are decoded as hostile input.
"""

from __future__ import annotations

import ast
import builtins
import json
import math
import os
import struct
import time
from collections.abc import Callable
from typing import Any, NoReturn

from sandbox_image import child, plain

PROVIDED = {"math": math, "isclose": math.isclose}
# A candidate that dies is noticed by PID 1, which ends this process too and reports the true cause.
GRACE_S = 0.2


def run_check(request: bytes, result: int, outbox: int, inbox: int, output_bytes: int) -> NoReturn:
    """`request`: JSON `{"code", "entry_point", "check"}`, code null for the null candidate. Never returns.

    One record: "value" null when the check ran to its end (detail "no call" when it met no stub), else
    its exception.
    """
    task = json.loads(request)
    report = child.Report(result, output_bytes)
    child.SINK.report, child.SINK.limit = report, output_bytes
    channel = _Channel(outbox, inbox, report, output_bytes, null=task["code"] is None)
    namespace = child.new_module("check")
    namespace.update(PROVIDED)
    namespace.update((name, channel.stub(name)) for name in stub_names(task["code"], task["entry_point"]))
    report.begin(0)
    try:
        exec(compile(task["check"], "<check>", "exec", dont_inherit=True), namespace)
    except BaseException as error:
        report.raised(error)
    else:
        report.end("value", "null", "" if channel.calls else "no call")
    os._exit(0)


def stub_names(code: str | None, entry_point: str) -> list[str]:
    """The entry point and every top-level function, but none that would hide what tests stand on.

    A solution that defines its own `len` or `isclose` must not be asked what a test means by it.
    """
    names = [entry_point] if entry_point else []
    try:
        body = ast.parse(code or "").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body = []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names.extend(target.id for target in node.targets if isinstance(target, ast.Name))
    hidden = {*dir(builtins), *PROVIDED} - {entry_point}
    return [name for name in names if name not in hidden]


class _Channel:
    def __init__(self, outbox: int, inbox: int, report: child.Report, limit: int, null: bool) -> None:
        self.outbox, self.inbox, self.report, self.limit, self.null = outbox, inbox, report, limit, null
        self.calls = 0

    def stub(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return self.call(name, args, kwargs)

        call.__name__ = call.__qualname__ = name
        return call

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Raises TypeError for arguments that are no plain data, else what the solution raised."""
        self.calls += 1
        if self.null:
            return plain.Opaque("null")
        try:
            sent = child.encode([list(args), kwargs], self.limit)
        except plain.TooLarge:
            raise TypeError("the arguments are too large") from None
        if '{"o":' in sent:
            raise TypeError("the arguments are not plain data")
        data = json.dumps([name, sent]).encode("ascii")
        try:
            child.write_all(self.outbox, struct.pack(">I", len(data)) + data)
        except BrokenPipeError:
            self._lost("the solution's process went away")
        kind, *parts, after = self._answer()
        try:
            if after and after != sent:
                _repeat_changes([list(args), kwargs], plain.decode(after))
            if kind == "value":
                return plain.decode(parts[0])
        except ValueError:
            self._lost("malformed answer")
        raise _exception(*parts)

    def _answer(self) -> list[str]:
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
            and all(isinstance(part, str) for part in answer)
            and (answer[:1], len(answer)) in ((["value"], 3), (["exception"], 4))
        ):
            return answer
        return self._lost("malformed answer")

    def _lost(self, why: str) -> NoReturn:
        """No exception: the check could catch it, and go on with a solution that is not there."""
        time.sleep(GRACE_S)
        self.report.end("no_result", detail=why)
        os._exit(0)


def _exception(name: str, message: str) -> BaseException:
    """An exception of the builtin type of that name, else of a new type that carries the name.

    One that ends a loop in silence (`all(map(f, xs))` would pass) is a RuntimeError, as in a generator.
    """
    if name in ("StopIteration", "StopAsyncIteration"):
        return RuntimeError(f"the solution raised {name}")
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, BaseException):
        try:
            return kind(message)
        except Exception:
            pass
    return type(name[:200] if name.isidentifier() else "Exception", (Exception,), {})(message)  # type: ignore[no-any-return]


def _repeat_changes(old: Any, new: Any) -> Any:
    """Makes `old` equal to `new` in place where both are containers of one kind; what stands for `new`."""
    if type(old) is not type(new):
        return new
    if isinstance(old, list):
        old[:] = [_repeat_changes(a, b) for a, b in zip(old, new, strict=False)] + new[len(old) :]
        return old
    if isinstance(old, tuple):
        merged = tuple(_repeat_changes(a, b) for a, b in zip(old, new, strict=False))
        return old if len(old) == len(new) and all(a is b for a, b in zip(old, merged, strict=True)) else new
    if isinstance(old, dict):
        merged_items = [(key, _repeat_changes(old.get(key), item)) for key, item in new.items()]
        old.clear()
        old.update(merged_items)
        return old
    if isinstance(old, set):
        old.clear()
        old.update(new)
        return old
    return new
