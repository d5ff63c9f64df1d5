"""What is left of a program does what the program does."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.generation.answers import bare_code

PROGRAMS = {
    "functions that a decorator keeps": (
        "import functools\n@functools.singledispatch\ndef f(x):\n    return 'd'\n"
        "@f.register(int)\ndef _(x):\n    return 'i'\n@f.register(str)\ndef _(x):\n    return 's'\n",
        ["i", "s", "d"],
    ),
    "a class that tells its base": (
        "class Base:\n    names = []\n    def __init_subclass__(cls):\n"
        "        Base.names.append(cls.__name__)\n"
        "class Other(Base):\n    pass\ndef f(x):\n    return Base.names\n",
        [["Other"]] * 3,
    ),
    "a class that tells its metaclass": (
        "class Meta(type):\n    names = []\n    def __init__(cls, *args):\n"
        "        Meta.names.append(cls.__name__)\n"
        "class Other(metaclass=Meta):\n    pass\ndef f(x):\n    return Meta.names\n",
        [["Other"]] * 3,
    ),
    "what is deleted and made again": (
        "x = 5\ndel x\nx = 6\ndef f(n):\n    return n\ndel f\ndef f(n):\n    return x\n",
        [6, 6, 6],
    ),
    "printed, and done for the entry point": (
        "T = []\ndef fill(n):\n    T.append(n)\n    return n\ndef f(x):\n    return T\nprint(fill(3))\n",
        [[3]] * 3,
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("form", ["{}", "```python\n{}```", "So:\n\n```python\n{}```\n\nThat is all."])
def test_what_is_left_does_the_same(name: str, form: str) -> None:
    text, wanted = PROGRAMS[name]
    code = bare_code(form.format(text), "f")
    assert isinstance(code, str)
    space: dict[str, Any] = {}
    exec(compile(code, "<answer>", "exec"), space)
    assert [space["f"](value) for value in (1, "a", None)] == wanted


def test_an_example_of_the_entry_point_alone_is_left_out() -> None:
    text = "def g(x):\n    return x\ndef f(x):\n    return g(x)\nprint(f(3))\nprint(g(f(3)))\n"
    code = bare_code(text, "f")
    assert isinstance(code, str)
    assert "print" not in code
