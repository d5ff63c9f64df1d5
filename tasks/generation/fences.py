"""An answer as the blocks in its fences and the text between them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tasks.generation.reasoning import is_thought

_LINE = re.compile(
    r"(?P<before>[ \t]*(?:>[ \t]?|[-*+•][ \t]+|\d{1,3}[.)][ \t]+)*)"
    r"(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)"
)
_INLINE = re.compile(r"(?P<before>[^`\n]*?)(?P<mark>`{3,})(?P<info>[^`\n]*)(?P<rest>`{3,}[^\n]*)?")
_CODE = re.compile(
    r"(?:\{?\.?\w*\}?[ \t]+)?((?:def|class|import|from|async|assert|lambda)[ \t].*|@\w.*|print\(.*)"
)
_QUOTES = re.compile(r"'''|\"\"\"|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?|#[^\n]*")
_ESCAPED = re.compile(r"\\.|'''|\"\"\"")
# Fences in one docstring.
_SKIPPED = 16
# Lines of one docstring.
_QUOTED = 200


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of an answer. `language`: the word behind its fence; `closed`: the answer goes on behind it."""

    text: str
    fenced: bool = False
    language: str = ""
    closed: bool = True


def segments(text: str) -> list[Segment]:
    """The pieces in their order, without those that hold nothing and those whose fence is of a thought.

    A fence in a docstring opens and closes nothing. A fence without its other half, and three marks for four,
    are understood as Markdown does not: as they are meant.
    """
    lines = text.split("\n")
    if "```" not in text and "~~~" not in text:
        return [Segment(text, closed=False)] if text.strip() else []
    longest = _longest_after(lines)
    found: list[Segment] = []
    outside: list[str] = []
    number = 0
    while number < len(lines):
        opened = _opening(lines[number])
        if opened is None:
            end = _quoted_until(lines, number)
            outside += lines[number:end]
            number = end
            continue
        before, mark, language, first = opened
        if before:
            outside.append(before)
        found.append(Segment("\n".join(outside)))
        outside = []
        if first is not None and first.endswith("```"):
            # All on one line.
            found.append(Segment(first.rstrip("`"), True, language))
            number += 1
            continue
        needed = len(mark) if longest[number + 1].get(mark[0], 0) >= len(mark) else 3
        body, after, number, closed = _block(lines, number + 1, mark[0], needed)
        block = "\n".join(([first] if first else []) + body)
        found.append(Segment(block, True, language, closed))
        if after:
            outside.append(after)
    found.append(Segment("\n".join(outside), closed=False))
    return [one for one in found if one.text.strip() and not is_thought(one.language)]


def _opening(line: str) -> tuple[str, str, str, str | None] | None:
    """What stands before a fence's opening, its mark, its language and the code on its line."""
    if "```" not in line and "~~~" not in line:
        return None
    if (found := _LINE.fullmatch(line)) is not None:
        before = ""
    elif (found := _INLINE.fullmatch(line)) is not None and not _is_open(found["before"]):
        before = found["before"]
    else:
        return None
    info, rest = found["info"].strip(), found.groupdict().get("rest") or ""
    if code := _CODE.fullmatch(info):
        return before, found["mark"], info[: code.start(1)].strip(), code[1] + rest
    if rest:
        return before, found["mark"], "", info + rest
    word = re.match(r"\{?\.?([\w+#-]*)", info)
    return before, found["mark"], word[1].lower() if word else "", None


def _block(lines: list[str], start: int, kind: str, needed: int) -> tuple[list[str], str, int, bool]:
    """The lines of a block that begins here, what follows its end on that line, the next line's number, and
    whether it was closed."""
    quote, skipped, number = "", list[int](), start
    while number < len(lines):
        line = lines[number]
        if kind * needed in line and _may_close(line, kind * needed):
            if not quote or len(skipped) >= _SKIPPED:
                break
            skipped.append(number)
        quote = _quote_after(line, quote)
        number += 1
    if skipped and (quote or len(skipped) >= _SKIPPED):
        # The quotes were no docstring's.
        number = skipped[0]
    body = lines[start:number]
    if number == len(lines):
        return body, "", number, False
    line = lines[number]
    head, _, tail = line.partition(kind * needed)
    tail = tail.lstrip(kind)
    if head.strip() and _LINE.fullmatch(line) is None:
        body = [*body, head]
    if re.fullmatch(r"[\w+#-]+[ \t]*", tail) or _CODE.fullmatch(tail):
        # The next block opens before this one was closed.
        return body, "", number, True
    return body, tail.strip(), number + 1, True


def _quoted_until(lines: list[str], number: int) -> int:
    """The number of the line behind this one, or behind the triple quotes that it opens."""
    quote = _quote_after(lines[number], "") if re.search(r"\"\"\"|'''", lines[number]) else ""
    for end in range(number + 1, min(len(lines), number + _QUOTED)) if quote else ():
        quote = _quote_after(lines[end], quote)
        if not quote:
            return end + 1
    return number + 1


def _may_close(line: str, mark: str) -> bool:
    """Whether a line begins or ends with a mark, outside of a string."""
    if line.strip().endswith(mark):
        return re.sub(r"\\.", "", line).count('"') % 2 == 0
    return _LINE.fullmatch(line) is not None


def _is_open(text: str) -> bool:
    """Whether a string is open behind a text, or JSON, as far as counting tells."""
    return re.sub(r"\\.", "", text).count('"') % 2 == 1 or text.lstrip()[:1] in ("{", "[", '"', "'")


def _quote_after(line: str, quote: str) -> str:
    """Which triple quotes are open behind a line, given those before it."""
    position = 0
    while position < len(line):
        found = (_ESCAPED if quote else _QUOTES).search(line, position)
        if found is None:
            break
        position = found.end()
        if quote:
            quote = "" if found[0] == quote else quote
        elif found[0] in ("'''", '"""'):
            quote = found[0]
    return quote


def _longest_after(lines: list[str]) -> list[dict[str, int]]:
    """For each line, and behind the last, the longest closing mark from there on, by its character."""
    longest: list[dict[str, int]] = [{}]
    for line in reversed(lines):
        found = _LINE.fullmatch(line) if "```" in line or "~~~" in line else None
        here = longest[-1]
        if found is not None and not found["info"]:
            mark = found["mark"]
            if len(mark) > here.get(mark[0], 0):
                here = {**here, mark[0]: len(mark)}
        longest.append(here)
    return longest[::-1]
