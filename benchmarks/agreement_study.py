"""Which agreement to believe: precision against yield on labelled problems, rule by rule.

    FLYWHEEL_DATA_DIR=... python benchmarks/agreement_study.py

Reads agreement_samples.parquet, runs everything in the sandbox, decides without gold and then opens it.
Writes agreement_study.md, .csv (every rule at every yield) and .png beside this file. *Yield* is the share
of problems kept; a rule keeps the problems it scores highest. *Code* is the mean over kept problems of the
share of chosen solutions that pass the gold suite, *cases* the share of kept cases that hold on gold. The
score was chosen on the first `CHOSEN_ON` problems; the others, drawn later, are held out.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.agreement_rules import RULES, Labelled, Pick, Rule, label, mixed, warm_votes
from benchmarks.agreement_samples import SAMPLES, WARM, Drawn, study_problems
from tasks.core.records import Sample
from tasks.core.statistics import wilson
from tasks.core.tables import by_problem, read_table
from tasks.execution.determinism import two_seeds
from tasks.execution.problem_data import join_by_problem
from tasks.execution.step import execute_shard
from tasks.filtering.decide import decide
from tasks.generation.sampling import parse_samples, reference_records
from tasks.sandbox.image import ensure_image
from tasks.settings.agreement import AgreementSettings
from tasks.settings.sandbox import SandboxSettings

YIELDS = (0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
SHARD = 10
CHOSEN_ON = 80
RESULT = Path(__file__).with_name("agreement_study")
HALF_COOL = "half the samples cooler"
MIXED = ("CodeT: solutions x cases", "votes", "**(votes - 1) x log(1 + outputs)**")
DRAWN = (
    "CodeT: solutions x cases",
    f"CodeT: solutions x cases, {HALF_COOL}",
    "before: sqrt(votes) x cases",
    "**(votes - 1) x log(1 + outputs)**",
    f"**(votes - 1) x log(1 + outputs)**, {HALF_COOL}",
)


def load() -> list[Labelled]:
    """All problems that have samples, in the order in which they were drawn, executed and labelled."""
    rows = by_problem(read_table(SAMPLES, Drawn))
    known = {problem.problem_id: problem for problem in study_problems()}
    problems = [known[problem_id] for problem_id in rows if problem_id in known]
    settings = SandboxSettings(wall_s=30)
    labelled = []
    with two_seeds(settings, ensure_image(print), "agreement-study") as seeds:
        for start in range(0, len(problems), SHARD):
            shard = problems[start : start + SHARD]
            drawn = [row for problem in shard for row in rows[problem.problem_id]]
            samples = [
                Sample(f"{row.problem_id}/{row.role}/{row.temperature}/{row.index}", row.problem_id,
                       row.role, row.index, "", row.completion, row.finish_reason, 0, 0)  # type: ignore[arg-type]
                for row in drawn
            ]  # fmt: skip
            solutions, suites, _ = parse_samples(shard, samples, WARM)
            gold_solutions, gold_suites = reference_records(shard)
            joined = join_by_problem(shard, [*solutions, *gold_solutions], [*suites, *gold_suites])
            behaviours = by_problem(execute_shard(seeds, joined))
            labelled += [
                label(one.problem, one.solutions, one.suites, behaviours[one.problem_id]) for one in joined
            ]
            print(f"executed {len(labelled)} of {len(problems)} problems", file=sys.stderr, flush=True)
    return labelled


@dataclass(frozen=True)
class Point:
    """A rule's precision when it keeps its `kept` best problems."""

    kept: int
    code: float
    code_low: float
    code_high: float
    cases_right: int
    cases: int


def judged(item: Labelled, pick: Pick) -> tuple[float, int, int]:
    """Share of right solutions; true cases and all cases."""
    code = sum(solution in item.right for solution in pick.solutions) / len(pick.solutions)
    return code, sum(item.true[index] for index in pick.cases), len(pick.cases)


def ranked(items: Sequence[Labelled], rule: Rule) -> list[tuple[float, int, int]]:
    """What gold says of a rule's picks, the best scored first."""
    picks = [(item, pick) for item in items if (pick := rule(item)) is not None]
    picks.sort(key=lambda entry: (-entry[1].score, entry[0].problem.problem_id))
    return [judged(item, pick) for item, pick in picks]


def point(results: Sequence[tuple[float, int, int]]) -> Point:
    kept = len(results)
    right = sum(code for code, _, _ in results)
    low, high = wilson(round(right), kept)
    return Point(
        kept,
        right / kept if kept else 0.0,
        low,
        high,
        sum(true for _, true, _ in results),
        sum(cases for _, _, cases in results),
    )


