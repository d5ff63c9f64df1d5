"""A program without what has nothing to do with its entry point: example calls, prints, what models add.

One rule for all answers: whatever can change what the entry point does stays, in its order and as it was
written: definitions that it reaches, a loop that fills a table, `memo.append(..)`, `f.cache = {}`,
`sys.setrecursionlimit(..)`, decorators; of two definitions the last, unless the first is used before. By
syntax and scopes alone (`ast`, `symtable`): nothing is run.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tasks.core.fragments import Part, parse_python
from tasks.testcode.slices import bound_names, used_names
from tasks.testcode.styles import is_foreign

# A longer program is kept as it is, but for what is dropped at sight.
MAX_PARTS = 600
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFERRED = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_IMPORTS = ast.Import | ast.ImportFrom
_SHOWS = {
    *(
        "print",
        "pprint",
        "pprint.pprint",
        "display",
        "help",
        "input",
        "exit",
        "quit",
        "sys.exit",
        "breakpoint",
    ),
    *("sys.stdout.write", "sys.stdout.flush", "sys.stderr.write", "time.sleep", "sleep", "doctest.testmod"),
    *("unittest.main", "pytest.main", "timeit.timeit", "logging.info", "logging.debug", "plt.show"),
}
_READS = {"input", "sys.stdin", "raw_input", "fileinput.input"}
# What changes neither its object nor its arguments.
_PURE = {
    *("abs", "all", "any", "ascii", "bin", "bool", "bytes", "callable", "chr", "complex", "dict", "divmod"),
    *("enumerate", "float", "format", "frozenset", "getattr", "hasattr", "hash", "hex", "id", "int"),
    *("isinstance", "issubclass", "len", "list", "max", "min", "oct", "ord", "pow", "print", "range", "repr"),
    *("reversed", "round", "set", "slice", "sorted", "str", "sum", "super", "tuple", "type", "vars", "zip"),
    *("filter", "map"),
}
_PURE_METHODS = {
    *("copy", "count", "endswith", "format", "get", "index", "isdigit", "items", "join", "keys", "lower"),
    *("most_common", "split", "splitlines", "startswith", "strip", "upper", "values", "encode", "decode"),
}
# Whoever uses these may change anything by any name.
_DYNAMIC = {"exec", "eval", "globals", "setattr", "delattr", "__import__"}
# Functions whose value is no function: `total = sum(..)` defines no entry point.
_VALUES = {
    "abs",
    "all",
    "any",
    "bool",
    "dict",
    "float",
    "input",
    "int",
    "len",
    "list",
    "max",
    "min",
    "next",
} | {*("range", "round", "set", "sorted", "str", "sum", "tuple", "print")}


@dataclass(frozen=True)
class _Facts:
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


def defines(part: Part, name: str) -> bool:
    """Whether a statement makes a function, or a class, of this name."""
    node = part.node
    if isinstance(node, _DEFINITIONS):
        # A method that lost its class is no function.
        method = not isinstance(node, ast.ClassDef) and [arg.arg for arg in node.args.args[:1]] == ["self"]
        return node.name == name and not method
    if isinstance(node, ast.ImportFrom):
        return any((a.asname or a.name) == name for a in node.names) and not is_foreign(node.module or "")
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        return named and node.value is not None and _may_be_function(node.value, name)
    if isinstance(node, ast.If | ast.Try | ast.With):
        return any(
            isinstance(inner, _DEFINITIONS | ast.Assign | ast.ImportFrom) and defines(Part(inner, ""), name)
            for field in ("body", "orelse", "finalbody", "handlers")
            for one in getattr(node, field, ())
            for inner in (one.body if isinstance(one, ast.ExceptHandler) else [one])
        )
    return False


def _may_be_function(value: ast.expr, name: str) -> bool:
    if isinstance(value, ast.IfExp):
        return _may_be_function(value.body, name) or _may_be_function(value.orelse, name)
    if isinstance(value, ast.Call):
        # The value of the entry point, or of a builtin, that someone keeps under the same name.
        called = value.func.id if isinstance(value.func, ast.Name) else ""
        return called != name and called not in _VALUES
    return isinstance(value, ast.Lambda | ast.Name | ast.Attribute)


def is_idle(part: Part) -> bool:
    """Whether a function is a stub: `pass`, `...`, a docstring, NotImplementedError."""
    if not isinstance(part.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return all(
        isinstance(step, ast.Pass)
        or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
        or (isinstance(step, ast.Raise) and "NotImplementedError" in used_names(step))
        for step in part.node.body
    )


def reduced(parts: Sequence[Part], entry_point: str) -> list[Part]:
    """The statements that can change what the entry point does, in their order (`__future__` first)."""
    parts = [part for part in parts if not _is_dropped(part.node, entry_point)]
    parts.sort(key=lambda part: not _is_future(part.node))
    if len(parts) > MAX_PARTS:
        return parts
    program = _Program(parts, entry_point)
    dead: set[int] = set()
    while True:
        kept = program.kept(dead)
        found = program.replaced(kept)
        if not found:
            return [parts[number] for number in kept]
        dead |= found


def needed_names(parts: Sequence[Part]) -> set[str]:
    """The names that statements take from outside, builtins apart; of a very long program none are known."""
    if len(parts) > MAX_PARTS:
        return set()
    facts = [_facts(part) for part in parts]
    bound = set().union(*(one.bound | one.assigns_later for one in facts)) if facts else set()
    reached = set().union(*(one.reaches for one in facts)) if facts else set()
    return {name for name in reached - bound if not hasattr(builtins, name) and name != "__name__"}


class _Program:
    def __init__(self, parts: Sequence[Part], entry_point: str) -> None:
        self.parts, self.entry_point = parts, entry_point
        self.facts = [_facts(part) for part in parts]
        self.imports: set[str] = set()
        self.defined: set[str] = set()
        self.functions: dict[str, list[_Facts]] = {}
        for part, facts in zip(parts, self.facts, strict=True):
            if isinstance(part.node, _IMPORTS):
                self.imports |= facts.bound
            elif isinstance(part.node, _DEFINITIONS):
                self.defined |= facts.bound
            if facts.reaches != facts.reads or facts.changes_later or facts.takes_input_later:
                for name in facts.bound:
                    self.functions.setdefault(name, []).append(facts)
        self.same = self._aliases()
        self.effects = [self._effects(number) for number in range(len(parts))]

    def kept(self, dead: set[int]) -> list[int]:
        """The numbers of the statements that stay, when those that are `dead` do not count."""
        kept: set[int] = set()
        needed = {self.entry_point}
        growing = True
        while growing:
            growing = False
            for number, facts in enumerate(self.facts):
                if number in kept or number in dead:
                    continue
                if facts.bound & needed or self.effects[number] & needed or "*" in self.effects[number]:
                    if self._takes_input(number):
                        continue
                    kept.add(number)
                    needed |= facts.reaches | facts.bound
                    growing = True
        return sorted(kept)

    def replaced(self, kept: Sequence[int]) -> set[int]:
        """Of the kept statements, definitions that a later one replaces before anything reads them."""
        last: dict[str, int] = {}
        found = set()
        for number in reversed(kept):
            node, facts = self.parts[number].node, self.facts[number]
            name = _single_name(node)
            if name in last:
                found.add(number)
                continue
            for read in self._read_by(number):
                last.pop(read, None)
            if name and name not in facts.reads:
                last[name] = number
        return found

    def _read_by(self, number: int) -> set[str]:
        """What a statement reads when it runs, by its own hand or by the functions it may call."""
        found, waiting = set[str](), set(self.facts[number].reads)
        if isinstance(self.parts[number].node, _IMPORTS):
            return found
        while waiting:
            found |= waiting
            functions = [facts for name in waiting for facts in self.functions.get(name, ())]
            waiting = set().union(*(facts.reaches for facts in functions)) - found if functions else set()
        return found

    def _effects(self, number: int) -> frozenset[str]:
        """The names whose objects a statement may change when it runs; "*" where it changes the process."""
        node, facts = self.parts[number].node, self.facts[number]
        if isinstance(node, _IMPORTS):
            # An import of everything may bring any name, also that of a builtin.
            star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
            known = isinstance(node, ast.ImportFrom) and not is_foreign(node.module or "")
            anything = known and (star or _is_future(node))
            return frozenset("*") if anything else frozenset()
        passed = {name for function, name in facts.passes if function != self.entry_point}
        fixed = self.defined | self.imports | {self.entry_point}
        changed = {*facts.stores} | (facts.calls - fixed) | (passed - fixed)
        changed |= {name for name in self._decorating(node) if name not in self.imports}
        if isinstance(node, ast.Expr) and isinstance(call := node.value, ast.Call):
            # A method of a function or a class, which is no example of the entry point.
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            if method and method != self.entry_point:
                changed |= facts.called_alone & (self.defined | {self.entry_point})
        if isinstance(node, ast.Expr) and _is_shown(node):
            return frozenset(self._known_as(changed))
        shows = any(isinstance(one, ast.Assert) or _is_shown(one) for one in ast.walk(node))
        if not shows or self.entry_point not in facts.reads:
            changed |= self._later(number, loops=isinstance(node, ast.For | ast.While) and not shows)
        changed = self._known_as(changed)
        if not shows and not isinstance(node, _DEFINITIONS) and self._changes_process(facts):
            changed.add("*")
        return frozenset(changed)

    def _changes_process(self, facts: _Facts) -> bool:
        """Whether a statement may change what is no name of the program: `sys.setrecursionlimit(..)`."""
        if facts.reads & _DYNAMIC:
            return True
        if facts.takes_input or "open" in facts.reads:
            return False
        if facts.reads & (self.defined | self.functions.keys() | {self.entry_point}):
            return False
        bound = self.defined | self.imports
        return any(
            name in self.imports or (name in sys.stdlib_module_names and name not in bound)
            for name in facts.stores | facts.called_alone
        )

    def _decorating(self, node: ast.stmt) -> set[str]:
        """The names that have a method which a statement's decorators use: `f` of `@f.register`."""
        decorators = node.decorator_list if isinstance(node, _DEFINITIONS) else []
        return {_root(one) for one in decorators if not isinstance(one, ast.Name)} - {""}

    def _takes_input(self, number: int) -> bool:
        """Whether a statement reads what nobody types, and has nothing else for that case."""
        if isinstance(self.parts[number].node, ast.Try | _DEFINITIONS):
            return False
        functions = (one for name in self._read_by(number) for one in self.functions.get(name, ()))
        return self.facts[number].takes_input or any(one.takes_input_later for one in functions)

    def _later(self, number: int, loops: bool) -> set[str]:
        """What the functions change that a statement may call; the entry point's own changes count where a
        loop calls it, which fills what it remembers, and not in an example."""
        node, facts = self.parts[number].node, self.facts[number]
        if isinstance(node, _DEFINITIONS) and not node.decorator_list:
            return set()
        found, changed = {self.entry_point} if not loops else set[str](), set[str]()
        waiting = set(facts.reads) - found
        while waiting:
            found |= waiting
            functions = [one for name in waiting for one in self.functions.get(name, ())]
            for one in functions:
                changed |= one.changes_later - self.imports
            waiting = set().union(*(one.reaches for one in functions)) - found if functions else set()
        return changed

    def _aliases(self) -> dict[str, frozenset[str]]:
        """The names that may stand for one object, for each of them."""
        groups: dict[str, set[str]] = {}
        objects = set().union(*(facts.bound for facts in self.facts)) if self.facts else set()
        objects -= self.defined | self.imports
        for part in self.parts:
            for targets, values in _assigned(part.node):
                joined = (targets | values) & objects
                if not targets or len(joined) < 2:
                    continue
                union = set().union(*(groups.get(name, {name}) for name in joined))
                for name in union:
                    groups[name] = union
        return {name: frozenset(group) for name, group in groups.items()}

    def _known_as(self, names: Iterable[str]) -> set[str]:
        return {other for name in names for other in self.same.get(name, (name,))} | set(names)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _single_name(node: ast.stmt) -> str:
    """The one name that a definition or an assignment gives a new value, and does nothing else."""
    if isinstance(node, _DEFINITIONS):
        return node.name
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        calls = any(isinstance(one, ast.Call | ast.NamedExpr) for one in ast.walk(node.value))
        return "" if calls else node.targets[0].id
    return ""


