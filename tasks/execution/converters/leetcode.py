"""LeetCodeDataset (newfacade/LeetCodeDataset, *.jsonl): `class Solution` and `check(candidate)`.

The entry point is the method's bare name. Each assertion of `check` is a case of data: linked lists and trees
are written as LeetCode writes them, as a list of values (a tree by levels, null where there is no child), and
made of the classes `ListNode` and `TreeNode` where the starter code's annotations name them. `prompt` is the
imports and classes that its grader puts in front, and is the prelude here. Where an assertion is written in
another way than the data set's own three, the whole test runs as text.
"""

from __future__ import annotations

import ast
from typing import Any

from tasks.core.fragments import parse_foreign
from tasks.core.literals import is_json, literal
from tasks.core.values import ValueFormatError
from tasks.execution.converters.base import Converted, Converter, Row, first_id

_NODES = ("list_node", "tree_node")
_SAME = ("is_same_list", "is_same_tree")


def convert(row: Row, number: int) -> Converted:
    """A row of any version (0.1 has no starter code: the annotations are those of its completion)."""
    entry_point = row["entry_point"].rpartition(".")[2]
    try:
        suite: dict[str, Any] = {"suite_id": "check", "cases": cases_of(row["test"])}
    except ValueFormatError:
        suite = {"suite_id": "check", "code": row["test"]}
    return Converted(
        {
            "problem_id": first_id(row, number, "task_id"),
            "statement": row.get("problem_description") or row.get("query") or "",
            "entry_point": entry_point,
            "prelude": row["prompt"],
            "starter_code": _starter(row, entry_point),
        },
        [suite],
        [{"solution_id": "completion", "code": row["completion"]}],
    )


def _starter(row: Row, entry_point: str) -> str:
    starter = row.get("starter_code") or ""
    return starter if entry_point in starter else row["completion"]


def cases_of(test: str) -> list[dict[str, Any]]:
    """The cases of a `check` whose assertions are all `candidate(..) == value` or `is_same_..(candidate(..),
    .._node([..]))`. Raises `ValueFormatError` where one is not."""
    checks = [node for node in parse_foreign(test).body if isinstance(node, ast.FunctionDef)]
    if len(checks) != 1 or not all(isinstance(step, ast.Assert) for step in checks[0].body):
        raise ValueFormatError("no list of assertions")
    return [_case(step.test) for step in checks[0].body if isinstance(step, ast.Assert)]


def _case(asked: ast.expr) -> dict[str, Any]:
    if isinstance(asked, ast.Compare) and len(asked.ops) == 1 and isinstance(asked.ops[0], ast.Eq):
        call, wanted = asked.left, asked.comparators[0]
    elif isinstance(asked, ast.Call) and _name(asked.func) in _SAME and len(asked.args) == 2:
        call, wanted = asked.args
    else:
        raise ValueFormatError("another assertion")
    if not isinstance(call, ast.Call) or _name(call.func) != "candidate":
        raise ValueFormatError("another call")
    return {
        "args": [_data(arg) for arg in call.args],
        "kwargs": {str(word.arg): _data(word.value) for word in call.keywords},
        "expected": _data(wanted),
    }


def _data(node: ast.expr) -> Any:
    """What an expression says, nodes as the list they are made of. Raises `ValueFormatError`."""
    if isinstance(node, ast.Call) and _name(node.func) in _NODES and len(node.args) == 1:
        return _data(node.args[0])
    if isinstance(node, ast.List):
        return [_data(item) for item in node.elts]
    value = literal(node)
    if not is_json(value):
        raise ValueFormatError("no JSON data")
    return value


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


LEETCODE = Converter(
    "leetcode",
    "LeetCodeDataset",
    frozenset({"task_id", "prompt", "completion", "entry_point", "test"}),
    convert,
)
