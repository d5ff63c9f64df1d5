"""The same program comes out of an answer whatever stands around it, and does what it did."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable

import pytest

from tasks.generation.answers import bare_code
from tasks.generation.prompts import Refusal

# Programs of `collect(values)`; all do the same, each in another way that a careless parser would spoil.
PROGRAMS = {
    "plain": "def collect(values):\n    return sorted(set(values))",
    "import": "import operator\n\ndef collect(values):\n    return sorted(set(values), key=operator.pos)",
    "helper": "def unique(values):\n    return set(values)\n\n"
    "def collect(values):\n    return sorted(unique(values))",
    "table": "TABLE = {}\nfor number in range(20):\n    TABLE[number] = number\n\ndef collect(values):\n"
    "    return sorted({TABLE[value] for value in values})",
    "append": "keys = []\nkeys.append(lambda value: value)\n\ndef collect(values):\n"
    "    return sorted(set(values), key=keys[0])",
    "attribute": "def collect(values):\n    return collect.how(set(values))\n\ncollect.how = sorted",
    "lambda": "collect = lambda values: sorted(set(values))",
    "twice": "def collect(values):\n    return values\n\n"
    "def collect(values):\n    return sorted(set(values))",
    "decorated": "import functools\n\ndef ordered(function):\n    @functools.wraps(function)\n"
    "    def inner(values):\n        return sorted(function(values))\n    return inner\n\n"
    "@ordered\ndef collect(values):\n    return set(values)",
    "docstring": 'def collect(values):\n    """The values.\n\n    ```\n    collect([2, 1])\n'
    '    ```\n    """\n'
    "    return sorted(set(values))",
    "quotes": "def collect(values):\n    '''It isn't hard: \"sorted\".'''\n    text = \"a\\tb\\n\"\n"
    "    return sorted(set(values))[:len(text) * 99]",
    "class": "class Solution:\n    def collect(self, values):\n        return self.unique(values)\n\n"
    "    def unique(self, values):\n        return sorted(set(values))",
    "global": "order = None\n\ndef prepare():\n    global order\n    order = sorted\n\nprepare()\n\n"
    "def collect(values):\n    return order(set(values))",
}  # fmt: skip
STUB = "def collect(values):\n    ..."
USAGE = "from solution import collect\nprint(collect([1]))"
WRONG = "def collect(values):\n    return values[::-1]"


def fenced(code: str, mark: str = "```", language: str = "python") -> str:
    return f"{mark}{language}\n{code}\n{mark}"


def session(code: str) -> str:
    lines = []
    for number, line in enumerate(code.split("\n")):
        start = number == 0 or (not line.startswith((" ", ")", "]")) and line != "")
        lines.append(f">>> {line}" if start else f"... {line}".rstrip())
    return "\n".join(lines)


STYLES: dict[str, Callable[[str], str]] = {
    "bare": lambda code: code,
    "fence": fenced,
    "py": lambda code: fenced(code, language="py"),
    "no language": lambda code: fenced(code, language=""),
    "Python3": lambda code: fenced(code, language="Python3"),
    "tildes": lambda code: fenced(code, "~~~"),
    "four": lambda code: fenced(code, "````"),
    "prose": lambda code: f"Sure! Here's it:\n\n{fenced(code)}\n\nIt doesn't loop (see above).",
    "list": lambda code: "1. First, the code:\n\n" + textwrap.indent(fenced(code), "   ") + "\n\n2. Done.",
    "quoted": lambda code: "\n".join(f"> {line}" for line in fenced(code).split("\n")),
    "indented": lambda code: "The code:\n\n" + textwrap.indent(code, "    ") + "\n\nThat's it.",
    "after prose": lambda code: f"Here is the function:\n\n{code}\n\nIt sorts what it's given.",
    "no closing": lambda code: f"Code:\n```python\n{code}\n",
    "only closing": lambda code: f"{code}\n```\nThis is the answer.",
    "closed on the line": lambda code: f"```python\n{code}```",
    "tags": lambda code: f"<answer>\n{code}\n</answer>",
    "tags and fence": lambda code: f"<answer>\n{fenced(code)}\n</answer>",
    "code tag": lambda code: f"<code>{code}</code>",
    "python tag": lambda code: f"[PYTHON]\n{code}\n[/PYTHON]",
    "chat": lambda code: f"<|im_start|>assistant\n{fenced(code)}<|im_end|>",
    "turns": lambda code: f"{fenced(code)}<|im_end|>\n<|im_start|>user\n{fenced(WRONG)}",
    "final channel": lambda code: "<|channel|>analysis<|message|>Maybe\n" + fenced(WRONG)
    + f"<|end|><|start|>assistant<|channel|>final<|message|>{fenced(code)}<|return|>",
    "json": lambda code: json.dumps({"reasoning": WRONG, "code": code}),
    "json in fence": lambda code: fenced(json.dumps({"solution": code}, indent=1), language="json"),
    "json in prose": lambda code: "Here you are: " + json.dumps({"answer": code}) + "\nGood luck!",
    "json of fence": lambda code: json.dumps({"answer": f"So:\n{fenced(code)}"}),
    "json lines": lambda code: json.dumps({"code": code.split("\n")}),
    "json, cut": lambda code: json.dumps({"code": code, "explanation": "It"})[:-1],
    "dict": lambda code: repr({"code": code}),
    "typed blocks": lambda code: json.dumps(
        [{"type": "thinking", "thinking": WRONG}, {"type": "text", "text": fenced(code)}]
    ),
    "response": lambda code: json.dumps(
        {"choices": [{"message": {"role": "assistant", "reasoning_content": WRONG, "content": fenced(code)}}]}
    ),
    "tool call": lambda code: "<tool_call>\n"
    + json.dumps({"name": "submit", "arguments": json.dumps({"code": code})}) + "\n</tool_call>",
    "string": json.dumps,
    "repr": repr,
    "escaped": lambda code: json.dumps(code)[1:-1],
    "escaped in fence": lambda code: fenced(json.dumps(code)[1:-1]),
    "session": session,
    "session in fence": lambda code: fenced(session(code), language="pycon"),
    "numbered": lambda code: "\n".join(f"{n:3} {line}" for n, line in enumerate(code.split("\n"), 1)),
    "patch": lambda code: fenced("\n".join(f"+{line}" for line in code.split("\n")), language="diff"),
    "html": lambda code: f"<pre><code>{code.replace('&', '&amp;').replace('<', '&lt;')}</code></pre>",
    "windows": lambda code: fenced(code).replace("\n", "\r\n"),
    "mark of order": lambda code: f"\ufeff{code}",
    "hard spaces": lambda code: fenced(code.replace("    ", "\u00a0" * 4)),
    "main guard": lambda code: f"{code}\n\nif __name__ == '__main__':\n    print(collect(input()))",
    "examples": lambda code: f"{code}\n\nprint(collect([1]))\nassert collect([]) == []\nx = int(input())",
}  # fmt: skip
THOUGHT = f"Okay, let me try.\n{fenced(WRONG)}\nNo, that's wrong (it isn't sorted).\n\n{WRONG}\n"
DECOYS: dict[str, Callable[[str], str]] = {
    "nothing": lambda answer: answer,
    "think": lambda answer: f"<think>\n{THOUGHT}</think>\n\n{answer}",
    "thinking": lambda answer: f"<thinking>{THOUGHT}</thinking>{answer}",
    "reasoning": lambda answer: f"\n <Reasoning>\n{THOUGHT}</Reasoning>\n{answer}",
    "THINK": lambda answer: f"[THINK]{THOUGHT}[/THINK]{answer}",
    "opened by the template": lambda answer: f"{THOUGHT}</think>\n{answer}",
    "two thoughts": lambda answer: f"<thought>{THOUGHT}</thought>\n<think>{THOUGHT}</think>\n{answer}",
    "never closed, behind": lambda answer: f"{answer}\n\n<think>\n{THOUGHT}",
    "draft": lambda answer: f"First try:\n\n{fenced(WRONG)}\n\nCorrected:\n\n{answer}",
    "stub": lambda answer: f"{answer}\n\nThe skeleton was:\n\n{fenced(STUB)}",
    "usage": lambda answer: f"{answer}\n\nUsage:\n\n{fenced(USAGE)}",
    "shell": lambda answer: f"{answer}\n\n{fenced('pip install x', language='bash')}\n",
    "output": lambda answer: f"{answer}\n\nOutput:\n\n{fenced('[1, 2]', language='')}\n",
}  # fmt: skip
# An answer that is one JSON value, one string or without any fence is not followed by a block of its own.
WHOLE = (
    *("session", "numbered", "quoted", "string", "repr", "escaped", "no closing", "only closing"),
    *("turns", "mark of order", "html", "code tag"),
)
VALUES = [[3, 1, 2, 1], [], [5], [7, 7, 0]]


def behaviour(code: str) -> list[object]:
    names: dict[str, object] = {"__name__": "solution"}
    exec(compile(code, "solution", "exec"), names)
    function = names["collect"]
    assert callable(function)
    return [function(list(values)) for values in VALUES]


RIGHT = [sorted(set(values)) for values in VALUES]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_style_gives_what_the_bare_program_gives(program: str, style: str) -> None:
    code = bare_code(STYLES[style](PROGRAMS[program]), "collect")
    assert not isinstance(code, Refusal), code
    assert behaviour(code) == RIGHT
    if style not in ("windows", "hard spaces"):
        assert code == bare_code(PROGRAMS[program], "collect")


@pytest.mark.parametrize("decoy", DECOYS)
@pytest.mark.parametrize("style", [style for style in STYLES if style not in WHOLE])
def test_the_last_complete_program_behind_the_thoughts_counts(style: str, decoy: str) -> None:
    first = list(STYLES).index(style) + list(DECOYS).index(decoy)
    for program in [*PROGRAMS.values()][first % 6 :: 6]:
        code = bare_code(DECOYS[decoy](STYLES[style](program)), "collect")
        assert not isinstance(code, Refusal), code
        assert behaviour(code) == RIGHT, code


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_was_parsed_parses_to_itself(program: str) -> None:
    code = bare_code(PROGRAMS[program], "collect")
    assert isinstance(code, str)
    assert bare_code(code, "collect") == code == bare_code(fenced(code), "collect")
