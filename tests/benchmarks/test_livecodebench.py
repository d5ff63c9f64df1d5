"""LiveCodeBench: rows in its published format, written for these tests; private tests never unpickled."""

from __future__ import annotations

import base64
import gzip
import json
import os
import pickle
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.benchmarks.code import with_preamble
from tasks.benchmarks.livecodebench import (
    FILES,
    PREAMBLE,
    load_livecodebench,
    part_files,
    parts_of,
    same_output,
    same_value,
)
from tasks.benchmarks.pickled import unpacked_text
from tasks.benchmarks.reference import reference_records
from tasks.benchmarks.registry import cpu_limit, is_limited_by_call
from tasks.core import values
from tasks.core.errors import FlywheelError
from tasks.core.records import Case, Problem, Program
from tasks.evaluation.reference_runs import with_gold
from tasks.execution.verdicts import judge, plan_calls
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.evaluation import EvaluationSettings
from tasks.settings.sandbox import SandboxSettings
from tasks.testcode.suites import make_call

CASE = Case("stdin")


def packed(value: object, protocol: int = 4) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(value, protocol))).decode()


def example(text: str, output: str, kind: str) -> dict[str, str]:
    return {"input": text, "output": output, "testtype": kind}


FUNCTION = {
    "question_title": "pair",
    "question_content": "Return the two numbers, the smaller one first.",
    "platform": "leetcode",
    "question_id": "1",
    "contest_date": "2024-01-20T00:00:00",
    "starter_code": "class Solution:\n    def pair(self, xs: List[int], k: int = 0) -> List[int]:\n        ",
    "public_test_cases": json.dumps([example("[2, 1]\n0", "[1, 2]", "functional")]),
    "private_test_cases": packed(json.dumps([example("[3, 3]\n1", "[3, 3]", "functional")])),
    "metadata": json.dumps({"func_name": "pair"}),
}
STDIN = {
    "question_title": "sum",
    "question_content": "Print the sum.",
    "platform": "atcoder",
    "question_id": "abc_a",
    "contest_date": "2023-06-01T00:00:00",
    "starter_code": "",
    "public_test_cases": json.dumps([example("1 2\n", "3\n", "stdin")]),
    "private_test_cases": json.dumps([example("4 5\n", "9\n", "stdin")]),
    "metadata": "{}",
}


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, *rows: dict[str, str]) -> None:
    (folder / FILES[0]).write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(folder))


def test_both_styles_their_tests_and_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, FUNCTION, STDIN)
    function, stdin = load_livecodebench()
    assert (function.problem_id, function.signature) == ("livecodebench/1", "def pair(xs, k=0):")
    assert (stdin.entry_point, stdin.signature) == ("", "")
    assert {function.source, stdin.source} == {"livecodebench"}
    assert [len(problem.gold_cases) for problem in (function, stdin)] == [2, 2]
    assert load_livecodebench("2024-01-01") == [function]
    assert load_livecodebench("", "2023-06-01") == [stdin]
    with pytest.raises(FlywheelError, match="widen the window"):
        load_livecodebench("2025-01-01")
    with pytest.raises(FlywheelError, match="no date"):
        load_livecodebench("soon")


@pytest.mark.parametrize(
    ("release", "parts"),
    [
        ("release_v1", [1]),
        ("release_v3", [1, 2, 3]),
        ("release_latest", [1, 2, 3, 4, 5, 6]),
        ("v1", [1]),
        ("v4", [4]),
        ("v1_v3", [1, 2, 3]),
        ("v5_v6", [5, 6]),
    ],
)
def test_releases_are_made_of_the_published_parts(release: str, parts: list[int]) -> None:
    assert parts_of(release) == parts
    assert EvaluationSettings(livecodebench_release=release).livecodebench_release == release


@pytest.mark.parametrize(
    "release", ["release_v7", "v9", "v3_v1", "v0", "release_v1_v2", "6", "v1_", "latest"]
)
def test_another_release_is_refused_with_the_names_there_are(release: str) -> None:
    with pytest.raises(FlywheelError, match=r"write release_v1 to release_v6, v4 for .* v4_v6"):
        parts_of(release)


