"""Other ways to read a piece of an answer that is no Python as it stands: JSON with a field of code, a
session of the interpreter, numbered or quoted lines, escaped newlines.

Each way that applies gives texts to read instead, the likeliest first. All of it is text: nothing is run.
"""

from __future__ import annotations

import ast
import html
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tasks.core.fragments import read_fragments
from tasks.generation.reasoning import is_thought

# Texts inside one piece of JSON; JSON values in one piece, and brackets that may begin one.
_TEXTS = 200
_VALUES = 5
_STARTS = 20
# A longer line is no item of a list.
_LINE_MAX = 2000
_KEYWORD = r"(?:def|class|import|from|async|assert|with)[ \t]|@\w|class[ \t]"
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.|In \[\d*\]:|[ \t]*\.\.\.:)(?: (.*)|)")
_FIRST_PROMPT = re.compile(r"^[ \t]*(?:>>>|In \[\d*\]:)", re.MULTILINE)
_NUMBERED = re.compile(r"[ \t]*\d{1,4}(?:[:|.)│][ \t]?|[ \t]?[|│][ \t]?|[ \t]|$)(.*)")
_BULLET = re.compile(
    r"[ \t]*(?:(?:[-*+•]|\(?\d{1,3}[.):])[ \t]+)?(?:[*_]*[A-Z][\w ]{0,40}:[*_]*[ \t]+)?"
    r"(`{0,2})(.*?)\1[.,;]?[ \t]*"
)
_INLINE_CODE = re.compile(r"(?<!`)`{1,2}(assert [^`\n]+)`")
_TAGS = re.compile(r"^(?:[ \t]*</?[A-Za-z_][\w-]{0,30}(?:[ \t][^<>\n]{0,200})?>){1,5}", re.MULTILINE)
_CLOSING_TAGS = re.compile(r"(?:</[A-Za-z_][\w-]{0,30}>[ \t]*){1,5}$", re.MULTILINE)
_LABEL = re.compile(
    rf"^[ \t]*[*_#]{{0,3}}[A-Z][\w ]{{0,30}}[*_]{{0,3}}:[*_]{{0,3}}[ \t]*(?={_KEYWORD})", re.MULTILINE
)
_FIELD = re.compile(
    r'"\w{0,30}(?:code|solution|answer|program|python|content|implementation|source|tests?)\w{0,30}"'
    r'\s{0,9}:\s{0,9}"((?:[^"\\]|\\.)*)',
    re.DOTALL | re.IGNORECASE,
)
_LITERAL_LINE = re.compile(r"^[ \t]*[\[{(]", re.MULTILINE)
_ESCAPE = re.compile(r"\\([ntr\"'\\])")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_STRING = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\\[ntr]")
_SPACES = {ord("\u00a0"): " ", **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))}
_SMART = {ord("\u201c"): '"', ord("\u201d"): '"', ord("\u2018"): "'", ord("\u2019"): "'"}


@dataclass(frozen=True, slots=True)
class Alternative:
    """Texts to read instead of one. `is_answer`: each may be an answer as raw as the whole one."""

    texts: tuple[str, ...]
    is_answer: bool = False


def alternatives(text: str) -> Iterator[Alternative]:
    """Every other way to read a text that applies to it."""
    if texts := _strings(text):
        yield Alternative(tuple(texts), is_answer=True)
    if "```" in text or "~~~" in text:
        yield Alternative((text,), is_answer=True)
    for way in _LAYOUTS:
        other = way(text)
        if other is not None and other != text and other.strip():
            yield Alternative((other,))
    if re.search(r"&(?:lt|gt|quot|amp|#\d+);", text):
        yield Alternative((html.unescape(text),), is_answer=True)
    if text.count("\\n") > text.count("\n"):
        bare = text.strip().strip("\"'`")
        yield Alternative(
            (_ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), bare),), is_answer=True
        )
        # Whoever escapes newlines alone leaves those in strings as they were.
        plain = _STRING.sub(
            lambda found: _ESCAPED[found[0][1]] if found[0] in ("\\n", "\\t", "\\r") else found[0], bare
        )
        yield Alternative((plain,), is_answer=True)


def _strings(text: str) -> list[str]:
    """The texts in what is JSON, or a literal of Python, but for the thoughts among them."""
    found: list[str] = []
    for value in _values(text):
        found += _texts_in(value)
    if not found and '"' in text:
        # Cut off, or with a quote that is not escaped.
        for field in _FIELD.finditer(text):
            try:
                found.append(json.loads(f'"{field[1]}"', strict=False))
            except ValueError:
                continue
    return found[:_TEXTS]


