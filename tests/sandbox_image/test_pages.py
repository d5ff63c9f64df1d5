"""The huge pages of the supervisor: another place for the same code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox_image import pages

MOVES_ITSELF = """
import ctypes, hashlib, json
from sandbox_image import pages

def digest(at):
    return hashlib.sha256(ctypes.string_at(at, pages.HUGE_BYTES)).hexdigest()

def name_at(at):
    return next(name for start, end, _, name in pages.mappings() if start <= at < end)

blocks = [at for span in pages.code_spans() for at in pages.whole_blocks(*span)]
before = [digest(at) for at in blocks]
pages.huge_code()
pages.align_arenas()
import fractions, statistics
kept = [bytes(500) for _ in range(20000)]
pages.huge_data()
names = [name_at(at) for at in blocks]
print(json.dumps([before, [digest(at) for at in blocks], names, str(fractions.Fraction(3, 6))]))
"""


def test_code_moves_into_huge_pages_as_it_is_and_the_interpreter_goes_on() -> None:
    run = subprocess.run(
        [sys.executable, "-c", MOVES_ITSELF],
        cwd=Path(pages.__file__).parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    before, after, names, half = json.loads(run.stdout)
    assert before == after
    assert set(names) <= {""}
    assert half == "1/2"


@pytest.mark.parametrize(
    ("mappings", "spans"),
    [
        ([(0, 2, "r--p", "/a"), (2, 5, "r-xp", "/a"), (5, 6, "r--p", "/a"), (6, 7, "rw-p", "/a")], [(0, 6)]),
        # Another file, a gap, and constants without code.
        ([(0, 2, "r-xp", "/a"), (2, 3, "r--p", "/b"), (4, 5, "r-xp", "/b")], [(0, 2), (4, 5)]),
        ([(0, 9, "r--p", "/locale"), (9, 10, "r-xp", "[vdso]"), (10, 11, "r-xp", "")], []),
    ],
)
def test_a_span_is_one_file_without_gaps_that_holds_code(
    monkeypatch: pytest.MonkeyPatch, mappings: list[tuple[int, int, str, str]], spans: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(pages, "mappings", lambda: mappings)
    assert list(pages.code_spans()) == spans


def test_only_whole_blocks_are_moved() -> None:
    mib = 1 << 20
    assert list(pages.whole_blocks(1 * mib, 7 * mib)) == [2 * mib, 4 * mib]
    assert not pages.whole_blocks(1 * mib, 3 * mib)
