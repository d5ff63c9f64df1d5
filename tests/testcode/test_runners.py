"""Files that call their own tests: each test once, and nothing that is not there yet."""

from __future__ import annotations

import pytest

from tasks.execution.asked import read_text

TESTS = "N = 3\ndef test_f():\n    assert f(N) == 2\ndef test_g():\n    assert f(2) == 3\n"


@pytest.mark.parametrize(
    "runner",
    [
        "test_f()\ntest_g()",
        "if __name__ == '__main__':\n    test_f()",
        "for test in [test_f, test_g]:\n    test()",
        "tests = [test_f, test_g]\nfor test in tests:\n    try:\n        test()\n"
        "    except AssertionError as e:\n"
        "        print(e)",
        "def run_all():\n    test_f()\n    test_g()\n    print('passed')\nrun_all()",
    ],
)
def test_who_runs_the_tests_is_no_part_of_them(runner: str) -> None:
    sources = [getattr(entry, "source", entry) for entry in read_text(f"{TESTS}{runner}\n", "f")]
    assert sources == ["N = 3\nassert f(N) == 2", "assert f(2) == 3"]


def test_a_runner_that_asserts_itself_is_a_test() -> None:
    first, *_ = read_text(f"{TESTS}def check():\n    assert f(0) == 0\ncheck()\n", "f")
    assert "assert f(0) == 0" in getattr(first, "source", "")
