"""Which rows are trained on: guards against benchmark text, repetition, imbalance and collapse.

A guard takes rows in order of preference and gives the ones it keeps and a reason for each it drops; `select`
says in which order they stand. Pure: rows in, rows out.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any, Generic, TypeVar

from tasks.core.fragments import parse_python
from tasks.core.progress import over
from tasks.core.records import Case, Problem, Role, record_id
from tasks.core.rows import Dropped, Pair, SftRow
from tasks.generation import prompts
from tasks.generation.decontamination import Contamination
from tasks.generation.diversity import is_one_liner, is_uniform, program_shape
from tasks.settings.rows import RowSettings
from tasks.testcode.split import split_tests
from tasks.testcode.suites import case_key, read_cases, target_name

AnyRow = TypeVar("AnyRow", SftRow, Pair)
PAIRED: tuple[Role, ...] = ("solver", "verifier")


@dataclass
class RowSelection(Generic[AnyRow]):
    """Rows to train on, rows held out for early stopping, and what was dropped."""

    rows: list[AnyRow]
    held_out: list[AnyRow] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)

    def keep(self, wanted: Iterable[AnyRow], reason: str) -> None:
        """Go on with these rows alone, in their order; the others are dropped for that reason."""
        kept = list(wanted)
        ids = {(row.row_id, row.iteration) for row in kept}
        self.dropped += [
            Dropped("collect", "pair" if isinstance(row, Pair) else "row", row.row_id, row.problem_id, reason)
            for row in self.rows
            if (row.row_id, row.iteration) not in ids
        ]
        self.rows = kept


def good_text(row: SftRow | Pair) -> str:
    """The text that a row teaches to write: its code or asserts, without the fence."""
    completion = row.chosen if isinstance(row, Pair) else row.completion
    return row.lesson or prompts.fenced(row.prompt, completion)


def rejected_text(pair: Pair) -> str:
    """The code or asserts of a pair's rejected side."""
    return pair.rejected_lesson or prompts.fenced(pair.prompt, pair.rejected)


def select(
    rows: Sequence[AnyRow],
    iteration: int,
    problems: Mapping[str, Problem],
    contamination: Contamination,
    settings: RowSettings,
    disputed: Collection[str] = (),
) -> RowSelection[AnyRow]:
    """Rows of this and earlier iterations through all guards; the newest come first.

    `problems` holds every row's problem, by id; of those in `disputed` two iterations believe different
    things.
    """

    def one_value(row: AnyRow) -> bool:
        return is_uniform(cases_of(row, problems[row.problem_id].entry_point))

    newest = sorted(rows, key=lambda row: (-row.iteration, -row.score, row.row_id))
    selection = RowSelection(newest)
    # Both iterations' rows: the later one's votes may be more for no better reason than that samples vary
    # less.
    selection.keep(
        [row for row in newest if row.problem_id not in disputed], "two iterations contradict each other"
    )
    selection.keep(_first_of_each(selection.rows, problems), "says the same as a newer row")
    selection.keep(
        [row for row in over(selection.rows, "rows") if not touches_benchmark(row, problems, contamination)],
        "shares text with a benchmark",
    )
    selection.keep(
        _within_age_caps(selection.rows, iteration, settings), "too many rows of an older iteration"
    )
    selection.keep(_varied(selection.rows, settings.per_problem), "enough rows of its problem and role")
    selection.keep(
        _capped(selection.rows, "solver", teaches_brevity, settings.max_one_liner_share),
        "too many one-line programs",
    )
    selection.keep(
        _capped(selection.rows, "verifier", one_value, settings.max_uniform_share),
        "too many suites that expect one value",
    )
    for role in PAIRED:
        selection.keep(
            _capped(selection.rows, role, prefers_shorter, settings.max_shorter_share, length_ratio),
            "too many pairs that prefer the shorter text",
        )
    selection.keep(_balanced(selection.rows, settings.max_role_ratio), "too many rows of its role")
    return selection


def hold_out(selections: Sequence[RowSelection[Any]], settings: RowSettings) -> None:
    """Takes the rows of some problems out of every kind of rows, for early stopping, if one kind has at
    least `min_held_out` of them. A kind that has fewer gives its own up: they may not be trained on, since
    what the other kind stops by must be new to the model, and they are too few to stop by.
    """
    apart = [[row for row in s.rows if is_held_out(row.problem_id, settings.held_out)] for s in selections]
    if max(map(len, apart)) < settings.min_held_out:
        return
    for selection, held_out in zip(selections, apart, strict=True):
        rest = [row for row in selection.rows if not is_held_out(row.problem_id, settings.held_out)]
        if len(held_out) >= settings.min_held_out:
            selection.held_out, selection.rows = held_out, rest
        else:
            selection.keep(rest, "its problem's other rows are held out")


def _first_of_each(rows: Sequence[AnyRow], problems: Mapping[str, Problem]) -> list[AnyRow]:
    """One row of each text: the same program sampled again in a later iteration is not a second lesson, nor
    are the same cases in other quotes."""

    def said(row: SftRow | Pair, text: str) -> object:
        entry_point = problems[row.problem_id].entry_point
        return (row.role == "verifier" and tuple(map(case_key, _cases(text, entry_point)))) or text

    def lesson(row: SftRow | Pair) -> object:
        rejected = said(row, rejected_text(row)) if isinstance(row, Pair) else ""
        return (row.role, row.prompt, said(row, good_text(row)), rejected)

    seen: dict[object, AnyRow] = {}
    for row in rows:
        seen.setdefault(lesson(row), row)
    return list(seen.values())


