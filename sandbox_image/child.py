"""What the candidate process does: run one solution once, call it, and report what happened.

Runs after the fork, as the program's own uid, with the solution's code and the arguments of its calls
in memory and nothing else. Whatever the solution does to this process can change its own outcomes only.

Report: one ASCII JSON line a record, `[index, kind, text, detail, cpu_ms, wall_ms]`. Index -1 is the
import of the module: kind "ready", or the outcome that every call gets. Kind "unloaded" is an exception
that came before the call could be made.
"""

from __future__ import annotations

import atexit
import builtins
import errno
import io
import os
import sys
import time
import types
from typing import Any, NoReturn

from sandbox_image import iterators, plain
from sandbox_image.outcomes import raised, returned

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

IMPORT = -1
MESSAGE_MAX = 10_000
_ITERATORS = iterators.KINDS
_quote = plain._quote
_clock = time.perf_counter
_cpu_clock = time.process_time
_write = os.write
_read = os.read
_exit = os._exit


class Report:
    """Writes records to the result file; `index` says whose outcome an abort is."""

    def __init__(self, fd: int, budget: int, digest_above: int = 0) -> None:
        self.fd = fd
        self.left = budget
        self.digest_above = digest_above
        self.index = IMPORT
        self.cpu = _cpu_clock()
        self.wall = _clock()

    def begin(self, index: int) -> None:
        self.index = index
        self.wall = _clock()
        self.cpu = _cpu_clock()

    def end(self, kind: str, text: str = "", detail: str = "") -> None:
        cpu, wall = (_cpu_clock() - self.cpu) * 1e3, (_clock() - self.wall) * 1e3
        line = f'[{self.index},"{kind}",{_quote(text)},{_quote(detail)},{cpu:.3f},{wall:.3f}]\n'
        self.left -= len(text)
        write_all(self.fd, line.encode("ascii"))

    def value(self, value: Any) -> None:
        self.end(*returned(value, self.left, self.digest_above))

    def raised(self, error: BaseException) -> None:
        self.end(*raised(error))

    def too_much_output(self) -> NoReturn:
        """Ends the process at once: an exception could be swallowed, and the flood would go on."""
        self.end("output_limit", detail="the program wrote too much")
        _exit(0)


class Sink(io.BufferedIOBase):
    """Where prints go: counted, not kept. One a stream: what is dropped is closed, and no other with it."""

    written = 0
    limit = 0
    report: Report | None = None

    def __init__(self, number: int) -> None:
        self.number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """/dev/null, as long as nobody has put something else there."""
        return self.number

    def write(self, data: Any) -> int:
        size = len(data)
        Sink.written += size
        if Sink.report is not None and Sink.written > Sink.limit:
            Sink.report.too_much_output()
        return size


def install_streams() -> None:
    """Standard streams that every child inherits: stdin is empty, output is counted and dropped."""
    _open_stdin()
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = io.TextIOWrapper(Sink(number), "utf-8", "backslashreplace")  # type: ignore[type-var]
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _open_stdin() -> None:
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115


def write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[_write(fd, data) :]


