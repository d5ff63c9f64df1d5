"""Keys of stored manifests, reports and evaluations that were called otherwise: what was written before is
read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasks.settings.renamed import RENAMED

_KEYS = {
    "tests headline": "strong-suite rate",
    "true positives": "suite soundness",
    "false positives": "false acceptance rate",
    "mutants_told_apart": "non_equivalent_mutants",
    "assembled": "recombined",
    "witness": "reference",
    "witness_samples": "reference_samples",
    "witness_solutions": "reference_solutions",
    "witness_behaviours": "reference_behaviours",
    "witnessed": "with_reference",
    "mixed": "audit_samples",
    # A stage's settings stand there without their section.
    **{old.partition(".")[2]: new.partition(".")[2] for old, new in RENAMED.items()},
}


def by_todays_keys(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """`object_pairs_hook` of `json.loads`: an object with its keys as they are called today, in their
    order."""
    return {_KEYS.get(key, key): value for key, value in pairs}
