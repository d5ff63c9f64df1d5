"""Rows as published data sets have them, written for these tests: the layout is theirs, no text is."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """A row, its problem's id, and programs that are right and wrong for it. `suites`: how many it has;
    `own`: the ids of its own solutions that are right."""

    row: dict[str, Any]
    problem_id: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    suites: int = 1
    own: tuple[str, ...] = ()


def pickled(tests: list[dict[str, str]]) -> str:
    """Private tests as LiveCodeBench writes them."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


TRIPLE = "def triple(n):\n    return 3 * n\n"
WRONG_TRIPLE = "def triple(n):\n    return 2 * n if n > 1 else 3 * n\n"
SUM_LINE = "print(sum(map(int, input().split())))\n"
FIRST_LINE = "print(input().split()[0])\n"
HALF = "print(int(input()) / 2)\n"
ROUGH_HALF = "print(f'{int(input()) / 2:.9f}')\n"
WHOLE_HALF = "print(int(input()) // 2)\n"

HUMANEVAL = Sample(
    {
        "task_id": "HumanEval/900",
        "prompt": 'from typing import List\n\n\ndef triple(n: int) -> int:\n    """ Three times n """\n',
        "entry_point": "triple",
        "canonical_solution": "    return 3 * n\n",
        "test": "\n\nMETADATA = {'author': 'us'}\n\n\ndef check(candidate):\n"
        "    assert candidate(2) == 6\n    assert candidate(0) == 0\n",
    },
    "HumanEval/900",
    (TRIPLE,),
    (WRONG_TRIPLE,),
    own=("canonical",),
)
HUMANEVAL_PLUS = Sample(
    {
        "task_id": "HumanEval/901",
        "prompt": 'def mean(xs):\n    """ The mean of xs """\n',
        "entry_point": "mean",
        "canonical_solution": "    return sum(xs) / len(xs)\n",
        "contract": "\n    assert xs\n",
        "base_input": [[[1.0, 2.0]], [[0.1, 0.2, 0.3]]],
        "plus_input": [[[3, 4, 4]], [[0.1] * 7]],
        "atol": 0,
    },
    "HumanEval/901",
    (
        "def mean(xs):\n    import math\n    return math.fsum(xs) / len(xs)\n",
        "def mean(xs):\n    total, count = 0.0, len(xs)\n    while xs:\n        total += xs.pop()\n"
        "    return total / count\n",
    ),
    (
        "def mean(xs):\n    return sum(xs) // len(xs)\n",
        "def mean(xs):\n    return round(sum(xs) / len(xs), 3)\n",
    ),
    suites=2,
    own=("canonical",),
)
MBPP_PLUS = Sample(
    {
        "task_id": "Mbpp/2",
        "prompt": '"""\nWrite a function for what two tuples share.\nassert set(shared((1,), (1,))) == '
        '{1}\n"""\n',
        "entry_point": "similar_elements",
        "canonical_solution": "\ndef similar_elements(a, b):\n    return tuple(set(a) & set(b))\n",
        "base_input": [[[3, 4, 5, 6], [5, 7, 4, 10]]],
        "plus_input": [[[1, 2], [3, 4]], [[8, 9, 8], [8]]],
        "atol": 0,
    },
    "Mbpp/2",
    ("def similar_elements(a, b):\n    return [x for x in a if x in b]\n",),
    ("def similar_elements(a, b):\n    return tuple(a)\n",),
    suites=2,
    own=("canonical",),
)
MBPP = Sample(
    {
        "task_id": 7001,
        "text": "Write a function for the area of a disc.",
        "code": "import math\r\ndef disc(r):\r\n    return math.pi * r ** 2\r\n",
        "test_setup_code": "",
        "test_list": ["assert math.isclose(disc(1), math.pi)", "assert disc(0) == 0"],
        "challenge_test_list": ["assert disc(10) > 314"],
    },
    "7001",
    ("from math import pi\ndef disc(r):\n    return pi * r * r\n",),
    ("def disc(r):\n    return 3 * r * r\n",),
    own=("gold",),
)
SANITIZED_MBPP = Sample(
    {
        "source_file": "a notebook",
        "task_id": 7002,
        "prompt": "Write a function that triples.",
        "code": TRIPLE,
        "test_imports": ["import math"],
        "test_list": ["assert triple(2) == 6", "assert math.isclose(triple(0.5), 1.5)"],
    },
    "7002",
    (TRIPLE,),
    (WRONG_TRIPLE,),
    own=("gold",),
)
ACECODE = Sample(
    {
        "id": "ours_1",
        "source": "ours",
        "question": "Triple a number.",
        "test_cases": ["assert triple(1) == 3", "assert triple(len([1, 2])) == 6", "assert triple(-1) == -3"],
        "inferences": [
            {
                "completion": f"Here it is.\n```python\n{TRIPLE}```\n",
                "completion_id": 0,
                "model_name": "m",
                "pass_rate": 1.0,
            },
            {
                "completion": f"```python\n{WRONG_TRIPLE}```",
                "completion_id": 1,
                "model_name": "m",
                "pass_rate": 0.6,
            },
        ],
        "context_messages": [{"content": "Triple a number.", "role": "user"}],
    },
    "ours_1",
    (TRIPLE,),
    (WRONG_TRIPLE,),
    own=("m/0",),
)
KODCODE = Sample(
    {
        "style": "instruct",
        "subset": "Ours",
        "question_id": "Ours_1_I",
        "question": "Triple a number.",
        "solution": TRIPLE,
        "test": "from solution import triple\nimport pytest\n\ndef test_two():\n    assert triple(2) == 6\n\n"
        "def test_text():\n    assert triple('a') == 'aaa'\n\ndef test_none():\n"
        "    with pytest.raises(TypeError):\n        triple(None)\n",
        "test_info": [
            {
                "docstring": "",
                "function_declaration": "def triple(n):",
                "function_name": "triple",
                "parameter_list": "(n)",
            }
        ],
        "gpt_pass_sequence": [1, 1, 0],
    },
    "Ours_1_I",
    (TRIPLE,),
    (WRONG_TRIPLE, "def triple(n):\n    return n and 3 * n\n"),
    own=("gold",),
)
APPS_CALL = Sample(
    {
        "problem_id": 4001,
        "question": "Return the two ends of a list.",
        "solutions": json.dumps(["def ends(xs):\n    return [xs[0], xs[-1]]\n"]),
        "input_output": json.dumps(
            {"fn_name": "ends", "inputs": [[[1, 2, 3]], [[5]]], "outputs": [[[1, 3]], [[5, 5]]]}
        ),
        "difficulty": "introductory",
        "url": "",
        "starter_code": "def ends(xs):\n\t",
    },
    "4001",
    (
        "def ends(xs):\n    return xs[0], xs[-1]\n",
        "class Solution:\n    def ends(self, xs: List[int]):\n        return [xs[0], xs[-1]]\n",
    ),
    ("def ends(xs):\n    return [xs[0], xs[0]]\n",),
    own=("solution-0",),
)
TACO_STDIN = Sample(
    {
        "question": "Halve a number.",
        "starter_code": "",
        "input_output": json.dumps(
            {"inputs": ["3\n", "10\n", ["7"]], "outputs": ["1.5\n", "5.0\n", ["3.5"]]}
        ),
        "difficulty": "EASY",
        "raw_tags": "['Maths']",
        "solutions": json.dumps([HALF, WHOLE_HALF]),
        "name": None,
        "source": "ours",
        "skill_types": "[]",
        "url": "",
    },
    "0",
    (HALF, ROUGH_HALF),
    (WHOLE_HALF, "print(int(input()) / 2 + 0.01)\n"),
    own=("solution-0",),
)
CODECONTESTS = Sample(
    {
        "name": "1_A. Sum",
        "description": "Add the numbers of a line.",
        "source": 2,
        "public_tests": {"input": ["1 2\n"], "output": ["3\n"]},
        "private_tests": {"input": ["5 5 5\n"], "output": ["15\n"]},
        "generated_tests": {"input": ["0\n", "1 0\n"], "output": ["0\n", "1\n"]},
        "solutions": {"language": [2, 3], "solution": ["int main() {}", SUM_LINE]},
        "incorrect_solutions": {"language": [3], "solution": [FIRST_LINE]},
    },
    "1_A. Sum",
    (SUM_LINE, "print(*[sum(map(int, input().split()))], end=' \\n\\n')\n"),
    (FIRST_LINE,),
    suites=3,
    own=("solution-1",),
)
LIVECODEBENCH_STDIN = Sample(
    {
        "question_title": "Sum",
        "question_content": "Add the numbers of a line.",
        "platform": "atcoder",
        "question_id": "abc900_a",
        "contest_id": "abc900",
        "contest_date": "2024-01-01T00:00:00",
        "starter_code": "",
        "difficulty": "easy",
        "public_test_cases": json.dumps([{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}]),
        "private_test_cases": pickled([{"input": "2 2 2\n", "output": "6.0\n", "testtype": "stdin"}]),
        "metadata": "{}",
    },
    "abc900_a",
    (SUM_LINE, "print(floor(sum(map(int, input().split()))))\n"),
    (FIRST_LINE,),
    suites=2,
)
LIVECODEBENCH_CALL = Sample(
    {
        **LIVECODEBENCH_STDIN.row,
        "platform": "leetcode",
        "question_id": "3900",
        "starter_code": "class Solution:\n    def common(self, words: List[str]) -> str:\n        ",
        "public_test_cases": json.dumps(
            [{"input": '["a", "b", "a"]', "output": '"a"', "testtype": "functional"}]
        ),
        "private_test_cases": json.dumps([{"input": '["x"]', "output": '"x"', "testtype": "functional"}]),
        "metadata": json.dumps({"func_name": "common"}),
    },
    "3900",
    (
        "class Solution:\n    def common(self, words: List[str]) -> str:\n"
        "        return Counter(words).most_common(1)[0][0]\n",
        "def common(words):\n    return max(words, key=words.count)\n",
    ),
    ("class Solution:\n    def common(self, words):\n        return 'a'\n",),
    suites=2,
)
LEETCODE_PROMPT = (
    "from typing import *\nfrom collections import *\n\n\n"
    "class ListNode:\n    def __init__(self, val=0, next=None):\n"
    "        self.val = val\n        self.next = next\n\n\n"
    "def list_node(values: list):\n    return values\n\n\n"
    "class TreeNode:\n    def __init__(self, val=0, left=None, right=None):\n        self.val = val\n"
    "        self.left = left\n        self.right = right\n"
)
REVERSE = """class Solution:
    def backwards(self, head: Optional[ListNode]) -> Optional[ListNode]:
        before = None
        while head:
            head.next, before, head = before, head, head.next
        return before
"""
LEETCODE_LIST = Sample(
    {
        "task_id": "our-list-backwards",
        "question_id": 9001,
        "difficulty": "Easy",
        "tags": ["Linked List"],
        "problem_description": "Turn a list around.",
        "starter_code": "class Solution:\n"
        "    def backwards(self, head: Optional[ListNode]) -> Optional[ListNode]:\n        ",
        "prompt": LEETCODE_PROMPT,
        "completion": REVERSE,
        "entry_point": "Solution().backwards",
        "test": "def check(candidate):\n"
        "    assert is_same_list(candidate(head = list_node([1, 2, 3])), list_node([3, 2, 1]))\n"
        "    assert is_same_list(candidate(head = list_node([])), list_node([]))\n",
        "input_output": [],
    },
    "our-list-backwards",
    (REVERSE, f"# Definition.\n{LEETCODE_PROMPT}\n\n{REVERSE}"),
    (
        "class Solution:\n    def backwards(self, head):\n        return head\n",
        "class Solution:\n    def backwards(self, head):\n        head.next = head\n        return head\n",
    ),
    own=("completion",),
)
DEPTH = """class Solution:
    def mirror(self, root: 'TreeNode | None', times: int) -> Optional['TreeNode']:
        if root is None:
            return None
        left, right = self.mirror(root.left, times), self.mirror(root.right, times)
        return TreeNode(root.val * times, right, left)
"""
LEETCODE_TREE = Sample(
    {
        "task_id": "our-tree-mirror",
        "prompt": LEETCODE_PROMPT,
        "completion": DEPTH,
        "entry_point": "Solution().mirror",
        "test": "def check(candidate):\n"
        "    assert is_same_tree(candidate(root = tree_node([1, 2, 3, None, 4]), times = 2), "
        "tree_node([2, 6, 4, None, None, 8]))\n"
        "    assert is_same_tree(candidate(root = tree_node([]), times = 1), tree_node([]))\n",
        "query": "Mirror a tree.",
        "response": "",
        "input_output": [],
        "meta": {},
    },
    "our-tree-mirror",
    (DEPTH,),
    ("class Solution:\n    def mirror(self, root, times):\n        return root\n",),
    own=("completion",),
)
OPEN_R1 = Sample(
    {
        "source": "apps",
        "task_type": "verifiable_code",
        "in_source_id": "1",
        "prompt": "Add the numbers of a line.",
        "gold_standard_solution": f"```python\n{SUM_LINE}```",
        "verification_info": {
            "language": "python",
            "test_cases": [
                {"fn_name": None, "input": "1 2\n", "output": "3 \n", "type": "stdin_stdout"},
                {"fn_name": None, "input": "4\n", "output": "4\n", "type": "stdin_stdout"},
            ],
        },
        "metadata": {"difficulty": "easy"},
        "problem_id": "vfc_1",
    },
    "vfc_1",
    (SUM_LINE,),
    (FIRST_LINE,),
    own=("gold",),
)
OPEN_R1_CALL = Sample(
    {
        **OPEN_R1.row,
        "problem_id": "vfc_2",
        "gold_standard_solution": TRIPLE,
        "verification_info": json.dumps(
            {
                "language": "python",
                "test_cases": [
                    {"fn_name": "triple", "input": [2], "output": [6], "type": "function_call"},
                    {"fn_name": "triple", "input": "1", "output": "3", "type": "function_call"},
                ],
            }
        ),
    },
    "vfc_2",
    (TRIPLE,),
    (WRONG_TRIPLE,),
    own=("gold",),
)
BIGCODEBENCH = Sample(
    {
        "task_id": "BigCodeBench/9000",
        "complete_prompt": 'import json\n\n\ndef task_func(text):\n    """ The keys of an object. """\n',
        "instruct_prompt": "Write task_func.",
        "canonical_solution": "    return sorted(json.loads(text))\n",
        "code_prompt": "import json\n\n\ndef task_func(text):\n",
        "test": "import unittest\n\n\nclass TestCases(unittest.TestCase):\n    def test_keys(self):\n"
        "        self.assertEqual(task_func('{\"b\": 1, \"a\": 2}'), ['a', 'b'])\n\n    def test_bad(self):\n"
        "        with self.assertRaises(ValueError):\n            task_func('{')\n",
        "entry_point": "task_func",
        "doc_struct": "{}",
        "libs": "['json']",
    },
    "BigCodeBench/9000",
    ("import json\ndef task_func(text):\n    return sorted(json.loads(text).keys())\n",),
    ("import json\ndef task_func(text):\n    return list(json.loads(text))\n",),
    own=("canonical",),
)
SAMPLES = {name: value for name, value in vars().copy().items() if isinstance(value, Sample)}
