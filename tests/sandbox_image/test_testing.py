"""Our `pytest` names against the real ones, and in real containers."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox_image import testing
from tasks.sandbox.pool import DockerSandbox
from tests.sandbox.test_sandbox import brief, run_one

numbers = (
    st.floats()
    | st.integers(-(10**20), 10**20)
    | st.booleans()
    | st.complex_numbers()
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6)
)
near = st.floats(1 - 3e-6, 1 + 3e-6) | st.just(1.0)
scalars = numbers | st.none() | st.text(max_size=2)
tolerances = st.none() | st.floats(0, 1e-3) | st.sampled_from([-1.0, math.nan, math.inf, 0, 1, "x"])


def result(function: Any, *args: Any, **kwargs: Any) -> Any:
    """The value, or the type of the exception."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return type(error)


def compared(approx: Any, actual: Any, expected: Any, options: dict[str, Any]) -> Any:
    return result(lambda: (actual == approx(expected, **options), approx(expected, **options) != actual))


options_ = st.fixed_dictionaries({}, optional={"rel": tolerances, "abs": tolerances, "nan_ok": st.booleans()})


# pytest warns of a Decimal that meets a float tolerance; the verdict is what is compared here.
pytestmark = pytest.mark.filterwarnings("ignore:.*cannot be represented exactly as a Decimal")


@given(scalars, scalars, options_)
@example(math.inf, math.inf, {})
@example(math.nan, math.nan, {"nan_ok": True})
@example(True, 1, {})
@example(1, True, {})
@example(Decimal("0.1"), 0.1, {})
@example(0, Decimal("0.000001"), {"rel": math.nan})
@example(0, Decimal("0.000001"), {"abs": math.nan})
def test_approx_of_scalars_is_pytests(actual: Any, expected: Any, options: dict[str, Any]) -> None:
    assert compared(testing.approx, actual, expected, options) == compared(
        pytest.approx, actual, expected, options
    )


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9), near, options_)
def test_approx_near_its_edges_is_pytests(expected: Any, factor: float, options: dict[str, Any]) -> None:
    actual = expected * factor
    assert compared(testing.approx, actual, expected, options) == compared(
        pytest.approx, actual, expected, options
    )


containers = (
    st.lists(scalars, max_size=3)
    | st.lists(scalars, max_size=3).map(tuple)
    | st.dictionaries(st.sampled_from("ab"), scalars, max_size=2)
    | st.lists(st.lists(scalars, max_size=1), max_size=2)
    | st.sets(st.integers(), max_size=2)
)


@given(containers | scalars, containers, options_)
def test_approx_of_containers_is_pytests(actual: Any, expected: Any, options: dict[str, Any]) -> None:
    assert compared(testing.approx, actual, expected, options) == compared(
        pytest.approx, actual, expected, options
    )


@given(containers, options_)
def test_a_container_is_near_itself_where_pytest_says_so(expected: Any, options: dict[str, Any]) -> None:
    assert compared(testing.approx, expected, expected, options) == compared(
        pytest.approx, expected, expected, options
    )


@pytest.mark.parametrize("module", [testing, pytest], ids=["ours", "pytest"])
def test_raises_as_pytest_has_it(module: Any) -> None:
    with module.raises(ValueError, match="no+") as info:
        raise UnicodeError("nooo")
    assert info.type is UnicodeError
    assert str(info.value) == "nooo"
    assert info.match("^no")
    assert str(module.raises((KeyError, ValueError), int, "x").value).startswith("invalid literal")
    assert module.raises(TypeError, lambda match: match + None, match="no").type is TypeError
    with pytest.raises(ZeroDivisionError), module.raises(ValueError):
        raise ZeroDivisionError
    for wrong in (lambda: None, lambda: int("x")):
        with pytest.raises((AssertionError, pytest.fail.Exception)):  # noqa: SIM117
            with module.raises(ValueError, match="other"):
                wrong()
    with pytest.raises(TypeError):
        module.raises("ValueError")


