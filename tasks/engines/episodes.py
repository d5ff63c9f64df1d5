"""One program's way through the sandbox: what to ask next, and what the answers mean.

An episode is one child (or, for a check, a pair of children). Most programs are one episode; one that
ends early (timeout, crash, memory) is continued after the call that ended it, in a fresh child, at most
`MAX_SETBACKS` times. Reports are written by hostile children: they are read with checked shapes, and
what cannot be read is the program's "no_result".
"""

from __future__ import annotations

import json
import re
import signal
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tasks import values
from tasks.records import Execution, Outcome, OutcomeKind, Program

MAX_SETBACKS = 3
DIGEST_ABOVE = 256 << 10
_MAX_MS = 1e8
_KINDS = ("value", "exception", "memory", "output_limit", "no_result")
_SIMPLE = re.compile(r'-?\d{1,15}|null|true|false|"[ !#-\[\]-~]*"')
_NULL_VALUE = values.encode(values.Opaque("null"))


@dataclass(frozen=True, slots=True)
class Request:
    """One episode: `kind` and `payloads` as `sandbox_image.supervisor` reads them, and whose it is."""

    kind: str
    payloads: list[bytes]
    calls: range
    check: int = -1


class Episodes:
    """The state of one program. `next_request`, `settle` with its answer, again until it is None."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.faults = 0
        self._calls: list[Outcome] = []
        self._checks: list[Outcome] = []
        self._setbacks = 0
        self._check_setbacks = 0
        if program.code is None:
            self._calls = [Outcome("value", value=_NULL_VALUE) for _ in program.calls]

    def next_request(self) -> Request | None:
        program, done = self.program, len(self._calls)
        if done < len(program.calls):
            # A stdin program runs anew for each input; calls of functions share one process.
            stdin = program.calls[done].function == ""
            end = done + 1
            while not stdin and end < len(program.calls) and program.calls[end].function != "":
                end += 1
            calls = [[call.function, call.arguments] for call in program.calls[done:end]]
            task = {"code": program.code, "calls": calls, "digest_above": DIGEST_ABOVE * program.digests}
            return Request("calls", [_json(task)], range(done, end))
        at = len(self._checks)
        if at < len(program.checks):
            test = {"code": program.code, "entry_point": program.entry_point, "check": program.checks[at]}
            if program.code is None:
                return Request("null", [_json(test)], range(0), at)
            return Request("check", [_json({"code": program.code}), _json(test)], range(0), at)
        return None

    def settle(self, request: Request, status: dict[str, Any], data: bytes) -> None:
        """Takes the answer to `request`; every answer moves at least one call or check to its outcome."""
        if request.check >= 0:
            self._settle_check(status, data)
            return
        outcomes, whole = read_report(data, status, len(request.calls))
        self._calls += outcomes
        if whole:
            return
        self._setbacks += 1
        if self._setbacks >= MAX_SETBACKS:
            rest = len(self.program.calls) - len(self._calls)
            self._calls += [_again(self._calls[-1])] * rest

    def _settle_check(self, status: dict[str, Any], data: bytes) -> None:
        outcomes, _ = read_report(data, status, 1, ready=True)
        outcome = outcomes[0]
        if status["by"] == "candidate":
            # It ended before the test did: whatever the test made of that, this is what happened.
            outcome = _cause(status)
        self._checks.append(outcome)
        if outcome.kind in ("timeout", "crash", "memory"):
            self._check_setbacks += 1
        if self._check_setbacks >= MAX_SETBACKS:
            rest = len(self.program.checks) - len(self._checks)
            self._checks += [_again(outcome)] * rest

    def fault(self, why: str) -> None:
        """Gives up: the sandbox failed, nothing is known of any call or check."""
        outcome = Outcome("fault", detail=why[:300])
        self._calls = [outcome] * len(self.program.calls)
        self._checks = [outcome] * len(self.program.checks)

    def execution(self) -> Execution:
        return Execution(self.program.program_id, tuple(self._calls), tuple(self._checks))


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _again(outcome: Outcome) -> Outcome:
    return Outcome(outcome.kind, exception=outcome.exception, detail=f"not run after {MAX_SETBACKS} like it")


def read_report(
    data: bytes, status: dict[str, Any], count: int, ready: bool = False
) -> tuple[list[Outcome], bool]:
    """Outcomes of the first calls of `count`, at least one, and whether the child came to its own end.

    A failed import is the outcome of every call. `ready`: the report has no import record.
    """
    outcomes: list[Outcome] = []
    peak = status["peak_kb"]
    cause = None
    for line in data.split(b"\n")[:-1]:
        record = _read_record(line, len(outcomes) if ready else -1, peak)
        if record is None:
            cause = Outcome("no_result", detail="malformed report", peak_kb=peak)
            break
        if ready:
            outcomes.append(record)
            if len(outcomes) == count:
                return outcomes, True
        elif record.kind == "value":
            ready = True
        else:
            return [record] * count, True
    if cause is None and outcomes and outcomes[-1].kind == "output_limit" and _clean(status):
        # The child ended itself at the limit: that record was its last.
        return outcomes, False
    cause = cause or _cause(status)
    if not ready:
        return [cause] * count, True
    return [*outcomes, cause], False


def _read_record(line: bytes, index: int, peak_kb: int) -> Outcome | None:
    """`[index, kind, text, detail, cpu_ms, wall_ms]` as an outcome; "ready" (index -1) as kind "value"."""
    try:
        at, kind, text, detail, cpu, wall = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    if at != index or not (isinstance(kind, str) and isinstance(text, str) and isinstance(detail, str)):
        return None
    if not all(type(number) is float and 0 <= number <= _MAX_MS for number in (cpu, wall)):
        return None
    detail = _printable(detail)
    if index < 0 and kind == "ready":
        return Outcome("value")
    if kind == "value" and index >= 0 and _is_encoded(text):
        return Outcome("value", text, "", detail, cpu, wall, peak_kb)
    if kind not in _KINDS or kind == "value" or (kind == "exception") != bool(text):
        return None
    known: OutcomeKind = kind  # type: ignore[assignment]
    return Outcome(known, "", _printable(text), detail, cpu, wall, peak_kb)


def _printable(text: str) -> str:
    """At most 200 characters of ASCII: a lone surrogate in a type's name would break every table."""
    return text[:200].encode("ascii", "backslashreplace").decode("ascii")[:200]


def _is_encoded(text: str) -> bool:
    if not text.isascii():
        return False
    if _SIMPLE.fullmatch(text):
        return True
    return _decodes_cached(text) if len(text) < 1024 else _decodes(text)


def _decodes(text: str) -> bool:
    try:
        values.decode(text)
    except (values.ValueFormatError, ArithmeticError, RecursionError):
        return False
    return True


_decodes_cached = lru_cache(maxsize=8192)(_decodes)


def _clean(status: dict[str, Any]) -> bool:
    return bool(status["end"] == "exit" and status["code"] == 0)


def _cause(status: dict[str, Any]) -> Outcome:
    """Why a child ended before its report was whole."""
    end, code = status["end"], status["code"]
    kind: OutcomeKind
    if end in ("cpu", "wall"):
        kind, detail = "timeout", end
    elif end == "memory":
        kind, detail = "memory", "killed at the memory limit"
    elif end == "signal":
        kind, detail = "crash", _signal_name(code)
    else:
        kind, detail = "no_result", f"exit {code}"
    return Outcome(
        kind, detail=detail, cpu_ms=status["cpu_ms"], wall_ms=status["wall_ms"], peak_kb=status["peak_kb"]
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
