"""The rules that make preference pairs of a kept problem: those of this project, and those of packages."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from tasks.core.plugins import chosen, installed
from tasks.core.rows import Pair
from tasks.datasets.kept_problem import KeptProblem
from tasks.datasets.solver_rows import CRASHES, solver_pairs
from tasks.datasets.verifier_rows import NON_KILLING, verifier_pairs
from tasks.settings.preferences import PreferenceSettings

GROUP = "flywheel.pair_rules"


@dataclass(frozen=True)
class PairRule:
    """A rule under a name that `preferences.pair_rules` may hold, listed below or registered by an entry
    point of the group `flywheel.pair_rules`.

    `make` gets a kept problem, the number of cases that suites are asked for, the settings and a source of
    randomness of the problem's own; its pairs name their `role` and the records they came from. `no_pair` is
    the reason that is noted for a problem that gives none. Pairs are cached by `version`: raise it when the
    rule makes other ones than before.
    """

    name: str
    version: int
    role: str
    make: Callable[[KeptProblem, int, PreferenceSettings, random.Random], list[Pair]]
    no_pair: str
    capped_reason: str = ""
    """Pairs with this `Pair.reason` are at most `max_share(settings)` of the role's; "" for no such bound."""
    max_share: Callable[[PreferenceSettings], float] = lambda _: 1.0


BUILT_IN = (
    PairRule(
        "solver",
        1,
        "solver",
        lambda item, _, settings, rng: solver_pairs(item, settings, rng),
        no_pair="no loser fails an agreed case",
        capped_reason=CRASHES,
        max_share=lambda settings: settings.max_crash_share,
    ),
    PairRule(
        "verifier",
        1,
        "verifier",
        verifier_pairs,
        no_pair="no good suite, or none that contradicts the winners or rejects nothing",
        capped_reason=NON_KILLING,
        max_share=lambda settings: settings.max_non_killing_share,
    ),
)


@cache
def pair_rules() -> Mapping[str, PairRule]:
    """All rules by name. Raises `FlywheelError` when a package's is none, or is called like another."""
    return {rule.name: rule for rule in installed(GROUP, PairRule, BUILT_IN)}


def chosen_rules(settings: PreferenceSettings) -> list[PairRule]:
    """The rules that are configured, in their order. Raises `FlywheelError` when one of them is not there."""
    return [chosen(pair_rules(), name, "preferences.pair_rules", "rule") for name in settings.pair_rules]