CODE = """
class TooSmall(ValueError):
    pass

class Odd(Exception):
    def __init__(self, number, why):
        super().__init__(f"{number} is {why}")

class Silent(StopIteration):
    pass

class Both(KeyError, ValueError):
    pass

def f(x):
    if x < 0:
        raise TooSmall(f"{x} is too small")
    if x == 7:
        raise Odd(x, "odd")
    if x == 8:
        raise KeyError("eight")
    if x == 9:
        raise Silent
    if x == 10:
        raise UnicodeDecodeError("utf-8", b"x", 0, 1, "no reason")
    if x == 11:
        raise Both("eleven")
    return x / 3
"""


PASSING = (
    "assert f(1) == pytest.approx(0.3333333)",
    "from pytest import approx\nassert [f(1), f(2)] == approx([1 / 3, 0.66667], rel=1e-3)",
    "import pytest as pt\nassert {'a': f(3)} == pt.approx({'a': 1})",
    "import pytest\nwith pytest.raises(ValueError):\n    f(-1)",
    "with pytest.raises(ValueError, match='too small$') as info:\n    f(-1)\n"
    "assert info.type.__name__ == 'TooSmall' and '-1' in str(info.value)",
    "with pytest.raises((KeyError, TooSmall)):\n    f(-1)",
    "with pytest.raises(Odd) as info:\n    f(7)\nassert str(info.value) == '7 is odd'",
    "with pytest.raises(LookupError) as info:\n    f(8)\nassert info.value.args == ('eight',)",
    "with pytest.raises(RuntimeError):\n    all(map(f, [9]))",
    "with pytest.raises(UnicodeError):\n    f(10)",
    "with pytest.raises(KeyError):\n    f(11)",
    "with pytest.raises(ValueError):\n    f(11)",
    "pytest.raises(TypeError, f, 'x')",
    "import unittest\nself = unittest.TestCase()\nself.assertAlmostEqual(f(1), 0.333, places=3)",
    "import unittest\nself = unittest.TestCase()\n"
    "with self.assertRaisesRegex(ValueError, 'small'):\n    f(-2)",
    "import unittest\nself = unittest.TestCase()\nself.assertCountEqual([f(3), f(6)], [2, 1])",
)
FAILING = (
    "assert f(1) == pytest.approx(0.3333)",
    "assert f(1) == pytest.approx(0.3333333, abs=1e-12)",
    "with pytest.raises(ValueError):\n    f(1)",
    "with pytest.raises(TooSmall, match='large'):\n    f(-1)",
    "with pytest.raises(KeyError):\n    f(-1)",
    "with pytest.raises(ZeroDivisionError):\n    f(-1)",
    "import unittest\nself = unittest.TestCase()\nself.assertAlmostEqual(f(1), 0.34)",
)


def test_the_names_in_the_test_process(sandbox: DockerSandbox) -> None:
    outcomes = run_one(sandbox, CODE, checks=(*PASSING, *FAILING)).checks
    assert brief(outcomes[: len(PASSING)]) == ["value null"] * len(PASSING)
    assert {outcome.kind for outcome in outcomes[len(PASSING) :]} == {"exception"}


def test_nothing_of_it_is_near_the_candidate(sandbox: DockerSandbox) -> None:
    code = "def f(x):\n    try:\n        import pytest\n    except ImportError:\n        return 'none'\n"
    assert brief(run_one(sandbox, code, checks=("assert f(1) == 'none'",)).checks) == ["value null"]


def test_an_exception_at_import_is_none_that_a_test_may_expect(sandbox: DockerSandbox) -> None:
    for code in ("raise ValueError\ndef f(x):\n    return x\n", "def g(x):\n    return x\n"):
        checks = (
            "with pytest.raises(Exception):\n    f(1)",
            "try:\n    f(1)\nexcept BaseException:\n    pass\nassert True",
        )
        outcomes = run_one(sandbox, code, checks=checks).checks
        assert {(outcome.kind, outcome.loading) for outcome in outcomes} == {("exception", True)}
