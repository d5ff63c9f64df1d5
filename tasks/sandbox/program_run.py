"""One program's way through the sandbox: what to ask next, and what the answers mean.

Most programs need one child process (for a check, a pair of them); one that ends early (timeout, crash,
memory) is continued after the call that ended it, in a fresh child:
`Program.full_tries` times with all its time, `REDUCED_TIME_RUNS` times more with a part of it, so that a few
hard calls keep nobody from the others. Where time is each call's own (`Program.cpu_each`), a call that ran
out of it behind others is tried again, as the first in a fresh child, and has no outcome before. Reports are
written by hostile children: they are read with checked shapes, and what cannot be read is the program's
"no_result".
"""

from __future__ import annotations

import builtins
import json
import re
import signal
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tasks.core import values
from tasks.core.records import Call, Execution, Outcome, OutcomeKind, Program

REDUCED_TIME_RUNS, REDUCED_TIME_SHARE = 8, 1 / 8
# The supervisor takes requests of up to 64 MiB. Calls are spread over children before that.
REQUEST_BYTES, CALLS_BYTES = 48 << 20, 4 << 20
DIGEST_ABOVE = 256 << 10
MAX_BASES = 20
_MAX_MS = 1e8
_EXCEPTIONS = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}
_KINDS = ("value", "exception", "memory", "output_limit", "no_result", "boundary", "skipped")
_SIMPLE = re.compile(r'-?\d{1,15}|null|true|false|"[ !#-\[\]-~]*"')
_decode_json = json.JSONDecoder().raw_decode
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_WITH_REDUCED_TIME = f"in {REDUCED_TIME_SHARE:g} of the time, after {{}} like it"
_TOO_LARGE = Outcome("no_result", detail="the source or the arguments are too large")
_NULL_VALUE = values.encode(values.Opaque("null"))


@dataclass(frozen=True, slots=True)
class ChildRequest:
    """What one child does: `kind` and `payloads` as `sandbox_image.supervisor` reads them, whose it is, its
    CPU seconds (`Program.cpu_s`), and the share of them that it gets."""

    kind: str
    payloads: list[bytes]
    section: _Section
    count: int
    cpu_s: float
    cpu_share: float


@dataclass(slots=True)
class _Section:
    """A program's calls, checks or steps, and the outcomes of the first of them."""

    parts: tuple[Call | str, ...]
    outcomes: list[Outcome]
    apart: bool = False
    splits: bool = False
    setbacks: int = 0

    def next_parts(self) -> tuple[Call | str, ...]:
        """What the next process gets: a check apart and a stdin program's input are alone in theirs."""
        done = len(self.outcomes)
        end = done + 1
        size = _size(self.parts[done])
        if not self.apart and not _is_stdin(self.parts[done]):
            while end < len(self.parts) and not _is_stdin(self.parts[end]):
                size += _size(self.parts[end])
                if self.splits and size > CALLS_BYTES:
                    break
                end += 1
        return self.parts[done:end]

    def give_up(self, outcome: Outcome) -> None:
        self.outcomes += [outcome] * (len(self.parts) - len(self.outcomes))