def curves(items: Sequence[Labelled]) -> dict[str, list[Point]]:
    """Each rule at each yield that it reaches."""
    found: dict[str, list[Point]] = {}
    wanted = [round(share * len(items)) for share in YIELDS]
    half_cool = [mixed(item) for item in items]
    for name, rule in RULES.items():
        results = ranked(items, rule)
        found[name] = [point(results[:kept]) for kept in wanted if 0 < kept <= len(results)]
        if name in MIXED:
            results = ranked(half_cool, rule)
            found[f"{name}, {HALF_COOL}"] = [point(results[:k]) for k in wanted if 0 < k <= len(results)]
    return found


@dataclass(frozen=True)
class Setting:
    """The shipped rule under some thresholds, on samples at one temperature or half of them cooler."""

    name: str
    settings: AgreementSettings
    half_cool: bool = False


def settings_of() -> list[Setting]:
    """Few thresholds, one more at a time; then what is shipped, and one step away from it."""
    loose = AgreementSettings(
        min_votes=2,
        min_vote_share=0,
        min_score_share=0,
        min_margin=1,
        min_cases=1,
        min_outputs=1,
        min_expected_values=1,
    )
    two = {"min_outputs": 2}
    changes: list[tuple[str, dict[str, float]]] = [
        *((f"{n} votes, 1 case", {"min_votes": n}) for n in (2, 3, 4, 5, 6)),
        *((f"{n} votes, 1 case, 2 outputs", {"min_votes": n, **two}) for n in (2, 3, 4, 5, 6)),
        *(
            (f"{n} votes, 1 case, 2 outputs, margin {m}", {"min_votes": n, "min_margin": m, **two})
            for n in (3, 4, 5)
            for m in (1.5, 2, 3)
        ),
        *((f"{n} votes, 2 cases", {"min_votes": n, "min_cases": 2}) for n in (2, 3, 4, 5)),
        *((f"{n} votes, 2 cases, 2 outputs", {"min_votes": n, "min_cases": 2, **two}) for n in (2, 3, 4, 5)),
        *(
            (f"{n} votes, 2 cases, 2 expected", {"min_votes": n, "min_cases": 2, "min_expected_values": 2})
            for n in (2, 3, 4, 5)
        ),
    ]
    return [
        *(Setting(name, loose.model_copy(update=change)) for name, change in changes),
        *shipped_settings(),
    ]


def shipped_settings() -> list[Setting]:
    default = AgreementSettings()
    pairs = default.model_copy(update={"min_votes": default.pair_votes, "min_margin": default.pair_margin})
    scored = {
        share: default.model_copy(update={"min_score_share": share}) for share in (0.0, 0.3, 0.4, 0.6, 0.7)
    }
    return [
        Setting("**the defaults**", default, half_cool=True),
        Setting("**the defaults, for pairs**", pairs, half_cool=True),
        *(Setting(f"the defaults, score share {share:g}", rule, True) for share, rule in scored.items()),
        Setting("the defaults, all samples at 0.8", default),
        *(Setting(f"the same, score share {share:g}", rule) for share, rule in scored.items()),
    ]


def shipped(items: Sequence[Labelled], setting: Setting) -> tuple[Point, float]:
    """What `decide` keeps with these settings, and the share of rejected solutions that are wrong."""
    results = []
    wrong = rejected = 0
    for item in map(mixed, items) if setting.half_cool else items:
        decision = decide(warm_votes(item), setting.settings)
        if decision.kept:
            index = {id(case): number for number, case in enumerate(item.votes.cases)}
            pick = Pick(0.0, decision.chosen, tuple(index[id(case)] for case in decision.cases))
            results.append(judged(item, pick))
            wrong += sum(solution not in item.right for solution in decision.rejected)
            rejected += len(decision.rejected)
    return point(results), wrong / rejected if rejected else 0.0


def described(items: Sequence[Labelled]) -> str:
    """What the problems are and how often the samples are right."""
    warm = [[i for i in item.codes if i not in item.cool] for item in items]
    right = [sum(i in item.right for i in ids) for item, ids in zip(items, warm, strict=True)]
    sources = Counter(f"{item.problem.source} {item.problem.split}" for item in items)
    true = sum(sum(item.true) for item in items)
    cases = sum(len(item.true) for item in items)
    return (
        f"{len(items)} labelled problems ({', '.join(f'{n} {name}' for name, n in sources.items())}); "
        f"{sum(right)} of {sum(map(len, warm))} solutions that parsed are right, on "
        f"{sum(map(bool, right))} problems; {true} of {cases} distinct cases are true."
    )


