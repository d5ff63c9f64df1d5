"""Programs that do not end cost little unless their votes could win.

Among a model's answers to one problem many never end, and each would cost all of its time several times over.
So every program gets `QUICK_S` first, which nearly all that end need a small part of. Of the others,

1. each gets `PACE` times what the slowest program of its problem that ended took, if that is more;
2. where those that still do not end could make the winning group of their problem, they get all of their
   time, those that most solutions are first, until they no longer can (`could_win`); what ends then counts
   for 1. A call or check that nobody ends, `ENDLESS_AFTER` programs with all of their time among them, is
   nobody's difference: more time is not given for it.

What is left is stopped: its outcomes say so (`Outcome.tried`), and if it does anything else in the second
pass it is flaky, and no label. `benchmarks/early_stop.py` compares decisions and time with those of all
programs having all of their time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log

from tasks.core.records import Execution, Outcome, Program
from tasks.execution.verdicts import outcome_key

QUICK_S = 0.1
PACE = 20.0
# A runner-up with half the winner's score still decides whether pairs are made.
RIVAL = 0.5
ENDLESS_AFTER = 2
_UNKNOWN = ""

Run = Callable[[Iterable[Program]], Iterable[Execution]]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Voters:
    """Who votes: of each program its problem and how many solutions are that program; and the CPU seconds
    that a program has (`sandbox.cpu_s`)."""

    problem_of: Mapping[str, str]
    votes_of: Mapping[str, int]
    cpu_s: float


@dataclass
class FirstPass:
    """What a first pass came to, by program id: outcomes, the programs as they ran last, and the ids of those
    that ran out of the time that they had, early or not."""

    executions: dict[str, Execution] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)

    def run(self, run: Run, programs: Sequence[Program]) -> None:
        for execution in run(programs):
            self.executions[execution.program_id] = execution
        self.programs.update((program.program_id, program) for program in programs)
        for program in programs:
            ended = not ran_out(self.executions[program.program_id])
            (self.stopped.discard if ended else self.stopped.add)(program.program_id)

    def may_go_on(self, name: str) -> bool:
        """Whether a program ran out of a part of its time."""
        return name in self.stopped and self.programs[name].cpu_s > 0


def first_pass(run: Run, programs: Sequence[Program], voters: Voters) -> FirstPass:
    """The first pass of distinct programs, with little time for those whose votes cannot win.

    The null candidate, and programs with a limit of their own, have all of their time at once.
    """
    found, whole = FirstPass(), {program.program_id: program for program in programs}
    hurried = [_is_hurried(program, voters) for program in programs]
    found.run(
        run,
        [
            replace(program, cpu_s=QUICK_S, full_tries=1) if quick else program
            for program, quick in zip(programs, hurried, strict=True)
        ],
    )
    found.stopped.difference_update(
        program.program_id for program, quick in zip(programs, hurried, strict=True) if not quick
    )
    count = 1
    while chosen := _at_the_others_pace(found, voters) or _that_could_win(found, voters, count):
        found.run(run, [replace(whole[name], cpu_s=cpu_s, full_tries=1) for name, cpu_s in chosen.items()])
        count *= 2
    return found


def _is_hurried(program: Program, voters: Voters) -> bool:
    return program.code is not None and not program.cpu_s and voters.cpu_s > QUICK_S


def as_stopped(execution: Execution, program: Program) -> Execution:
    """The outcomes of a program that had a part of its time, which say so."""

    def told(outcome: Outcome) -> Outcome:
        if outcome.kind != "timeout" or outcome.tried != "full":
            return outcome
        return replace(outcome, tried="reduced", detail=f"stopped after {program.cpu_s:.2g} s: it cannot win")

    calls, checks = (tuple(map(told, part)) for part in (execution.calls, execution.checks))
    return replace(execution, calls=calls, checks=checks) if program.cpu_s else execution


def same_as_far_as_known(one: Outcome, other: Outcome) -> bool:
    """Whether two passes of a stopped program do not contradict each other."""
    return _UNKNOWN in (_known_key(one), _known_key(other)) or _known_key(one) == _known_key(other)


def ran_out(execution: Execution) -> bool:
    """Whether a program had too little time for one of its calls or checks, or for trying it."""
    return any(map(_is_unknown, (*execution.calls, *execution.checks)))


def _by_problem(found: FirstPass, voters: Voters) -> dict[str, list[str]]:
    """The voting programs of each problem that has some that ran out of a part of their time."""
    names: dict[str, list[str]] = {}
    for name in sorted(found.programs):
        if voters.votes_of.get(name):
            names.setdefault(voters.problem_of[name], []).append(name)
    return {problem: own for problem, own in names.items() if any(map(found.may_go_on, own))}


def _open_ones(found: FirstPass, names: Sequence[str]) -> list[str]:
    """Those of a problem's programs for which more time might tell something."""
    unknown = {name: _unknown_places(found.executions[name]) for name in names}
    missed = Counter(place for places in unknown.values() for place in places)
    at_full = Counter(
        place
        for name in names
        if name in found.stopped and not found.programs[name].cpu_s
        for place in unknown[name]
    )
    nobodys = {
        place for place, tried in at_full.items() if tried >= ENDLESS_AFTER and missed[place] == len(names)
    }
    return [name for name in names if found.may_go_on(name) and unknown[name] - nobodys]


