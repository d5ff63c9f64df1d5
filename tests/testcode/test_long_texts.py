"""Texts of a million characters, as answers and as tests, are read in a time that grows as they do.

Measured in CPU time of this process: four times the text may take at most ten times as long.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from tasks.execution.asked import read_text
from tasks.generation.answers import bare_code

FENCE = "```"
SHAPES: dict[str, str] = {
    "one line": "word ",
    "one word": "a",
    "fences": f"{FENCE}python\nx = 1\n{FENCE}\n",
    "open fences": f"{FENCE}python\nx = 1\n",
    "lone fences": f"{FENCE}\n",
    "parentheses": "(",
    "calls of calls": "()",
    "brackets": "x = [\n",
    "quotes": "'",
    "docstrings": '"""\n',
    "escapes": "\\n",
    "thoughts": "<think>a</think>\n",
    "open thoughts": "<think>\n",
    "sessions": ">>> f(1)\n1\n",
    "functions": "def f(x):\n    return x\n\n",
    "assertions": "assert f(1) == 1\n",
    "lines that do not parse": "x = = 1\n",
    "every other line does not": "x = 1\ny = = 2\n",
    "indented": "    x = 1\n",
}
READERS: dict[str, Callable[[str], object]] = {
    "answer": lambda text: bare_code(text, "f"),
    "answered tests": lambda text: read_text(text, "f", benchmark=False),
    "tests": lambda text: read_text(text, "f"),
}
SMALL, GROWTH, MOST, NOISE_S = 8_000, 4, 10, 0.25


def taken(read: Callable[[str], object], unit: str, size: int) -> float:
    """CPU seconds of reading a text of so many characters, without garbage collection: one pass over what
    the tests before have left in memory takes longer than the text."""
    text = "f" * (unit == "()") + unit * (size // len(unit))
    gc.disable()
    try:
        begun = time.process_time()
        read(text)
        return time.process_time() - begun
    finally:
        gc.enable()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_time_grows_as_the_text_does(reader: str, shape: str) -> None:
    read, unit = READERS[reader], SHAPES[shape]
    small = min(taken(read, unit, SMALL) for _ in range(2))
    assert taken(read, unit, GROWTH * SMALL) <= MOST * small + NOISE_S


@pytest.mark.soak
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_million_characters_are_read(reader: str, shape: str) -> None:
    assert taken(READERS[reader], SHAPES[shape], 1_000_000) < 60