def _is_dropped(node: ast.stmt, entry_point: str) -> bool:
    """What is dropped at sight: it changes nothing, it is an example, or it is not run on import."""
    if isinstance(node, ast.Pass | ast.Raise | ast.Return):
        return True
    if isinstance(node, ast.Assert):
        return not any(isinstance(part, ast.NamedExpr) for part in ast.walk(node))
    if isinstance(node, ast.If):
        return "__name__" in used_names(node.test) and not node.orelse
    if isinstance(node, ast.ImportFrom):
        foreign = is_foreign(node.module or "") or node.level > 0
        return foreign and entry_point in {
            name for alias in node.names for name in (alias.name, alias.asname)
        }
    if isinstance(node, ast.Expr):
        called = node.value.func if isinstance(node.value, ast.Call) else None
        example = isinstance(called, ast.Name) and called.id == entry_point
        return example or isinstance(node.value, ast.Constant | ast.Name | ast.Compare)
    return False


def _is_shown(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return _dotted(node.value.func) in _SHOWS
    return isinstance(node, ast.Call) and _dotted(node.func) == "print"


def _dotted(node: ast.expr) -> str:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def _root(node: ast.expr) -> str:
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


def _assigned(statement: ast.stmt) -> Iterator[tuple[set[str], set[str]]]:
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


def _facts(part: Part) -> _Facts:
    known: _Facts | None = getattr(part.node, "module_facts", None)
    if known is None:
        known = _read_facts(part)
        part.node.module_facts = known  # type: ignore[attr-defined]
    return known


def _read_facts(part: Part) -> _Facts:
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
                alone.add(_root(node.value.func))
        if isinstance(node, ast.Name | ast.Attribute) and _dotted(node) in _READS:
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
        pairs = list(_assigned(part.node))
        for _ in range(3):
            changed_later |= set().union(*(values for targets, values in pairs if targets & changed_later))
    return _Facts(
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
        return {_root(node)}, none, "", none
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}, none, "", none
    if not isinstance(node, ast.Call):
        return none, none, "", none
    name, called = _dotted(node.func), none
    if name in _PURE or name.rpartition(".")[2] in _PURE_METHODS:
        return none, none, "", none
    if isinstance(node.func, ast.Attribute):
        called = {_root(node.func)}
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


def method_of_class(parts: Sequence[Part], entry_point: str) -> Part | None:
    """A function that calls the method of this name of a class that needs no arguments: as judges of contests
    call `Solution().f(..)`, on a new object each time."""
    classes = [part.node for part in parts if isinstance(part.node, ast.ClassDef)]
    classes.sort(key=lambda found: found.name == "Solution")
    for one in classes[::-1]:
        methods = {step.name: step for step in one.body if isinstance(step, ast.FunctionDef)}
        made = methods.get("__init__")
        given = len(made.args.defaults) if made else 0
        if entry_point not in methods or (made and len(made.args.args) - given > 1):
            continue
        call = f"{one.name}().{entry_point}(*args, **kwargs)"
        text = f"def {entry_point}(*args, **kwargs):\n    return {call}"
        tree = parse_python(text)
        return Part(tree.body[0], text) if tree is not None else None
    return None
