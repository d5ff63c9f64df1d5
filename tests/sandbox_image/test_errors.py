"""Exceptions of a solution in a test, and of a test in a solution: in real containers they have the verdict
that they have in one process."""

from __future__ import annotations

from tasks.sandbox.pool import DockerSandbox
from tests.sandbox_image.one_process import kinds, true_of

SOLUTION = """
import json
class Mine(ValueError): pass
class Lost(OSError):
    def __init__(self, extra): super().__init__(3, "m"); self.extra = extra
def f(what):
    if what == "attribute":
        e = ValueError("x"); e.code = 5; raise e
    if what == "cause":
        try: {}["k"]
        except KeyError as e: raise Mine("wrapped") from e
    if what == "context":
        try: {}["k"]
        except KeyError: raise Mine("wrapped")
    if what == "note":
        e = ValueError("x"); e.add_note("hint"); raise e
    if what == "note of mine":
        e = Mine("x"); e.add_note("hint"); raise e
    if what == "json": json.loads("[1,")
    if what == "import": import nope_nope
    if what == "file": open("/nonexistent/x")
    if what == "name": return object().foo
    if what == "lost": raise Lost("q")
    if what == "itself":
        e = ValueError("x"); e.me = e; raise e
    if what == "group": raise ExceptionGroup("g", [ValueError("a"), ExceptionGroup("h", [KeyError("b")])])
    if what == "chain": deep(30)
def deep(n):
    if n == 0: raise KeyError("bottom")
    try: deep(n - 1)
    except Exception as e: raise Mine(str(n)) from e
def call(g):
    try: return g()
    except OSError as e: return e.args
"""
RIGHT = """
with pytest.raises(ValueError) as i:
    f('attribute')
assert i.value.code == 5

with pytest.raises(Mine) as i:
    f('cause')
assert isinstance(i.value.__cause__, KeyError) and i.value.__cause__.args == ('k',)

with pytest.raises(Mine) as i:
    f('context')
assert isinstance(i.value.__context__, KeyError) and i.value.__cause__ is None

with pytest.raises(ValueError) as i:
    f('note')
assert i.value.__notes__ == ['hint']

with pytest.raises(Mine) as i:
    f('note of mine')
assert i.value.__notes__ == ['hint']

import json
with pytest.raises(json.JSONDecodeError) as i:
    f('json')
assert i.value.pos == 3 and i.value.doc == '[1,'

with pytest.raises(ModuleNotFoundError) as i:
    f('import')
assert i.value.name == 'nope_nope'

with pytest.raises(FileNotFoundError) as i:
    f('file')
assert i.value.errno == 2 and i.value.filename == '/nonexistent/x'

with pytest.raises(AttributeError) as i:
    f('name')
assert i.value.name == 'foo'

with pytest.raises(OSError) as i:
    f('lost')
assert i.value.errno == 3 and i.value.extra == 'q'

with pytest.raises(ExceptionGroup) as i:
    f('group')
assert isinstance(i.value.exceptions[0], ValueError) and len(i.value.exceptions[1].exceptions) == 1

with pytest.raises(Mine) as i:
    f('chain')
assert isinstance(i.value.__cause__.__cause__, Mine)

def g():
    raise OSError(2, 'm')
assert call(g) == (2, 'm')

def g():
    raise RuntimeError('r') from KeyError('k')
with pytest.raises(RuntimeError):
    call(g)
""".strip().split("\n\n")
WRONG = (
    "with pytest.raises(ValueError) as i:\n    f('attribute')\nassert i.value.code == 6",
    "with pytest.raises(Mine) as i:\n    f('context')\nassert isinstance(i.value.__cause__, KeyError)",
    "with pytest.raises(ExceptionGroup) as i:\n    f('group')\nassert len(i.value.exceptions) == 1",
    "with pytest.raises(ValueError) as i:\n    f('attribute')\nassert i.value.errno == 2",
)


def test_exceptions_have_what_they_have_in_one_process(sandbox: DockerSandbox) -> None:
    found = kinds(sandbox, SOLUTION, (*RIGHT, *WRONG))
    assert [check for check, kind in zip(RIGHT, found, strict=False) if kind != "value"] == []
    assert all(true_of(SOLUTION, check) for check in RIGHT)
    assert {*found[len(RIGHT) :]} == {"exception"}
    assert not any(true_of(SOLUTION, check) for check in WRONG)


def test_an_exception_that_is_its_own_attribute_has_all_others(sandbox: DockerSandbox) -> None:
    check = "with pytest.raises(ValueError, match='x') as i:\n    f('itself')\nassert i.value.me is None"
    assert kinds(sandbox, SOLUTION, (check,)) == ["value"]
