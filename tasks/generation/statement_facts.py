"""What a top-level statement of a program has to do with names: which it binds, reads and reaches, and whose
objects it may change. By syntax and scopes alone (`ast`, `symtable`): nothing is run.
"""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.core.fragments import Part
from tasks.testcode.names import bound_names, used_names

DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFERRED = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_READS = {"input", "sys.stdin", "raw_input", "fileinput.input"}
# What changes neither its object nor its arguments.
_PURE = {
    *("abs", "all", "any", "ascii", "bin", "bool", "bytes", "callable", "chr", "complex", "dict", "divmod"),
    *("enumerate", "float", "format", "frozenset", "getattr", "hasattr", "hash", "hex", "id", "int"),
    *("isinstance", "issubclass", "len", "list", "max", "min", "oct", "ord", "pow", "print", "range", "repr"),
    *("reversed", "round", "set", "slice", "sorted", "str", "sum", "super", "tuple", "type", "vars", "zip"),
    *("filter", "map"),
}
PURE_METHODS = {
    *("copy", "count", "endswith", "format", "get", "index", "isdigit", "items", "join", "keys", "lower"),
    *("most_common", "split", "splitlines", "startswith", "strip", "upper", "values", "encode", "decode"),
}


@dataclass(frozen=True)
class Facts:
    """What a top-level statement has to do with names of the module.

    `reads` when it runs, `reaches` also by what it defines. What it may change when it runs: `stores` in an
    object, `calls` a method of it, `passes` it to a function (of that name). `called_alone`: for what the
    call does. `changes_later`: what a call of what it defines assigns or changes.
    """

    bound: frozenset[str]
    reads: frozenset[str]
    reaches: frozenset[str]
    stores: frozenset[str]
    calls: frozenset[str]
    passes: frozenset[tuple[str, str]]
    called_alone: frozenset[str]
    assigns_later: frozenset[str]
    changes_later: frozenset[str]
    takes_input: bool
    takes_input_later: bool


def dotted(node: ast.expr) -> str:
    """`a.b.c` of such an expression, else ""."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def root_of(node: ast.expr) -> str:
    """`a` of `a.b[c].d(e)`, else ""."""
    while True:
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else ""


def _handed(node: ast.expr | None) -> set[str]:
    """The names whose objects an expression hands on as they are."""
    found: set[str] = set()
    waiting = [node] if node is not None else []
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Attribute | ast.Subscript | ast.Starred | ast.NamedExpr):
            waiting.append(one.value)
        elif isinstance(one, ast.Tuple | ast.List | ast.Set):
            waiting += one.elts
        elif isinstance(one, ast.Dict):
            waiting += one.values
        elif isinstance(one, ast.IfExp):
            waiting += [one.body, one.orelse]
        elif isinstance(one, ast.BoolOp):
            waiting += one.values
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            # `rows.setdefault(..)`, `grid.values()`.
            waiting.append(one.func.value)
    return found


def assigned_objects(statement: ast.stmt) -> Iterator[tuple[set[str], set[str]]]:
    """Names that are given an object, and the names that it may have already."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Assign):
            yield set().union(*map(_handed, node.targets)), _handed(node.value)
        elif isinstance(node, ast.For):
            yield _handed(node.target), used_names(node.iter)
        elif isinstance(node, ast.With):
            for item in node.items:
                yield _handed(item.optional_vars), _handed(item.context_expr)
        elif isinstance(node, ast.NamedExpr):
            yield {node.target.id}, _handed(node.value)


def facts_of(part: Part) -> Facts:
    """Those of a statement; kept with it."""
    known: Facts | None = getattr(part.node, "module_facts", None)
    if known is None:
        known = _read_facts(part)
        part.node.module_facts = known  # type: ignore[attr-defined]
    return known