def _values(text: str) -> Iterator[Any]:
    stripped = text.strip()
    if stripped[:1] in ("{", "[", '"', "'"):
        try:
            yield json.loads(stripped, strict=False)
            return
        except (ValueError, RecursionError):
            pass
        values = _literals(stripped)
        yield from values
        if any(values):
            return
    decoder, position, read = json.JSONDecoder(strict=False), 0, 0
    for start in islice(re.finditer(r"[\[{]", text), _STARTS):
        if start.start() < position or read == _VALUES:
            continue
        try:
            value, position = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list) and value:
            read += 1
            yield value
    if not read and _LITERAL_LINE.search(text):
        yield from _literals(text)


def _literals(text: str) -> list[Any]:
    """The values of the statements of a text that are literals of Python, prose between them left out."""
    literals = ast.Dict | ast.List | ast.Tuple | ast.Constant
    nodes = [part.node.value for part in read_fragments(text).parts if isinstance(part.node, ast.Expr)]
    return [_literal(node) for node in nodes if isinstance(node, literals)]


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _texts_in(value: Any) -> list[str]:
    """The texts of a decoded value in their order; a list of lines is one text."""
    found: list[str] = []
    waiting: list[Any] = [value]
    while waiting and len(found) < _TEXTS:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, list | tuple):
            if len(one) > 1 and all(isinstance(part, str) for part in one):
                found.append(("" if all(part.endswith("\n") for part in one[:-1]) else "\n").join(one))
            else:
                waiting += reversed(one)
        elif isinstance(one, dict) and not _is_thinking(one):
            waiting += reversed([part for name, part in one.items() if not is_thought(str(name))])
    return found


def _is_thinking(entry: dict[Any, Any]) -> bool:
    kind, role = str(entry.get("type", "")), str(entry.get("role", ""))
    return is_thought(kind) or entry.get("thought") is True or role in ("user", "system")


def _session(text: str) -> str | None:
    """What was typed at the prompts of an interpreter."""
    if _FIRST_PROMPT.search(text) is None:
        return None
    typed = [found[1] or "" for line in text.split("\n") if (found := _PROMPT.fullmatch(line))]
    return "\n".join(typed)


def _dedented(text: str) -> str | None:
    return textwrap.dedent(text.expandtabs(4))


def _indented(text: str) -> str | None:
    """The indented code of a text, moved to the margin: code without a fence, or in a list."""
    lines, found = text.expandtabs(4).split("\n"), list[str]()
    margin = -1
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if margin >= 0 and line.strip() and indent < margin:
            margin = -1
        if margin < 0 and re.match(rf" +(?:{_KEYWORD}|\w+ = )", line):
            margin = indent
        if margin >= 0:
            found.append(line[margin:])
    return "\n".join(found) if found else None


def _unquoted(text: str) -> str | None:
    lines = text.split("\n")
    if not all(line.lstrip().startswith(">") for line in lines if line.strip()):
        return None
    return "\n".join(re.sub(r"^[ \t]*>[ \t]?", "", line) for line in lines)


def _added(text: str) -> str | None:
    """What a patch adds and leaves."""
    lines = [
        line for line in text.split("\n") if not line.startswith(("+++", "---", "@@", "diff ", "index "))
    ]
    if not any(line.startswith("+") for line in lines):
        return None
    if not all(line[0] in "+- \t" for line in lines if line):
        return None
    return "\n".join(line[1:] for line in lines if not line.startswith("-"))


def _unnumbered(text: str) -> str | None:
    """Lines behind their numbers."""
    lines = [line for line in text.split("\n") if line.strip()]
    found = [_NUMBERED.fullmatch(line) for line in lines]
    if not all(found):
        return None
    return textwrap.dedent("\n".join(one[1] for one in found if one))


def _untagged(text: str) -> str | None:
    """Without XML-like tags around it and labels before it."""
    text = _CLOSING_TAGS.sub("", _TAGS.sub("", text.replace("<![CDATA[", "").replace("]]>", "")))
    return _LABEL.sub("", text)


def _respaced(text: str) -> str | None:
    """With the blanks and the tabs that Python takes."""
    return text.translate(_SPACES).expandtabs(4)


def _requoted(text: str) -> str | None:
    return text.translate(_SPACES).translate(_SMART)


def _unlisted(text: str) -> str | None:
    """Without the marks of lists, the labels and the backticks around the lines that are assertions."""
    lines = []
    for line in text.split("\n"):
        if "assert" in line and len(line) <= _LINE_MAX:
            found = _BULLET.fullmatch(line)
            inline = _INLINE_CODE.findall(line)
            if inline:
                line = "\n".join(inline)
            elif found is not None and found[2].startswith("assert") and not _is_in_block(line):
                line = found[2]
        lines.append(line)
    return "\n".join(lines)


def _is_in_block(line: str) -> bool:
    """Whether an assertion is indented and has no mark: it may stand in a function, behind its setup."""
    return line.lstrip().startswith("assert") and line[:1].isspace()


_LAYOUTS = (
    *(_session, _dedented, _untagged, _unlisted, _unquoted, _added, _unnumbered),
    *(_respaced, _requoted, _indented),
)