def test_releases_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    for part, row in ((1, FUNCTION), (2, STDIN)):
        (tmp_path / part_files(part)[0]).write_text(json.dumps(row) + "\n")
    with gzip.open(tmp_path / "livecodebench-v4.jsonl.gz", "wt") as file:
        print(json.dumps({**STDIN, "question_id": "abc_d", "contest_date": "2024-06-01"}), file=file)

    def loaded(release: str = "", first: str = "") -> list[str]:
        return [problem.problem_id.partition("/")[2] for problem in load_livecodebench(first, "", release)]

    assert sorted(path.name for path in tmp_path.iterdir())[1:] == ["test.jsonl", "test2.jsonl"]
    assert loaded("release_v1") == ["1"]
    assert loaded("release_v2") == loaded("v1_v2") == ["1", "abc_a"]
    assert loaded("v2") == ["abc_a"]
    assert loaded() == ["1", "abc_a", "abc_d"]
    assert loaded(first="2024-01-01") == ["1", "abc_d"]
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(FlywheelError, match=r"needs the file test3.jsonl"):
        loaded("release_v3")
    with pytest.raises(FlywheelError, match=r"test2.jsonl has no contest from 2024-06-01"):
        loaded("release_v2", "2024-06-01")


def test_the_time_of_its_own_checker_is_six_seconds_a_test() -> None:
    """Of a function too, whose tests run in one process."""
    settings = SandboxSettings()
    for name in ("livecodebench", "livecodebench-public"):
        assert (cpu_limit(name, settings), is_limited_by_call(name)) == (6, True)
    assert not is_limited_by_call("humaneval")
    problem = Problem("livecodebench/1", "", "f", "def f(x):", "livecodebench", split="test")
    _, (limit,) = with_gold([problem], settings)
    assert (limit.cpu_s, limit.each) == (6, True)


def test_public_tests_alone_are_said_in_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, {k: v for k, v in STDIN.items() if k != "private_test_cases"})
    assert [problem.source for problem in load_livecodebench()] == ["livecodebench-public"]


def verdicts(sandbox: DockerSandbox, problem: Problem, code: str) -> list[str]:
    _, (suite,) = reference_records([problem])
    plan = plan_calls([suite])
    program = Program("p", problem.preamble + code, problem.entry_point, plan.calls)
    (done,) = sandbox.run([program])
    return [judge(done.calls[plan.call_index[case.call]], case) for case in suite.cases if case.call]


def test_programs_of_both_styles_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: DockerSandbox
) -> None:
    write(tmp_path, monkeypatch, FUNCTION, STDIN)
    function, stdin = load_livecodebench()
    right = "def pair(xs: List[int], k=0):\n    return tuple(sorted(xs))\n"
    assert verdicts(sandbox, function, right) == ["pass", "pass"]
    assert verdicts(sandbox, function, "def pair(xs, k=0):\n    return xs\n") == ["fail", "pass"]
    reads = "print(sum(map(int, sys.stdin.read().split())))\n"
    assert verdicts(sandbox, stdin, reads) == ["pass", "pass"]
    main = "if __name__ == '__main__':\n    a, b = map(int, input().split())\n    print(3.0, end='')\n"
    assert verdicts(sandbox, stdin, main) == ["pass", "fail"]


