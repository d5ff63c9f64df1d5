"""The blocks of an answer: what stands in its fences and between them, each read in the way that makes it
what is looked for, a program or tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.core.fragments import Part, read_fragments, work_for
from tasks.generation.fences import Segment, segments
from tasks.generation.readings import alternatives
from tasks.generation.reasoning import without_reasoning

Score = Callable[[Sequence[Part]], int]
"""How much of what is looked for statements have."""
# Answers in answers: JSON in a fence, with a fence in its text. Characters that are read in other ways.
_DEPTH = 2
# Of more pieces the last are read.
_PIECES = 300
_EACH = 300
# And those that a piece may always have.
_LEAST = 20_000
# A mark of a thought that is Python all the same.
_THINKS = re.compile(r"^[ \t]*\[THINK\]", re.MULTILINE)
_OTHER_LANGUAGES = {
    *("bash", "sh", "shell", "zsh", "text", "txt", "plaintext", "output", "stdout", "javascript", "js"),
    *("typescript", "ts", "java", "c", "cpp", "c++", "csharp", "cs", "go", "rust", "ruby", "php", "sql"),
    *("html", "css", "kotlin", "swift", "scala", "r", "julia", "perl", "lua", "haskell", "pseudocode"),
    *("math", "latex", "makefile", "dockerfile", "ini", "toml", "csv", "input", "mermaid"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an answer as it was understood. `skipped`: its lines that are no Python; `at_end`: whether
    its last statement ends where the answer ends; `text`: all of it, where nothing was skipped."""

    parts: tuple[Part, ...]
    skipped: tuple[str, ...] = ()
    at_end: bool = False
    text: str = ""


def read_blocks(answer: str, score: Score, one: bool) -> tuple[list[Block], bool]:
    """The blocks of an answer in their order, and whether there is more than thoughts in it.

    `one`: whether a block is enough that scores at all, as for a program; else the more the better.
    """
    text = answer.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _Reader(score, one, text).read(text)


class _Reader:
    def __init__(self, score: Score, one: bool, text: str) -> None:
        self.score, self.one, self.work = score, one, work_for(text)

    def read(self, text: str, depth: int = 0) -> tuple[list[Block], bool]:
        whole = self._block(text)
        if not whole.skipped and self.score(whole.parts) and not _THINKS.search(text):
            return [whole], True
        answer = without_reasoning(text)
        if text.strip() and not answer.strip():
            return [], False
        pieces = segments(answer)[-_PIECES:]
        # What is in another language, or output, is looked at where nothing else is found.
        usual = [piece for piece in pieces if piece.language not in _OTHER_LANGUAGES]
        found = [block for piece in usual for block in self._of_piece(piece, depth)]
        if not any(self.score(block.parts) for block in found):
            if len(pieces) > 1:
                # What looks like a fence may stand in a docstring, or in a text of JSON.
                bare = self._of_piece(Segment(answer, closed=False), depth + 1)
                if any(self.score(block.parts) for block in bare):
                    return bare, True
            others = [piece for piece in pieces if piece.language in _OTHER_LANGUAGES]
            found += [block for piece in others for block in self._of_piece(piece, depth)]
        return found, True

    def _of_piece(self, piece: Segment, depth: int) -> list[Block]:
        """A piece as it stands, or in the way to read it that scores more."""
        first = self._block(piece.text, at_end=not piece.closed)
        best, most = [first], self.score(first.parts)
        if (most and (self.one or not first.skipped)) or depth >= _DEPTH or self.work < 0:
            return best
        for other in alternatives(piece.text):
            self.work -= _EACH + sum(map(len, other.texts))
            if self.work < 0:
                break
            if other.is_answer:
                found = [block for text in other.texts for block in self.read(text, depth + 1)[0]]
            else:
                found = [self._block(text, at_end=not piece.closed) for text in other.texts]
            reached = sum(self.score(block.parts) for block in found)
            if reached > most:
                best, most = found, reached
                if self.one:
                    break
        return best

    def _block(self, text: str, at_end: bool = True) -> Block:
        found = read_fragments(text, max(_LEAST, self.work))
        self.work -= found.work
        return Block(found.parts, found.skipped, found.at_end and at_end, "" if found.skipped else text)
