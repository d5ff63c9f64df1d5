"""What tests look at beside values: what is printed, read, warned of and logged, chance, the environment and
files; in real containers it is what it is in one process with the solution."""

from __future__ import annotations

from tasks.sandbox.pool import DockerSandbox
from tests.sandbox_image.one_process import kinds

SOLUTION = """
import random, warnings, logging, os, sys
log = logging.getLogger("mine")
def hello(): print("hello"); print("err", file=sys.stderr)
def ask(): return int(input("n? ")) * 2
def deal(n): return random.sample(range(52), n)
def old(x):
    warnings.warn("old is old", DeprecationWarning); log.info("summed %s", x); return x
def env(k): return os.environ.get(k)
def lines(): return [l.strip() for l in sys.stdin]
def f(cb): print("a"); cb(); print("c")
def save(path, text):
    with open(path, 'w') as file: file.write(text)
def loud(n): print("x" * n)
"""
RIGHT = r"""
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b):
    hello()
assert b.getvalue() == 'hello\n'

from unittest.mock import patch
with patch('builtins.input', return_value='4'):
    assert ask() == 8

import io, sys
sys.stdin = io.StringIO('5\n6\n')
assert ask() == 10
assert lines() == ['6']

import random
random.seed(7)
a = deal(3)
random.seed(7)
assert deal(3) == a
random.seed(7)
assert random.sample(range(52), 3) == a
x = random.random()
random.seed(7)
random.sample(range(52), 3)
assert random.random() == x

import random
random.seed(7)
a = deal(3)
x = random.random()
random.seed(7)
assert random.sample(range(52), 3) == a
assert random.random() == x

import warnings
with warnings.catch_warnings(record=True) as w:
    warnings.simplefilter('always')
    assert old(3) == 3
assert len(w) == 1
assert issubclass(w[0].category, DeprecationWarning)
assert 'old' in str(w[0].message)

import warnings
warnings.simplefilter('error')
with pytest.raises(DeprecationWarning):
    old(3)

import unittest
c = unittest.TestCase()
with c.assertLogs('mine', level='INFO') as cm:
    old(3)
assert cm.output == ['INFO:mine:summed 3']
with c.assertWarns(DeprecationWarning):
    old(2)

import os
os.environ['K'] = 'v'
assert env('K') == 'v'

import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b):
    f(lambda: print('b'))
assert b.getvalue() == 'a\nb\nc\n'

import os, tempfile
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'a.txt')
    save(path, 'x')
    assert open(path).read() == 'x'
    os.mkdir(os.path.join(folder, 'b'))
    save(os.path.join(folder, 'b', 'c'), 'y')
    assert sorted(os.listdir(folder)) == ['a.txt', 'b']

import os, tempfile
os.chdir(tempfile.mkdtemp())
save('there.txt', 'z')
assert os.listdir() == ['there.txt']
""".strip().split("\n\n")


def test_what_is_beside_values_has_the_verdict_of_one_process(sandbox: DockerSandbox) -> None:
    found = kinds(sandbox, SOLUTION, RIGHT)
    assert [check for check, kind in zip(RIGHT, found, strict=True) if kind != "value"] == []


def test_files_in_the_working_folder_are_no_failure(sandbox: DockerSandbox) -> None:
    checks = ("save('here.txt', 'z')\nassert open('here.txt').read() == 'z'",)
    assert kinds(sandbox, SOLUTION, checks) == ["boundary"]


def test_what_a_solution_prints_is_bounded(sandbox: DockerSandbox) -> None:
    checks = (
        "for _ in range(3): hello()\nassert f(lambda: None) is None",
        "loud(70000)\nassert f(print) is None",
    )
    assert kinds(sandbox, SOLUTION, checks) == ["value", "output_limit"]
