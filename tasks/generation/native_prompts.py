"""The prompts that benchmarks publish, in a model's own chat format, for figures that others publish, too.

HumanEval and MBPP are asked as evalplus asks (Liu et al. 2023, arXiv 2305.01210): the task as code, an answer
that is begun for a chat model, and direct completion for a base model. LiveCodeBench is asked as its runner
asks a chat model (Jain et al. 2024, arXiv 2403.07974); base models get the same text, since the example that
it shows them is not part of its data. A model that thinks gets no first words of its answer. Of a problem
whose benchmark publishes no prompt self-play's is used.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.core.records import Message, Problem
from tasks.generation.prompts import FENCE, Prompt, solver_prompt, style_of
from tasks.models.chat_format import ChatFormat

VERSION = 1
"""Part of the keys of samples that such prompts ask for."""
_ASK = (
    "Please provide a self-contained Python script that solves the following problem in a markdown "
    "code block:"
)
_BEGIN = (
    "Below is a Python script with a self-contained function that solves the problem and passes "
    "corresponding tests:"
)
_CONTEST = (
    "You are an expert Python programmer. You will be given a question (problem specification) and "
    "will generate a correct Python program that matches the specification and passes all tests. You "
    "will NOT return anything except for the program."
)
_OUTPUT = (
    "You are a helpful programming assistant and an expert Python programmer. You are helping a user "
    "to write a test case to help to check the correctness of the function. The user has written a "
    "input for the testcase. You will calculate the output of the testcase and write the whole "
    "assertion statement in the markdown code block with the correct output."
)
_WITH_STARTER = (
    "You will use the following starter code to write the solution to the problem and enclose your "
    "code within delimiters."
)
_WITHOUT_STARTER = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly "
    "test on the sample inputs). Enclose your code within delimiters as follows."
)
# Where a base model goes on behind its program.
_ENDS = ("\nif __name__", "\ndef main(", "\nprint(")
_ENDS_OF = {
    "humaneval": ("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert "),
    "mbpp": ('\n"""', "\nassert"),
}


def has_native_prompt(problem: Problem) -> bool:
    """Whether a problem's benchmark publishes how to ask for its code."""
    return bool(problem.native) or _family(problem) == "livecodebench"


def native_prompt(problem: Problem, chat_format: ChatFormat) -> Prompt:
    """How a problem's benchmark asks for code."""
    if not has_native_prompt(problem):
        return solver_prompt(problem, style_of(chat_format))
    if _family(problem) == "livecodebench":
        return _contest_prompt(problem, chat_format)
    if chat_format.kind == "completion":
        stop = _ENDS + _ENDS_OF.get(_family(problem), ())
        return Prompt((Message("user", problem.native.strip()),), "", stop)
    asked = f"{_ASK}\n{FENCE}\n{problem.native.strip()}\n{FENCE}\n"
    begun = "" if chat_format.thinks else f"{_BEGIN}\n{FENCE}python\n"
    return Prompt((Message("user", asked),), begun, () if chat_format.thinks else (f"\n{FENCE}\n",))


def native_output_prompt(problem: Problem, chat_format: ChatFormat) -> Prompt:
    """How LiveCodeBench asks what a function returns for an input."""
    asked = (
        f"Problem:\n{problem.statement}Function:\n{FENCE}\n{problem.native}\n{FENCE}\n"
        f"Please complete the following test case:\n\n"
        f"{FENCE}\n{problem.gold_cases[0].source} # TODO\n{FENCE}\n"
    )
    return _with_system(_OUTPUT, asked, chat_format)


def as_parsed(problem: Problem, prompt: Prompt) -> Prompt:
    """The prompt of a sample as a parser needs it: what a base model completes is part of its program."""
    task = problem.native.strip()
    if task and prompt.messages == (Message("user", task),):
        return replace(prompt, prefill=f"{task}\n")
    return prompt


def _contest_prompt(problem: Problem, chat_format: ChatFormat) -> Prompt:
    starter = problem.native
    order, code = (_WITH_STARTER, starter) if starter else (_WITHOUT_STARTER, "# YOUR CODE HERE")
    asked = (
        f"### Question:\n{problem.statement}\n\n### Format: {order}\n{FENCE}python\n{code}\n{FENCE}\n\n"
        "### Answer: (use the provided format with backticks)\n\n"
    )
    return _with_system(_CONTEST, asked, chat_format)


def _with_system(system: str, asked: str, chat_format: ChatFormat) -> Prompt:
    if chat_format.takes_system:
        return Prompt((Message("system", system), Message("user", asked)), "", ())
    return Prompt((Message("user", f"{system}\n\n{asked}"),), "", ())


def _family(problem: Problem) -> str:
    return problem.source.removesuffix("-plus").removesuffix("-public")