def _unknown_places(execution: Execution) -> set[int]:
    outcomes = (*execution.calls, *execution.checks)
    return {place for place, outcome in enumerate(outcomes) if _is_unknown(outcome)}


def _at_the_others_pace(found: FirstPass, voters: Voters) -> dict[str, float]:
    """The stopped programs that had less than `PACE` times what the slowest of their problem that ended took,
    with that as their CPU seconds; 0 is all of them."""
    chosen = {}
    for names in _by_problem(found, voters).values():
        ended = [found.executions[name] for name in names if name not in found.stopped]
        needs = PACE * max(map(_took_s, ended), default=0.0)
        for name in _open_ones(found, names):
            if needs > found.programs[name].cpu_s:
                chosen[name] = needs if needs < voters.cpu_s else 0.0
    return chosen


def _took_s(execution: Execution) -> float:
    """CPU seconds of the calls, which share a process, or of the longest check; 0 for a program that returned
    nothing."""
    outcomes = (*execution.calls, *execution.checks)
    if not any(outcome.kind == "value" for outcome in outcomes):
        return 0.0
    calls = sum(outcome.cpu_ms for outcome in execution.calls)
    return max([calls, *(outcome.cpu_ms for outcome in execution.checks)]) / 1e3


def _that_could_win(found: FirstPass, voters: Voters, count: int) -> dict[str, float]:
    """The next stopped programs that get all of their time (0): `count` a problem where they could win."""
    chosen: dict[str, float] = {}
    for names in _by_problem(found, voters).values():
        still_open = _open_ones(found, names)
        others = [name for name in names if name not in still_open]
        if still_open and could_win(
            [_vote(found, voters, name) for name in still_open],
            [_vote(found, voters, name) for name in others],
        ):
            by_votes = sorted(still_open, key=lambda name: (-voters.votes_of[name], name))
            chosen |= dict.fromkeys(by_votes[:count], 0.0)
    return chosen


def _vote(found: FirstPass, voters: Voters, name: str) -> tuple[Key, int]:
    return _known(found.executions[name]), voters.votes_of[name]


def _known(execution: Execution) -> Key:
    """The outcomes as texts; `_UNKNOWN` where more time might give another."""
    return tuple(map(_known_key, (*execution.calls, *execution.checks)))


def _known_key(outcome: Outcome) -> str:
    return _UNKNOWN if _is_unknown(outcome) else outcome_key(outcome)


def _is_unknown(outcome: Outcome) -> bool:
    return outcome.kind == "timeout" or outcome.tried != "full"


def could_win(stopped: Sequence[tuple[Key, int]], ended: Sequence[tuple[Key, int]]) -> bool:
    """Whether more time for the stopped programs could change who wins, each given as its outcomes
    (`_UNKNOWN` where it was stopped) and its votes.

    A group scores (votes - 1) x log(1 + distinct values), as the rule `consensus` has it. The stopped ones
    matter if they could make a group of their own, or raise another than the best, to `RIVAL` of the best
    group's score; or double the votes of the best.
    """
    groups: Counter[Key] = Counter()
    for key, votes in ended:
        groups[key] += votes
    best = max(groups, key=lambda key: _score(groups[key], _values(key)), default=())
    to_reach = RIVAL * _score(groups[best], _values(best)) if groups else 0.0
    most_values = len(stopped[0][0])
    if _score(_largest_class(stopped), most_values) > to_reach:
        return True
    for key, votes in groups.items():
        joining = sum(more for partly, more in stopped if _may_become(partly, key))
        if not joining:
            continue
        if (joining >= votes) if key == best else _score(votes + joining, _values(key)) > to_reach:
            return True
    return False


def _score(votes: int, distinct: int) -> float:
    return max(0, votes - 1) * log(1 + distinct)


def _values(key: Key) -> int:
    return len({text for text in key if text[:1] not in ("!", "?", _UNKNOWN)})


def _may_become(partly: Key, key: Key) -> bool:
    return all(known in (_UNKNOWN, text) for known, text in zip(partly, key, strict=True))


def _largest_class(stopped: Sequence[tuple[Key, int]]) -> int:
    """At most so many votes any group of the stopped programs can have: at every call those alike, and those
    of which it is not known."""
    total = sum(votes for _, votes in stopped)
    least = total
    for place in range(len(stopped[0][0])):
        at: Counter[str] = Counter()
        for key, votes in stopped:
            at[key[place]] += votes
        unknown = at.pop(_UNKNOWN, 0)
        least = min(least, unknown + max(at.values(), default=0))
    return least
