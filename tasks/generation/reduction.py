"""A program without what has nothing to do with its entry point: example calls, prints, what models add.

One rule for all answers: whatever can change what the entry point does stays, in its order and as it was
written: definitions that it reaches, a loop that fills a table, `memo.append(..)`, `f.cache = {}`,
`sys.setrecursionlimit(..)`, decorators; of two definitions the last, unless the first is used before. By
syntax and scopes alone (`ast`, `symtable`): nothing is run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence

from tasks.core.fragments import Part
from tasks.generation.entry_points import MAX_PARTS
from tasks.generation.statement_facts import (
    DEFINITIONS,
    PURE_METHODS,
    Facts,
    assigned_objects,
    dotted,
    facts_of,
    root_of,
)
from tasks.testcode.names import used_names
from tasks.testcode.styles import is_foreign

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
# Whoever uses these may change anything by any name.
_DYNAMIC = {"exec", "eval", "globals", "setattr", "delattr", "__import__"}


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


class _Program:
    def __init__(self, parts: Sequence[Part], entry_point: str) -> None:
        self.parts, self.entry_point = parts, entry_point
        self.facts = [facts_of(part) for part in parts]
        self.imports: set[str] = set()
        self.defined: set[str] = set()
        self.functions: dict[str, list[Facts]] = {}
        for part, facts in zip(parts, self.facts, strict=True):
            if isinstance(part.node, _IMPORTS):
                self.imports |= facts.bound
            elif isinstance(part.node, DEFINITIONS):
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
                by_name = facts.bound and "globals" in needed
                if (
                    by_name
                    or facts.bound & needed
                    or self.effects[number] & needed
                    or "*" in self.effects[number]
                ):
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
            deleted = used_names(node) if isinstance(node, ast.Delete) else set[str]()
            for read in self._read_by(number) | deleted:
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
        if isinstance(node, ast.ClassDef):
            # A class knows those that derive from it.
            changed |= {
                root_of(one) for one in (*node.bases, *(k.value for k in node.keywords))
            } & self.defined
        if isinstance(node, ast.Expr) and _is_shown(node):
            if self.entry_point not in facts.reads:
                changed |= self._later(number, loops=False)
            return frozenset(self._known_as(changed))
        shows = any(isinstance(one, ast.Assert) or _is_shown(one) for one in ast.walk(node))
        if not shows or self.entry_point not in facts.reads:
            changed |= self._later(number, loops=isinstance(node, ast.For | ast.While) and not shows)
        changed = self._known_as(changed)
        if not shows and not isinstance(node, DEFINITIONS) and self._changes_process(facts):
            changed.add("*")
        return frozenset(changed)

    def _changes_process(self, facts: Facts) -> bool:
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
        decorators = node.decorator_list if isinstance(node, DEFINITIONS) else []
        return {root_of(one) for one in decorators if not isinstance(one, ast.Name)} - {""}

    def _takes_input(self, number: int) -> bool:
        """Whether a statement reads what nobody types, and has nothing else for that case."""
        if isinstance(self.parts[number].node, ast.Try | DEFINITIONS):
            return False
        functions = (one for name in self._read_by(number) for one in self.functions.get(name, ()))
        return self.facts[number].takes_input or any(one.takes_input_later for one in functions)

    def _later(self, number: int, loops: bool) -> set[str]:
        """What the functions change that a statement may call; the entry point's own changes count where a
        loop calls it, which fills what it remembers, and not in an example."""
        node, facts = self.parts[number].node, self.facts[number]
        if isinstance(node, DEFINITIONS) and not node.decorator_list:
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
            for targets, values in assigned_objects(part.node):
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
    if isinstance(node, DEFINITIONS):
        # A decorator may keep what it is given: `@f.register`.
        return node.name if all(_is_cache(one) for one in node.decorator_list) else ""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        calls = any(isinstance(one, ast.Call | ast.NamedExpr) for one in ast.walk(node.value))
        return "" if calls else node.targets[0].id
    return ""


def _is_cache(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return dotted(called).rpartition(".")[2] in ("cache", "lru_cache")


def _is_dropped(node: ast.stmt, entry_point: str) -> bool:
    """What is dropped at sight: it changes nothing, it is an example, or it is not run on import."""
    if isinstance(node, ast.Pass | ast.Raise | ast.Return):
        return True
    if isinstance(node, ast.Assert):
        return not any(isinstance(part, ast.NamedExpr) for part in ast.walk(node)) and not _calls_method(node)
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
        looks = isinstance(node.value, ast.Constant | ast.Name | ast.Compare) and not _calls_method(node)
        return example or looks
    return False


def _calls_method(node: ast.stmt) -> bool:
    """Whether a statement calls a method that does more than look: `assert X.pop() == 1`."""
    calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    return any(isinstance(one, ast.Attribute) and one.attr not in PURE_METHODS for one in calls)


def _is_shown(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return dotted(node.value.func) in _SHOWS
    return isinstance(node, ast.Call) and dotted(node.func) == "print"
