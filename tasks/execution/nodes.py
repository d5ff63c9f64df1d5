"""Linked lists and binary trees as LeetCode writes them, for methods whose annotations name their classes.

A `ListNode` is the list of its values, a `TreeNode` the list of its values by levels, None where there is no
child. What a solution gets and gives is such a list in every file; here it is wrapped so that it sees nodes.
The wrapper runs beside the solution, and holds nothing that a test expects.
"""

from __future__ import annotations

import ast

from tasks.core.fragments import parse_python

CLASSES = ("ListNode", "TreeNode")
DEFINITIONS = """\
class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next


class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val = val
        self.left = left
        self.right = right


"""
_WRAPPER = """

def _flywheel_nodes(target, places, kinds, result):
    def linked(values):
        head = last = None
        for value in values:
            node = ListNode(value)
            if head is None:
                head = node
            else:
                last.next = node
            last = node
        return head

    def tree(values):
        if not values or values[0] is None:
            return None
        root = TreeNode(values[0])
        waiting, place, at = [root], 1, 0
        while at < len(waiting) and place < len(values):
            node = waiting[at]
            at += 1
            for side in ("left", "right"):
                if place < len(values) and values[place] is not None:
                    child = TreeNode(values[place])
                    setattr(node, side, child)
                    waiting.append(child)
                place += 1
        return root

    def read(value, kind):
        if kind is None:
            return value
        name, depth = kind
        if depth and isinstance(value, list):
            return [read(item, (name, depth - 1)) for item in value]
        if not depth and isinstance(value, list):
            return linked(value) if name == "ListNode" else tree(value)
        return value

    def unlinked(node):
        values, seen = [], set()
        while node is not None:
            if id(node) in seen:
                raise ValueError("the list that was returned runs in a circle")
            seen.add(id(node))
            values.append(node.val)
            node = node.next
        return values

    def levels(node):
        values, waiting, seen = [], [node], set()
        for one in waiting:
            if one is None:
                values.append(None)
                continue
            if id(one) in seen:
                raise ValueError("the tree that was returned has a node twice")
            seen.add(id(one))
            values.append(one.val)
            waiting += [one.left, one.right]
        while values and values[-1] is None:
            values.pop()
        return values

    def written(value, kind):
        name, depth = kind
        if depth:
            inner = (name, depth - 1)
            return [written(item, inner) for item in value] if isinstance(value, list) else value
        return unlinked(value) if name == "ListNode" else levels(value)

    def call(*args, **kwargs):
        given = [read(value, kinds.get(name)) for name, value in zip(places, args)]
        args = [*given, *args[len(places):]]
        kwargs = {name: read(value, kinds.get(name)) for name, value in kwargs.items()}
        value = target()(*args, **kwargs)
        return written(value, result) if result else value

    return call


"""
Kind = tuple[str, int]


def node_wrapper(code: str, starter_code: str, entry_point: str) -> str:
    """What stands behind a solution so that its entry point takes and returns lists in place of nodes; ""
    where the annotations of the starter code (of the code itself where there is none) name no node."""
    if not any(name in starter_code or name in code for name in CLASSES):
        return ""
    shown = parse_python(f"{starter_code.rstrip()}\n        pass\n") if starter_code.strip() else None
    tree, own = shown or parse_python(starter_code), parse_python(code)
    function = _function(tree, entry_point) or _function(own, entry_point)
    if function is None or own is None:
        return ""
    named = [arg for arg in (*function.args.posonlyargs, *function.args.args) if arg.arg != "self"]
    kinds = {arg.arg: kind for arg in named if (kind := _kind(arg.annotation))}
    result = _kind(function.returns)
    if not kinds and not result:
        return ""
    is_plain = any(isinstance(node, ast.FunctionDef) and node.name == entry_point for node in own.body)
    target = f"lambda function={entry_point}: function" if is_plain else f"lambda: Solution().{entry_point}"
    places = [arg.arg for arg in named]
    return f"{_WRAPPER}{entry_point} = _flywheel_nodes({target}, {places!r}, {kinds!r}, {result!r})\n"


def _function(tree: ast.Module | None, name: str) -> ast.FunctionDef | None:
    """The function of that name at the top, or in `class Solution`."""
    for node in tree.body if tree else ():
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.ClassDef) and node.name == "Solution":
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == name:
                    return part
    return None


def _kind(annotation: ast.expr | None) -> Kind | None:
    """The class of nodes that an annotation names, and in how many lists they lie; None if it names none."""
    if annotation is None:
        return None
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        tree = parse_python(annotation.value)
        inner = tree.body[0] if tree and tree.body else None
        return _kind(inner.value) if isinstance(inner, ast.Expr) else None
    if isinstance(annotation, ast.Name):
        return (annotation.id, 0) if annotation.id in CLASSES else None
    if isinstance(annotation, ast.BinOp):
        return _kind(annotation.left) or _kind(annotation.right)
    if isinstance(annotation, ast.Subscript):
        found = _kind(annotation.slice)
        is_list = ast.unparse(annotation.value).rpartition(".")[2] in ("List", "list")
        return (found[0], found[1] + 1) if found and is_list else found
    return None
