"""`flywheel lineage`: the chain of one training row, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flows.commands.runs import open_run
from flows.reports.terminal import print_markdown
from tasks.core.markdown import table
from tasks.datasets.lineage import lineage
from tasks.filtering.rules.base import UNOPPOSED
from tasks.pipeline.artifacts import flat

_FENCE = "```"
_SHOWN_SETTINGS = (
    *("temperature", "low_temperature_share", "low_temperature", "reference_share"),
    *("top_k", "format", "cases_per_suite", "solutions", "suites", "seed"),
)


def show_lineage(name: str, row: str, root: str, json_output: bool) -> None:
    """Print where a training row came from. Raises `FlywheelError` for an unknown or ambiguous row."""
    run = open_run(name, root)
    chain = lineage(run.workspace, run.iteration, row)
    if json_output:
        print(json.dumps(chain))
    else:
        print_markdown(lineage_markdown(chain, run.iteration))


def lineage_markdown(chain: Mapping[str, Any], iteration: int) -> str:
    """The chain from the row down to its seed."""
    return "\n".join([*_row(chain, iteration), *_parts(chain), *_sampling_section(chain)])


def _row(chain: Mapping[str, Any], iteration: int) -> list[str]:
    row, agreed = chain["row"], chain["agreement"]
    kind = "pair" if "chosen" in row else "SFT row"
    used = "trained on" if chain["trained_on"] else "not trained on"
    margin = "unopposed" if agreed["margin"] >= UNOPPOSED else f"margin {agreed['margin']:.3g}"
    return [
        f"# {kind} {row['row_id']}",
        "",
        f"- {row['role']}, `{chain['table']}` of iteration {chain['iteration']}; {used} in {iteration}",
        *([f"- the rejected text {row['reason']}"] if row.get("reason") else []),
        f"- rule {agreed['settings']['rule']}: {agreed['votes']} of {agreed['samples']} samples behave alike "
        f"({agreed['behaviours']} behaviours){_confirmed(agreed)}; score {agreed['score']:.3g}, {margin}",
        "",
    ]


def _confirmed(agreed: Mapping[str, Any]) -> str:
    return (
        f", {agreed['reference_agreeing']} of them the base model's" if agreed["reference_agreeing"] else ""
    )


def _parts(chain: Mapping[str, Any]) -> Iterator[str]:
    for part in chain["parts"]:
        recombined = " (recombined from kept cases of the samples below)" if part.get("recombined") else ""
        yield f"## {part['part'].capitalize()}: `{part['record']}`{recombined}"
        yield from _code(opening(chain["row"]["prompt"]) + part["text"], "python")
        judged = "the winning group" if "judged_on" in part else "this program"
        verdicts = ((f"`{case['source']}`", case["verdict"]) for case in part["cases"])
        yield from table(("case", f"verdict of {judged}"), verdicts)
        if "killed" in part:
            killed = [f"{dead} of {total} {kind}" for kind, (dead, total) in part["killed"].items()]
            yield f"\nThese cases reject {' and '.join(killed)} that return values."
        if part["part"] == "chosen" and (mutant := chain["mutant"]):
            yield f"\nThey reject this mutant of `{mutant['parent']}` ({mutant['change']}):"
            yield from _code(mutant["code"], "python")
        for sample in part["samples"]:
            heat = "" if sample["temperature"] is None else f"temperature {sample['temperature']:g}, "
            by = "the base model's " if sample["of_reference"] else ""
            drawn = f"{by}number {sample['index']}, seed {sample['seed']}, {heat}{sample['tokens']} tokens"
            yield f"\nSample `{sample['sample_id']}` ({drawn}, ended by {sample['finish_reason']}),"
            yield "as the model went on from its prompt's last lines:"
            yield from _code(opening(sample["prompt"]) + sample["completion"], "")
        yield ""


def _sampling_section(chain: Mapping[str, Any]) -> Iterator[str]:
    problem, sampling = chain["problem"], chain["sampling"]
    yield "## Sampled with"
    yield ""
    reference = (
        f"; reference model `{sampling['reference'][:16]}` (the base)" if sampling["reference"] else ""
    )
    yield f"- model `{sampling['model'][:16]}` ({sampling['model_origin']}){reference}"
    settings = dict(flat(sampling["settings"]))
    yield f"- {', '.join(f'{name} {settings[name]}' for name in _SHOWN_SETTINGS if name in settings)}"
    yield f"- executed in `{chain['execution']['image']}`: " + ", ".join(
        f"{name} {value}" for name, value in flat(chain["execution"]["settings"]) if value
    )
    yield "\nPrompt:"
    yield from _code(chain["row"]["prompt"], "")
    yield f"## Problem `{problem['problem_id']}`"
    yield ""
    yield f"- {problem['statement']}"
    yield f"- `{problem['signature']}`"
    proposal = problem.get("proposal")
    if proposal is None:
        yield f"- a statement of `{problem.get('statements') or problem['source']}`"
        return
    yield f"- proposed by model `{problem['proposer_model'][:16]}` (seed {proposal['seed']})"
    yield f"- from the snippet at `{problem['seed']}`, with the prompt:"
    yield from _code(proposal["prompt"], "")


def opening(prompt: str) -> str:
    """The last lines of a prompt, with which the answer begins: those of the fence that it leaves open, else
    what it has of a last line. A text that goes on from there alone would begin in the middle of a line."""
    before, fence, after = prompt.rpartition(_FENCE)
    names_a_language = after.partition("\n")[0].strip() != ""
    if fence and before[-1:] in ("", "\n") and "\n" in after and names_a_language:
        return f"{fence}{after}"
    return prompt.rpartition("\n")[2]


def _code(text: str, language: str) -> Iterator[str]:
    """A block that a fence inside the text cannot close."""
    yield ""
    yield f"````{language}"
    yield text.rstrip("\n")
    yield "````"
    yield ""
