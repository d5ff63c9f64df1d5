"""LeetCode's lists and trees: what a method with nodes in its annotations gets and gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.execution.asked_problems import AskedProblem, assembled
from tasks.execution.nodes import node_wrapper

HEAD = "class Solution:\n    def f(self, x: {given}, n=0) -> {wanted}:\n{body}"


def called(
    given: str, wanted: str, body: str = "        return x\n", starter: str = ""
) -> Callable[..., Any]:
    """The entry point of a solution as it runs where all tests are data."""
    code = f"from typing import *\n{HEAD.format(given=given, wanted=wanted, body=body)}"
    problem = AskedProblem("p", "", "f", "", "execute", starter_code=starter)
    namespace: dict[str, Any] = {}
    exec(assembled(problem, code, data_alone=True), namespace)
    found: Callable[..., Any] = namespace["f"]
    return found


def full(values: list[int], shape: list[bool]) -> list[int | None]:
    """A tree by levels, a child wherever the shape has one."""
    found: list[int | None] = []
    open_places, left = 1, list(values)
    for there in shape:
        if not open_places or not left:
            break
        open_places -= 1
        found.append(left.pop() if there else None)
        open_places += 2 * there
    while found and found[-1] is None:
        found.pop()
    return found


@given(st.lists(st.integers()))
def test_a_list_comes_back_as_it_went(values: list[int]) -> None:
    assert called("Optional[ListNode]", "Optional[ListNode]")(values) == values
    assert called("'ListNode | None'", '"ListNode"')(x=values) == values


@given(st.lists(st.integers(), max_size=12), st.lists(st.booleans(), max_size=30))
def test_a_tree_comes_back_as_it_went(values: list[int], shape: list[bool]) -> None:
    tree = full(values, shape)
    tree = tree if tree and tree[0] is not None else []
    assert called("TreeNode | None", "TreeNode")(tree) == tree


def test_what_a_method_sees_are_nodes() -> None:
    length = "        k = 0\n        while x:\n            k, x = k + 1, x.next\n        return k + n\n"
    assert called("Optional[ListNode]", "int", length)([5, 6, 7], 1) == 4
    deep = (
        "        def depth(t):\n            return 1 + max(depth(t.left), depth(t.right)) if t else 0\n"
        "        return depth(x)\n"
    )
    assert called("TreeNode", "int", deep)([1, None, 2, 3]) == 3
    merged = "        return [node.val for node in x if node]\n"
    assert called("List[Optional[ListNode]]", "List[int]", merged)([[1, 2], [], [3]]) == [1, 3]
    made = "        return [ListNode(1), None]\n"
    assert called("int", "list[ListNode]", made)(0) == [[1], []]


def test_the_starter_code_says_what_a_solution_leaves_out() -> None:
    starter = HEAD.format(given="Optional[ListNode]", wanted="int", body="        ")
    bare = "class Solution:\n    def f(self, x, n=0):\n        return x.val\n"
    problem = AskedProblem("p", "", "f", "", "execute", starter_code=starter)
    namespace: dict[str, Any] = {}
    exec(assembled(problem, bare, data_alone=True), namespace)
    assert namespace["f"]([4, 5]) == 4
    # Python tests make nodes of their own.
    assert assembled(problem, bare, data_alone=False) == bare


def test_a_result_that_is_no_list_says_so() -> None:
    circle = "        x.next = x\n        return x\n"
    with pytest.raises(ValueError, match="runs in a circle"):
        called("ListNode", "ListNode", circle)([1, 2])
    twice = "        x.left = x.right\n        return x\n"
    with pytest.raises(ValueError, match="has a node twice"):
        called("TreeNode", "TreeNode", twice)([1, 2, 3])


@pytest.mark.parametrize(
    "code",
    [
        "def f(x: int): return x",
        "class ListNode: pass\ndef f(x): return x",
        "def g(x: ListNode): return x",
        "def (",
    ],
)
def test_nothing_is_wrapped_where_no_node_is_named(code: str) -> None:
    assert node_wrapper(code, "", "f") == ""
