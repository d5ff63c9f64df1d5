"""What the cards of exported data and models say of every field, verdict and metric: one sentence each."""

from __future__ import annotations

import re

_ROW = {
    "row_id": "Id of the row, 16 hex digits of a hash of what it holds.",
    "role": "`solver` (the completion is a program) or `verifier` (the completion is assertions).",
    "problem_id": "The problem that it answers, a row of `problems`.",
    "prompt": "All that the model is shown: chat marks, a worked example, the first words of the answer.",
}
_ORIGIN = {
    "sources": "Ids of the samples that the texts came from.",
    "recombined": "Whether the suite is recombined from kept cases of several samples: nobody wrote it so.",
    "score": "Agreement score of the problem's winning group, `(votes - 1) x log(1 + distinct values)`.",
    "iteration": "The iteration whose samples these are.",
}
_ASKED = {
    "messages": "The conversation that the prompt is: `role` and `content` of each message.",
    "prefill": "The first words of the answer, which the prompt ends in.",
    "prompt_digest": "A digest of the prompt's token ids, as they were sampled from and trained on.",
}
FIELDS: dict[str, dict[str, str]] = {
    "sft": {
        **_ROW,
        "completion": "What follows the prompt, up to the end of the turn.",
        **_ORIGIN,
        **_ASKED,
        "completion_ids": "The tokens that were sampled and trained on; none where it was written anew.",
        "lesson": "The program, or the asserts, in the completion that were executed and agreed.",
    },
    "preferences": {
        **_ROW,
        "chosen": "The completion that agreed with the others.",
        "rejected": "One that did not.",
        "reason": "Why it was rejected, in words.",
        **_ORIGIN,
        **_ASKED,
        "chosen_ids": "The tokens of `chosen` that were sampled; none where the text was written anew.",
        "rejected_ids": "Those of `rejected`.",
        "lesson": "The program, or the asserts, in `chosen`.",
        "rejected_lesson": "Those in `rejected`.",
    },
    "problems": {
        "problem_id": "Id of the problem.",
        "statement": "The task in words.",
        "entry_point": "Name of the function to write.",
        "signature": "The function's first line.",
        "source": "`statement` (from a file of statements), `mbpp`, or `proposed` (by the model itself).",
        "seed": "Where the code came from that inspired a proposed problem; empty for the others.",
    },
    "pass_matrix": {
        "iteration": "The iteration that ran it.",
        "problem_id": "The problem, a row of `problems`.",
        "solution_id": "Id of the program.",
        "of_reference": "Whether the base model wrote it, while another model was sampled.",
        "code": "The program, agreed or not: most of the wrong ones are here too.",
        "suite_id": "Id of the suite.",
        "cases": "The suite's cases as source.",
        "verdicts": "A verdict a case: `pass`, `fail`, `invalid` (tests nothing) or `fault` (sandbox broke).",
        "passed": "Whether the suite has cases, and all pass.",
    },
}
"""Subset -> column -> what it holds. An export has no other columns."""

SUBSETS = {
    "sft": "prompt and completion of one role, from samples that agreed",
    "preferences": "prompt, a chosen and a rejected completion, and why",
    "problems": "a task, without any solution",
    "pass_matrix": "a sampled program before a sampled suite, a verdict a case",
}

_METRICS = {
    r"pass@\d+": "probability that at least one of k sampled programs passes all gold tests",
    r"pass@\d+ base": "the same on the benchmark's original tests",
    r"pass@\d+ base\+plus": "the same on the original and the added tests together",
    r"output pass@\d+": "probability that at least one of k predictions of a call's value is right",
    "best of n by own tests": "probability that the program which passes most of the model's own tests is "
    "right",
    "best-of-n gain": "best of n minus pass@1: what its own tests are worth to the model",
    "strong-suite rate": "share of suites that accept gold and reject at least 80 % of known wrong programs",
    "case accuracy": "share of cases that are true of gold",
    "distinct case accuracy": "the same, each case counted once a problem",
    "non-boolean case accuracy": "the same, of cases that expect something else than True or False",
    "sound suites": "share of all sampled suites that accept gold",
    "suite soundness": "share of the suites that parse which accept gold",
    "false acceptance rate": "share of (suite, known wrong program) pairs that the suite accepts; lower is "
    "better",
    "mutation score": "share of small changes to gold that sound suites notice",
    "distinct solutions": "different program texts among a problem's samples; a number, not a share",
}


AUDIT = {
    "kept problems right": "problems that the filter kept, most of whose chosen programs are right",
    "chosen solutions": "chosen programs that are right",
    "rejected solutions": "rejected programs that are wrong",
    "kept cases": "kept cases that are true",
    "dropped cases": "dropped cases of kept problems that are false",
    "problems kept": "problems that the filter kept, of all",
    "recall of right solutions": "right programs that were chosen, of all that were sampled",
    "recall of wrong solutions": "wrong programs that were rejected, of all that were sampled",
    "recall of true cases": "true cases that were kept, of all that were sampled",
    "sound suites": "sampled suites that are true of gold",
    "sound suites, kept": "the same, of suites whose every case was kept",
    "suites with power": "sound suites that reject at least 80 % of the known wrong programs",
    "suites with power, kept": "the same, of suites whose every case was kept",
}
"""What the audit counts."""


def metric_words(metric: str) -> str:
    """What a metric of the scores means. Raises `KeyError` for one that is not defined."""
    for pattern, words in _METRICS.items():
        if pattern == metric or re.fullmatch(pattern, metric):
            return words
    raise KeyError(metric)