def _read_facts(part: Part) -> Facts:
    bound, reads, reaches, assigns_later = _scopes(part)
    stores, calls, passes, alone = set[str](), set[str](), set[tuple[str, str]](), set[str]()
    changed_later, takes, takes_later = set[str](), False, False
    waiting: list[tuple[ast.AST, bool]] = [(part.node, False)]
    while waiting:
        node, later = waiting.pop()
        stored, called, function, passed = _changes(node)
        if later:
            changed_later |= stored | called | passed
        else:
            stores, calls, passes = (
                stores | stored,
                calls | called,
                passes | {(function, one) for one in passed},
            )
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                alone.add(root_of(node.value.func))
        if isinstance(node, ast.Name | ast.Attribute) and dotted(node) in _READS:
            # `input = sys.stdin.readline` reads nothing yet.
            is_called = not isinstance(part.node, ast.Assign) or isinstance(part.node.value, ast.Call)
            takes, takes_later = takes or (not later and is_called), takes_later or later
        if isinstance(node, _DEFERRED):
            waiting += [(one, later) for one in _at_definition(node)]
            body = node.body if isinstance(node.body, list) else [node.body]
            waiting += [(one, True) for one in body]
        else:
            waiting += [(one, later) for one in ast.iter_child_nodes(node)]
    if changed_later:
        # Under another name too: `row = grid[0]`.
        pairs = list(assigned_objects(part.node))
        for _ in range(3):
            changed_later |= set().union(*(values for targets, values in pairs if targets & changed_later))
    return Facts(
        bound=frozenset(bound),
        reads=frozenset(reads),
        reaches=frozenset(reaches),
        stores=frozenset(stores - {""}),
        calls=frozenset(calls - {""}),
        passes=frozenset(passes),
        called_alone=frozenset(alone - {""}),
        assigns_later=frozenset(assigns_later),
        changes_later=frozenset((changed_later & reaches) | assigns_later),
        takes_input=takes,
        takes_input_later=takes_later,
    )


def _at_definition(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[ast.expr]:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return [*decorators, *node.args.defaults, *filter(None, node.args.kw_defaults)]


def _changes(node: ast.AST) -> tuple[set[str], set[str], str, set[str]]:
    """The names whose objects a node, without those below it, may change: by storing in them, by a method, or
    because it hands them to a function, which is named."""
    none = set[str]()
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return {root_of(node)}, none, "", none
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}, none, "", none
    if isinstance(node, ast.For) and any(isinstance(one, ast.Break) for one in ast.walk(node)):
        # What it leaves of an iterator is for others.
        return none, {root_of(node.iter)}, "", none
    if not isinstance(node, ast.Call):
        return none, none, "", none
    name, called = dotted(node.func), none
    if name in _PURE or name.rpartition(".")[2] in PURE_METHODS:
        # `map(rows.append, ..)` calls what it is given.
        methods = [
            one for one in node.args if isinstance(one, ast.Attribute) and one.attr not in PURE_METHODS
        ]
        return none, set(map(root_of, methods)) if name in ("map", "filter") else none, "", none
    if isinstance(node.func, ast.Attribute):
        called = {root_of(node.func)}
    handed = map(_handed, [*node.args, *(word.value for word in node.keywords)])
    return none, called, name, set().union(*handed)


def _scopes(part: Part) -> tuple[set[str], set[str], set[str], set[str]]:
    """Names of the module that a statement binds, reads when it runs, reaches at any depth, and assigns by
    functions that declare them global."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            top = symtable.symtable(part.text, "answer", "exec")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        # It parses and does not compile: whatever it may be, nothing is lost.
        used = used_names(part.node)
        return bound_names(part.node), used, used, set()
    bound, reads = set[str](), set[str]()
    for symbol in top.get_symbols():
        if symbol.is_assigned() or symbol.is_imported():
            bound.add(symbol.get_name())
        if symbol.is_referenced():
            reads.add(symbol.get_name())
    reaches, assigns_later = set(reads), set[str]()
    waiting = [(table, False) for table in top.get_children()]
    while waiting:
        table, later = waiting.pop()
        comprehension = table.get_name() in ("listcomp", "setcomp", "dictcomp", "genexpr")
        later = later or (table.get_type() == "function" and not comprehension)
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if symbol.is_global():
                reaches.add(name)
                if not later:
                    reads.add(name)
                if symbol.is_assigned() and symbol.is_declared_global():
                    assigns_later.add(name)
                    if not later:
                        bound.add(name)
        waiting += [(child, later) for child in table.get_children()]
    if isinstance(part.node, ast.AugAssign) and isinstance(part.node.target, ast.Name):
        reads.add(part.node.target.id)
        reaches.add(part.node.target.id)
    return bound, reads, reaches, assigns_later