def arguments_of(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Fresh arguments of a call from the encoded pair `[[args..], {kwargs..}]`."""
    args, kwargs = plain.decode(text)
    return list(args), dict(kwargs)


def new_module(name: str) -> dict[str, Any]:
    module = types.ModuleType(name)
    sys.modules[name] = module
    namespace = vars(module)
    namespace["__builtins__"] = builtins
    return namespace


def lift_digits() -> None:
    """Integers of any length may be read and written, as where contest programs are judged: the time that a
    program has bounds what that costs."""
    sys.set_int_max_str_digits(0)


def run_calls(request: bytes, result: int, output_bytes: int) -> NoReturn:
    """`request`: JSON `{"code", "calls": [[function, arguments], ..], "digest_above"}`. Never returns."""
    lift_digits()
    task = plain.parse(request)
    report = Report(result, output_bytes, task["digest_above"])
    if task["calls"] and task["calls"][0][0] == "":
        _run_program(task["code"], task["calls"][0][1], report, output_bytes)
    Sink.report, Sink.limit = report, output_bytes
    namespace = new_module("solution")
    try:
        exec(compile(task["code"], "<solution>", "exec", dont_inherit=True), namespace)
    except BaseException as error:
        report.raised(error)
        _exit(0)
    report.end("ready")
    for index, (function, arguments) in enumerate(task["calls"]):
        args, kwargs = arguments_of(arguments)
        report.begin(index)
        called = namespace.get(function)
        if called is None and (called := method_of(namespace, function)) is None:
            report.end(*missing(function))
            continue
        try:
            value = called(*args, **kwargs)
            if type(value) in _ITERATORS:
                value = iterators.taken(value, raised)
        except BaseException as error:
            report.raised(error)
        else:
            report.value(value)
    _exit(0)


def rehearse() -> None:
    """Runs a small program here, before any fork, so that no child pays for what happens once a process.

    The first compilation alone creates some hundred types: two thirds of a small program's time.
    """
    report = Report(os.open("/dev/null", os.O_WRONLY), 1 << 16)
    namespace = new_module("solution")
    exec(compile(_REHEARSAL, "<solution>", "exec", dont_inherit=True), namespace)
    for index, arguments in enumerate(('[[],{"d":[]}]', '[[[1.5,"a"]],{"d":[]}]')):
        args, kwargs = arguments_of(arguments)
        report.begin(index)
        try:
            report.value(namespace["f"](*args, **kwargs))
        except TypeError as error:
            report.raised(error)
    os.close(report.fd)
    del sys.modules["solution"]


_REHEARSAL = """
import math
from collections import Counter
class A:
    def __init__(self, x):
        self.x = x
def g(n):
    for i in range(n):
        yield i if i % 2 else -i
def f(xs):
    seen, out = {}, []
    for i, x in enumerate(sorted(xs, key=str)):
        try:
            seen[x] = [f"{i}", (i, x)] + [y for y in g(3) if y > 1]
        except ValueError:
            out.append(A(x).x)
    while out and not seen:
        out.pop()
    return [seen, set(seen), max(g(2)), Counter("ab"), math.floor(1.5), str(xs)[1:].split(",")]
"""


def method_of(namespace: dict[str, Any], function: str) -> Any:
    """A function that a solution has as a method of its `class Solution`, as LeetCode wants it: of a new
    object for every call."""
    owner = namespace.get("Solution")
    if type(owner) is not type or not hasattr(owner, function):
        return None

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(owner(), function)(*args, **kwargs)

    return call


def missing(function: str) -> tuple[str, str, str]:
    """What a call of a function that the solution does not define comes to: no test may expect it."""
    return "unloaded", "NameError", f"name {function!r} is not defined"


def _run_program(code: str, arguments: str, report: Report, output_bytes: int) -> NoReturn:
    """A stdin program: run as `__main__` on one input; what it wrote to descriptor 1 is the value."""
    stdin, stdout = os.memfd_create("stdin"), os.memfd_create("stdout")
    write_all(stdin, _input_text(plain.decode(arguments)).encode("utf-8", "surrogatepass"))
    os.lseek(stdin, 0, os.SEEK_SET)
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.close(stdin)
    _open_stdin()
    stream = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = stream  # type: ignore[misc]
    report.end("ready")
    report.begin(0)
    namespace = new_module("__main__")
    namespace["__file__"] = sys.argv[0]
    main = os.getpid()

    def leave(status: int) -> NoReturn:
        """What `os._exit` does here: a program may end so, in a hurry, when it has written everything."""
        if status or os.getpid() != main:
            _exit(status)
        _report_output(stdout, None, report, output_bytes)

    os._exit = leave
    failure: BaseException | None = None
    try:
        exec(compile(code, "<solution>", "exec", dont_inherit=True), namespace)
    except BaseException as error:
        failure = error
    ends = (_join_threads, atexit._run_exitfuncs, _flush_stdout, namespace.clear, stream.flush)
    for step in ends:
        try:
            step()
        except BaseException as error:
            # Past RLIMIT_FSIZE: the size below says so. A stream that the program closed is flushed.
            expected = isinstance(error, OSError) and error.errno == errno.EFBIG
            expected = expected or (isinstance(error, ValueError) and "closed file" in str(error))
            failure = failure or (None if expected else error)
    if isinstance(failure, SystemExit) and failure.code in (None, 0):
        failure = None
    _report_output(stdout, failure, report, output_bytes)


def _join_threads() -> None:
    """As the interpreter does at its end."""
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()


def _flush_stdout() -> None:
    """Whatever the program has put there."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _report_output(stdout: int, failure: BaseException | None, report: Report, output_bytes: int) -> NoReturn:
    if os.fstat(stdout).st_size > output_bytes:
        report.end("output_limit", detail="the program wrote too much")
    elif failure is not None:
        report.raised(failure)
    else:
        # Its size is checked; as text a byte has six characters at most.
        report.left = 6 * output_bytes + 2
        report.value(os.pread(stdout, output_bytes, 0).decode("utf-8", "replace"))
    _exit(0)


def _input_text(value: Any) -> str:
    """The stdin text: encoded alone, or as the only positional argument of the pair."""
    if isinstance(value, str):
        return value
    args = value[0]
    return str(args[0]) if args else ""


def read_exactly(fd: int, size: int) -> bytes:
    """`size` bytes, or fewer at the end of the stream."""
    parts = []
    while size:
        part = _read(fd, min(size, 1 << 20))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