class ProgramRun:
    """The state of one program. `next_request`, `apply_answer` with its answer, again until it is None."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._calls = _Section(program.calls, [], splits=True)
        self._checks = _Section(program.checks, [], apart=True)
        self._steps = _Section(program.steps, [])
        self._sections = (self._calls, self._checks, self._steps)
        if program.code is None:
            self._calls.give_up(Outcome("value", value=_NULL_VALUE))

    def next_request(self) -> ChildRequest | None:
        for section in self._sections:
            while len(section.outcomes) < len(section.parts):
                kind, payloads, count = self._message(section.next_parts())
                if sum(map(len, payloads)) <= REQUEST_BYTES:
                    share = REDUCED_TIME_SHARE if section.setbacks >= self.program.full_tries else 1.0
                    return ChildRequest(kind, payloads, section, count, self.program.cpu_s, share)
                section.outcomes += [_TOO_LARGE] * count
        return None

    def _message(self, parts: tuple[Call | str, ...]) -> tuple[str, list[bytes], int]:
        """Kind and payloads of a request for these parts, and how many they are."""
        program = self.program
        steps = [part if isinstance(part, str) else [part.function, part.arguments] for part in parts]
        task = {"code": program.code, "digest_above": DIGEST_ABOVE * program.digests}
        if not any(isinstance(part, str) for part in parts):
            return "calls", [_json({**task, "calls": steps})], len(parts)
        test = _json({**task, "entry_point": program.entry_point, "steps": steps})
        if program.code is None:
            return "null", [test], len(parts)
        return "check", [_json(task), test], len(parts)

    def apply_answer(
        self, request: ChildRequest, status: dict[str, Any], data: bytes, output_bytes: int
    ) -> None:
        """Takes the answer to `request`; every answer moves at least one call or check to its outcome.

        `output_bytes`: what the program may give out at most.
        """
        section, is_calls = request.section, request.kind == "calls"
        if _is_stdin(section.parts[len(section.outcomes)]):
            # As text a byte has six characters at most.
            output_bytes = 6 * output_bytes + 2
        outcomes, whole = read_report(data, status, request.count, output_bytes, ready=not is_calls)
        if whole and status["by"] == "candidate" and not is_calls:
            # It ended before the test did: whatever the test made of that, this is what happened.
            outcomes[-1], whole = _cause(status), False
        timed_out = is_calls and not whole and outcomes[-1].kind == "timeout"
        if self.program.cpu_each and timed_out and len(outcomes) > 1:
            section.outcomes += outcomes[:-1]
            return
        if request.cpu_share < 1 and outcomes[-1].kind == "timeout":
            outcomes[-1] = replace(
                outcomes[-1], detail=_WITH_REDUCED_TIME.format(self.program.full_tries), tried="reduced"
            )
        section.outcomes += outcomes
        if not is_calls:
            whole = outcomes[-1].kind not in ("timeout", "crash", "memory")
        section.setbacks += not whole
        # What the null candidate does decides over everybody's checks: each is tried.
        most = self.program.full_tries + REDUCED_TIME_RUNS
        if section.setbacks >= most and self.program.code is not None:
            section.give_up(_again(section.outcomes[-1], most))

    def fault(self, why: str) -> None:
        """Gives up: the sandbox failed, nothing is known of any call or check."""
        for section in self._sections:
            section.outcomes.clear()
            section.give_up(Outcome("fault", detail=why[:300]))

    def execution(self) -> Execution:
        return Execution(self.program.program_id, *(tuple(s.outcomes) for s in self._sections))


def _is_stdin(part: Call | str) -> bool:
    return not isinstance(part, str) and part.function == ""


def _size(part: Call | str) -> int:
    return len(part) if isinstance(part, str) else len(part.arguments)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _again(outcome: Outcome, others: int) -> Outcome:
    return Outcome(
        outcome.kind,
        exception=outcome.exception,
        detail=f"not run after {others} like it",
        tried="not",
    )


def read_report(
    data: bytes, status: dict[str, Any], count: int, output_bytes: int, ready: bool = False
) -> tuple[list[Outcome], bool]:
    """Outcomes of the first calls of `count`, at least one, and whether the child came to its own end.

    A failed import is the outcome of every call. `ready`: the report has no import record. Values of more
    than `output_bytes` in all are no honest child's.
    """
    outcomes: list[Outcome] = []
    peak = status["peak_kb"]
    cause = None
    # Whatever is not ASCII has no place in a record, and is refused there.
    for line in data.decode("latin-1").split("\n", count + 1)[:-1]:
        record = _read_record(line, len(outcomes) if ready else -1, peak)
        output_bytes -= len(record.value) if record is not None else 0
        if record is None or output_bytes < 0:
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
    if (
        cause is None
        and outcomes
        and outcomes[-1].kind in ("output_limit", "no_result", "boundary")
        and _clean(status)
    ):
        # The child ended itself, at the limit or because its candidate was gone: that record was its last.
        return outcomes, False
    cause = cause or _cause(status)
    if not ready:
        return [cause] * count, True
    return [*outcomes, cause], False


def _read_record(line: str, index: int, peak_kb: int) -> Outcome | None:
    """`[index, kind, text, detail, cpu_ms, wall_ms]` as an outcome; "ready" (index -1) as kind "value"."""
    try:
        # A fifth of the time that `json.loads` takes for so short a text.
        record, end = _decode_json(line)
        at, kind, text, detail, cpu, wall = record
    except (ValueError, TypeError, RecursionError):
        return None
    if end != len(line) or at != index:
        return None
    if not type(kind) is type(text) is type(detail) is str or not type(cpu) is type(wall) is float:
        return None
    if not (0 <= cpu <= _MAX_MS and 0 <= wall <= _MAX_MS):
        return None
    detail = _printable(detail) if detail else ""
    if index < 0 and kind == "ready":
        return Outcome("value")
    if kind == "value" and index >= 0 and _is_encoded(text):
        return Outcome("value", text, "", detail, cpu, wall, peak_kb)
    loading = kind == "unloaded" or (kind == "exception" and index < 0)
    known: OutcomeKind = "exception" if loading else kind  # type: ignore[assignment]
    if known not in _KINDS or known == "value" or (known == "exception") != bool(text):
        return None
    name, *bases = text.split("|")
    ancestors = tuple(base for base in bases[:MAX_BASES] if base in _EXCEPTIONS)
    return Outcome(known, "", _printable(name), detail, cpu, wall, peak_kb, ancestors, loading)


def _printable(text: str) -> str:
    """At most 200 characters of ASCII: a lone surrogate in a type's name would break every table. Without
    addresses, which are others in every process: equal runs are to give equal tables."""
    if " at 0x" in text:
        text = _ADDRESS.sub(" at 0x..", text)
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