# Right programs of a problem whose input is two numbers and whose output is their sum, in the forms of
# docs/benchmarks.md: Python runs them, so they pass.
FORMS = {
    "the guard is not last": "def main():\n    print(sum(map(int, input().split())))\n"
    "if __name__ == '__main__':\n    main()\ndone = True",
    "the guard is turned around": "if '__main__' == __name__:\n    print(sum(map(int, input().split())))",
    "global": "total = 0\ndef add(n):\n    global total\n    total += n\n"
    "for n in map(int, input().split()):\n    add(n)\nprint(total)",
    "globals()": "a, b = map(int, input().split())\nprint(globals()['a'] + b)",
    "exec": "exec('a, b = map(int, input().split())')\nprint(a + b)",
    "eval": "a, b = map(int, input().split())\nprint(sum(eval(name) for name in 'ab'))",
    "lines after input()": "total = sum(map(int, input().split()))\n"
    "for line in sys.stdin:\n    total += sum(map(int, line.split()))\nprint(total)",
    "read() after input()": "print(sum(map(int, input().split())) + len(sys.stdin.read().strip()))",
    "lines of the buffer": "print(sum(sum(map(int, line.split())) for line in sys.stdin.buffer))",
    "the output's buffer": "sys.stdout.buffer.write(str(sum(map(int, input().split()))).encode())",
    "stdout by name": "from sys import stdout\nstdout.write(str(sum(map(int, input().split()))))",
    "descriptors": "import os\nos.write(1, str(sum(map(int, os.read(0, 1000).split()))).encode())",
    "open(0)": "print(sum(map(int, open(0).read().split())))",
    "open by path": "print(sum(map(int, open('/dev/stdin').read().split())))",
    "quit()": "print(sum(map(int, input().split())))\nquit()",
    "stars in a try": "try:\n    from math import *\nexcept ImportError:\n    pass\n"
    "print(sum(map(int, input().split())))",
    "resource": "import resource\nprint(sum(map(int, input().split())))",
    "future": "from __future__ import annotations\nprint(sum(map(int, input().split())))",
    "a class Solution": "class Solution:\n    def __init__(self, a, b):\n        self.total = a + b\n"
    "print(Solution(*map(int, input().split())).total)",
}


def test_right_programs_pass_in_every_form(sandbox: DockerSandbox) -> None:
    calls = tuple(make_call("", [text]) for text in ("3 4\n", "10 5\n"))
    programs = [Program(name, with_preamble(PREAMBLE, code), "", calls) for name, code in FORMS.items()]
    for done in sandbox.run(programs):
        outputs = [values.decode(call.value) if call.kind == "value" else call for call in done.calls]
        right = [
            same_output(output, wanted, CASE) for output, wanted in zip(outputs, ("7", "15"), strict=True)
        ]
        assert right == [True, True], (done.program_id, outputs)


@pytest.mark.parametrize(
    ("code", "behind"),
    [
        ("x = 1\n", "import re\nx = 1\n"),
        (
            "'ä'; from __future__ import annotations; x = 1\n",
            "from __future__ import annotations\nimport re\n'ä'; pass; x = 1\n",
        ),
        (
            "from __future__ import (\n  division,\n  annotations)\nfrom __future__ import print_function\n",
            "from __future__ import division, annotations\nfrom __future__ import print_function\n"
            "import re\npass\npass\n",
        ),
        ("def f(:\n", "import re\ndef f(:\n"),
    ],
)
def test_a_preamble_comes_behind_imports_from_the_future(code: str, behind: str) -> None:
    assert with_preamble("import re\n", code) == behind
    assert with_preamble("", code) == code


def test_rules() -> None:
    assert same_value((1, 2), [1, 2], CASE)
    assert not same_value([(1,)], [[1]], CASE)
    assert same_output(" 1 2 \n3\n\n", "1 2\n3", CASE)
    assert same_output("0.10 5", "0.1 5.0", CASE)
    assert not same_output("0.1000001", "0.1", CASE)
    assert not same_output("1\n\n2", "1\n2", CASE)
    assert not same_output("yes", "Yes", CASE)
    assert not same_output(3, "3", CASE)


@given(st.text(), st.sampled_from([2, 3, 4, 5]))
def test_a_pickled_text_comes_back(text: str, protocol: int) -> None:
    assert unpacked_text(packed(text, protocol)) == text


class Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("exit 1",)


def test_anything_but_a_text_is_refused() -> None:
    for value in (Runs(), ["a"], {"a": 1}, 7, ("a", "b"), None):
        with pytest.raises(ValueError, match="a pickle of"):
            unpacked_text(packed(value))
    for text in ("????", base64.b64encode(b"plain").decode(), packed("a")[:-8] + "AAAAAA=="):
        with pytest.raises(ValueError):  # noqa: PT011 - any of several words
            unpacked_text(text)


def test_a_bad_row_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, {**FUNCTION, "private_test_cases": packed(Runs())})
    with pytest.raises(FlywheelError, match=r"problem 1 cannot be read .a pickle of more than a text"):
        load_livecodebench()