def side_by_side(title: str, items: Sequence[Labelled], found: dict[str, list[Point]]) -> list[str]:
    """The rules that the choice was between, with their intervals, and what is shipped."""
    lines = [
        "",
        f"## {title}",
        "",
        described(items),
        "",
        "Code precision (95 % Wilson), cases true of kept:",
        "",
    ]
    kept = [point.kept for point in found[DRAWN[-1]]]
    lines += [
        f"| rule | {' | '.join(f'{n} kept ({n / len(items):.0%})' for n in kept)} |",
        f"|---|{'---|' * len(kept)}",
    ]
    for name in DRAWN:
        at = {p.kept: p for p in found[name]}
        lines.append(f"| {name} | {' | '.join(sure(at[n]) if n in at else '-' for n in kept)} |")
    lines += [""]
    for setting in shipped_settings():
        p, wrong = shipped(items, setting)
        name = setting.name.replace("*", "")
        lines.append(
            f"- Under {name}, {p.kept} are kept: {sure(p)} cases; {wrong:.0%} of the rejected are wrong."
        )
    return lines


def sure(p: Point) -> str:
    return f"{p.code:.0%} ({p.code_low:.0%} - {p.code_high:.0%}), {p.cases_right} of {p.cases}"


def report(items: Sequence[Labelled], found: dict[str, list[Point]]) -> list[str]:
    """The study as markdown."""
    lines = [
        "# Agreement: precision against yield",
        "",
        f"SmolLM2-135M-Instruct, {WARM.solutions} solutions and {WARM.suites} suites of "
        f"{WARM.cases_per_suite} cases at temperature {WARM.temperature}. "
        "Made by `python benchmarks/agreement_study.py`.",
        "",
        f"The score was chosen on {described(items)}",
        "",
        "*Code*: mean share of right solutions among the chosen of a kept problem, with the 95 % Wilson "
        "interval over problems. *Cases*: true of kept.",
        "",
        "## Rules at the same yield",
        "",
        "Each rule keeps the problems that it scores highest. Code precision:",
        "",
    ]
    kept = [round(share * len(items)) for share in YIELDS]
    lines += [
        f"| rule | {' | '.join(f'{n} kept ({n / len(items):.0%})' for n in kept)} |",
        f"|---|{'---|' * len(kept)}",
    ]
    for name, points in found.items():
        at = {p.kept: p for p in points}
        cells = [f"{at[n].code:.0%}" if n in at else "-" for n in kept]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "Case precision:", "", *lines[-len(found) - 2 : -len(found)]]
    for name, points in found.items():
        at = {p.kept: p for p in points}
        cells = [f"{at[n].cases_right} of {at[n].cases}" if n in at else "-" for n in kept]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "## The shipped rule under its thresholds",
        "",
        "| thresholds | kept | code | 95 % | cases | rejected are wrong |",
        "|---|---|---|---|---|---|",
    ]
    for setting in settings_of():
        p, wrong = shipped(items, setting)
        lines.append(
            f"| {setting.name} | {p.kept} ({p.kept / len(items):.0%}) | {p.code:.0%} | "
            f"{p.code_low:.0%} - {p.code_high:.0%} | {p.cases_right} of {p.cases} | {wrong:.0%} |"
        )
    return lines


def draw(items: Sequence[Labelled], found: dict[str, list[Point]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.4, 3.8))
    for name in DRAWN:
        shares = [100 * p.kept / len(items) for p in found[name]]
        axis.plot(
            shares, [100 * p.code for p in found[name]], marker="o", markersize=3, label=name.replace("*", "")
        )
    axis.set_xlabel("problems kept, %")
    axis.set_ylabel("chosen solutions that are right, %")
    axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    labelled = load()
    items, others = labelled[:CHOSEN_ON], labelled[CHOSEN_ON:]
    found = curves(items)
    lines = report(items, found)
    if others:
        lines += side_by_side("Held out", others, curves(others))
        lines += side_by_side("All", labelled, curves(labelled))
    lines.append("")
    RESULT.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")
    with RESULT.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("rule", "kept", "problems", "code", "code_low", "code_high", "cases_right", "cases"))
        for name, points in found.items():
            for p in points:
                shares = (f"{share:.4f}" for share in (p.code, p.code_low, p.code_high))
                writer.writerow((name, p.kept, len(items), *shares, p.cases_right, p.cases))
    draw(items, found, RESULT.with_suffix(".png"))
    print(RESULT.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