def touches_benchmark(
    row: SftRow | Pair, problems: Mapping[str, Problem], contamination: Contamination
) -> bool:
    """Whether a row's problem, its text, its program or its asserts are a benchmark's."""
    problem = problems[row.problem_id]
    text = good_text(row)
    return bool(
        contamination.of_text(problem.statement)
        or contamination.of_text(text)
        or (row.role == "solver" and contamination.of_code(problem.entry_point, text))
        or (row.role == "verifier" and contamination.of_tests(text))
    )


def _within_age_caps(rows: Sequence[AnyRow], iteration: int, settings: RowSettings) -> list[AnyRow]:
    """At most `max_rows` of this iteration, and `age_decay` of that for every iteration of age."""
    counts: Counter[int] = Counter()
    kept = []
    for row in rows:
        counts[row.iteration] += 1
        if counts[row.iteration] <= settings.max_rows * settings.age_decay ** (iteration - row.iteration):
            kept.append(row)
    return kept


def _varied(rows: Sequence[AnyRow], per_problem: int) -> list[AnyRow]:
    """At most `per_problem` rows a problem and role: those of new shapes first, then the newest."""
    seen: Counter[object] = Counter()
    ranked = []
    for position, row in enumerate(rows):
        shape = (row.role, row.problem_id, program_shape(good_text(row)))
        ranked.append((seen[shape], position, row))
        seen[shape] += 1
    counts: Counter[object] = Counter()
    kept = []
    for _, position, row in sorted(ranked, key=lambda item: item[:2]):
        counts[row.role, row.problem_id] += 1
        if counts[row.role, row.problem_id] <= per_problem:
            kept.append((position, row))
    return [row for _, row in sorted(kept, key=lambda item: item[0])]


def teaches_brevity(row: SftRow | Pair) -> bool:
    """A one-line program; in a pair, one preferred to a program that is longer than a line."""
    if not is_one_liner(good_text(row)):
        return False
    return not (isinstance(row, Pair) and is_one_liner(rejected_text(row)))


def cases_of(row: SftRow | Pair, entry_point: str) -> tuple[Case, ...]:
    """The cases that a verifier's row teaches to write."""
    return _cases(good_text(row), entry_point)


def _cases(text: str, entry_point: str) -> tuple[Case, ...]:
    tree = parse_python(text)
    tests = split_tests(tree, target_name(entry_point)) if tree is not None else []
    return read_cases(tests, entry_point).cases


def prefers_shorter(row: SftRow | Pair) -> bool:
    """A pair whose chosen text is the shorter one."""
    return isinstance(row, Pair) and len(row.chosen) < len(row.rejected)


def length_ratio(row: SftRow | Pair) -> float:
    """How many times as long as its chosen text a pair's rejected one is."""
    return len(row.rejected) / len(row.chosen) if isinstance(row, Pair) else 1.0


def _capped(
    rows: Sequence[AnyRow],
    role: Role,
    is_capped: Callable[[AnyRow], bool],
    share: float,
    rank: Callable[[AnyRow], float] | None = None,
) -> list[AnyRow]:
    """Rows of which at most `share` of that role are of a kind, though never fewer than half of the role's.

    Those of the lowest `rank` stay; without one those whose shape is rare, since what a model repeats it
    will write anyway.
    """
    own = [row for row in rows if row.role == role]
    kind = [row for row in own if is_capped(row)]
    others = len(own) - len(kind)
    room = max(room_beside(others, share), -(-len(own) // 2) - others)
    if rank is None:
        shapes = Counter(program_shape(good_text(row)) for row in kind)
        kind.sort(key=lambda row: shapes[program_shape(good_text(row))])
    else:
        kind.sort(key=rank)
    surplus = {(row.row_id, row.iteration) for row in kind[room:]}
    return [row for row in rows if (row.row_id, row.iteration) not in surplus]


def room_beside(others: int, share: float) -> int:
    """How many rows of one kind may stand beside `others` of other kinds, if they are to be at most `share`
    of all; `share` is below 1, or there is no bound."""
    # 0.6 x 5 is 2.9999999999999996.
    return floor(share * others / (1 - share) + 1e-9) if share < 1 else sys.maxsize


def _balanced(rows: Sequence[AnyRow], ratio: float) -> list[AnyRow]:
    """At most `ratio` times as many rows of one role as of the other, unless that one has none at all."""
    counts = Counter(row.role for row in rows)
    fewest = min(counts["solver"], counts["verifier"])
    if not fewest:
        return list(rows)
    seen: Counter[str] = Counter()
    kept = []
    for row in rows:
        seen[row.role] += 1
        if seen[row.role] <= ratio * fewest:
            kept.append(row)
    return kept


def is_held_out(problem_id: str, share: float) -> bool:
    """Whether a problem's rows are held out: drawn by its id, so the same in every iteration."""
    return int(record_id("held out", problem_id), 16) < share * 16**16
