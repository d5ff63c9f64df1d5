"""How a card says that its model is to be prompted: both roles' prompts, and code that asks the first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.records import Problem
from tasks.generation.prompts import DEMO, Prompt, Style, solver_prompt, verifier_prompt
from tasks.generation.sampling import FormatStatistics
from tasks.models.layouts import chatml, plain_text

_STATEMENT, _SIGNATURE = "Write a function that returns the larger of two numbers.", "def larger(a, b):"


def prompting(settings: Mapping[str, Any], chat_format: FormatStatistics | None) -> list[str]:
    """The card's section: `chat_format` is what sampling said of its own."""
    sampling = settings["sampling"]
    style = DEMO
    if chat_format:
        style = Style(chat_format.format, chat_format.prefill, chat_format.worked_example)
    problem = Problem("", _STATEMENT, "larger", _SIGNATURE, "")
    solver = solver_prompt(problem, style)
    verifier = verifier_prompt(problem, sampling["cases_per_suite"], style)
    cases = f"As verifier, asked for {sampling['cases_per_suite']} cases:"
    drawn = (
        f"Samples were drawn at temperature {settings['evaluation']['temperature']} with `top_k` "
        f"{sampling['top_k']} for the scores below."
    )
    if style.kind == "chat":
        return [
            "It was trained on two prompts and answers others worse. Both are conversations in the chat "
            "template of its tokenizer. Replace statement and signature. As solver:",
            "",
            *_shown("json", _turns(solver)),
            cases,
            "",
            *_shown("json", _turns(verifier)),
            drawn,
            "",
            *_shown("python", _code(_chat_inputs(solver, sampling), settings, ())),
        ]
    layout = plain_text if style.kind == "completion" else chatml
    texts = [layout(prompt.messages, prompt.prefill) for prompt in (solver, verifier)]
    stop = json.dumps(list(solver.stop))
    return [
        "It was trained on two prompts and answers others worse. A prompt is text, complete with its "
        "marks and the first words of the answer: apply no chat template. Replace statement and "
        "signature. As solver:",
        "",
        *_shown("text", texts[0]),
        cases,
        "",
        *_shown("text", texts[1]),
        f"An answer ends at the first of {stop}. {drawn}",
        "",
        *_shown("python", _code(_text_inputs(texts[0]), settings, solver.stop)),
    ]


def _shown(language: str, text: str) -> list[str]:
    return [f"````{language}", text, "````", ""]


def _turns(prompt: Prompt) -> str:
    turns = [{"role": turn.role, "content": turn.content} for turn in prompt.messages]
    if prompt.prefill:
        turns.append({"role": "assistant", "content": prompt.prefill})
    return json.dumps(turns, indent=1)


def _text_inputs(text: str) -> list[str]:
    return [f"prompt = {json.dumps(text)}", 'inputs = tokenizer(prompt, return_tensors="pt")']


def _chat_inputs(prompt: Prompt, sampling: Mapping[str, Any]) -> list[str]:
    turns = [{"role": turn.role, "content": turn.content} for turn in prompt.messages]
    if sampling["system"]:
        turns.insert(0, {"role": "system", "content": sampling["system"]})
    return [
        f"messages = {json.dumps(turns)}",
        "prompt = tokenizer.apply_chat_template(",
        f"    messages, tokenize=False, add_generation_prompt=True, enable_thinking={_thinks(sampling)}",
        f") + {json.dumps(prompt.prefill)}",
        'inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")',
    ]


def _thinks(sampling: Mapping[str, Any]) -> bool:
    return bool(sampling["thinking"] != "off")


def _code(inputs: Sequence[str], settings: Mapping[str, Any], stop: Sequence[str]) -> str:
    sampling = settings["sampling"]
    longest = sampling["max_solution_tokens"]
    if sampling.get("thinking", "off") != "off":
        longest += sampling["max_thought_tokens"]
    return "\n".join(
        [
            "from transformers import AutoModelForCausalLM, AutoTokenizer",
            "",
            'name = "."  # the folder, or the name on the hub',
            "tokenizer = AutoTokenizer.from_pretrained(name)",
            "model = AutoModelForCausalLM.from_pretrained(name)",
            *inputs,
            "output = model.generate(",
            f"    **inputs, max_new_tokens={longest}, do_sample=True,",
            f"    temperature={settings['evaluation']['temperature']}, top_k={sampling['top_k']},",
            *([f"    stop_strings={json.dumps(list(stop))}, tokenizer=tokenizer,"] if stop else []),
            ")",
            "print(tokenizer.decode(output[0], skip_special_tokens=True))",
        ]
    )
