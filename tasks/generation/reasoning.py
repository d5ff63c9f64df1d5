"""What a model thought before it answered, and the marks of its chat template, taken out of an answer.

A thought is never read for code or tests, whether it was closed or not, also where the template opened it, so
that the answer has its closing mark alone. A mark in quotes is text: programs about such marks exist.
"""

from __future__ import annotations

import bisect
import re

_NAME = (
    r"(?:think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad|rationale|monologue"
    r"|inner_?(?:thoughts?|monologue)|internal_monologue|chain_of_thought|cot|seed:think|antthinking)"
)
_OPENING = re.compile(
    rf"(?<![\"'`\w])(?:<{_NAME}(?:\s[^<>\n]{{0,200}})?>|<\|{_NAME}\|>|◁{_NAME}▷|<\|channel>{_NAME}\b"
    rf"|<\|(?:begin_of_|start_)(?:thought|thinking)\|>|\[{_NAME}\])",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    rf"(?:</{_NAME}\s?>|<\|/{_NAME}\|>|◁/{_NAME}▷|<channel\|>"
    rf"|<\|end_(?:of_)?(?:thought|thinking)\|>|\[/{_NAME}\])(?![\"']|`(?!``))",
    re.IGNORECASE,
)
# The marks of Mistral's models are in capitals; in small letters they would be Python.
_BRACKETS = re.compile(r"\[/?[a-z_]+\]")
_ANSWER = re.compile(
    r"^[ \t]*(?:<(?:answer|solution|final|final_answer|response)>|<\|begin_of_solution\|>)",
    re.MULTILINE | re.IGNORECASE,
)
_ANALYSIS = re.compile(r"<\|channel\|>\s*analysis\b")
_MESSAGE_END = re.compile(r"<\|(?:end|start|return|call|channel)\|>")
_USER_TURN = re.compile(
    r"^(?:<\|im_start\|>\s*user|<\|start_header_id\|>\s*user|<start_of_turn>\s*user|<\|user\|>|<\uff5cUser\uff5c>).*",
    re.MULTILINE | re.DOTALL,
)
_TOKEN = (
    r"(?:<\|(?:im_start|start_header_id|start|channel|assistant)\|>\s{0,2}(?:assistant|model|final|commentary)?"
    r"|<start_of_turn>(?:model|assistant)?|<(?:end_of_turn|eos|bos|pad)>|</?s>|\[/?INST\]"
    r"|<\|\w{1,40}\|>|<\uff5c[^\uff5c\n]{1,40}\uff5c>)"
)
_TOKENS = re.compile(rf"^[ \t]*(?:{_TOKEN}[ \t]*){{1,8}}|(?<![\"'])(?:{_TOKEN}[ \t]*){{1,8}}$", re.MULTILINE)


def is_thought(name: str) -> bool:
    """Whether a word is what a thought is called: of a fence, a field, a type."""
    return re.fullmatch(rf"(?:redacted_)?{_NAME}(?:_content)?", name.strip(), re.IGNORECASE) is not None


def without_reasoning(text: str) -> str:
    """An answer without thoughts and without the tokens of a chat; "" where nothing else is left."""
    text = _without_analysis(text)
    if text.startswith("analysis") and "assistantfinal" in text:
        # The same marks, by a decoder that leaves special tokens out.
        text = text.rpartition("assistantfinal")[2]
    text = _USER_TURN.sub("", text, count=1) if _USER_TURN.sub("", text, count=1).strip() else text
    return _TOKENS.sub("\n", _without_thoughts(text))


def _without_analysis(text: str) -> str:
    kept, position = [], 0
    while (mark := _ANALYSIS.search(text, position)) is not None:
        kept.append(text[position : mark.start()])
        end = _MESSAGE_END.search(text, mark.end())
        position = end.start() if end else len(text)
    return "".join([*kept, text[position:]])


def _without_thoughts(text: str) -> str:
    kept: list[str] = []
    position = 0
    # Once for all openings: many that nothing closes would else read the rest of the text each.
    ends = [(one.start(), one.end()) for one in _CLOSING.finditer(text) if _is_mark(one, text)]
    starts = [start for start, _ in ends]
    for opening in _OPENING.finditer(text):
        if opening.start() < position or not _is_mark(opening, text):
            continue
        number = bisect.bisect_left(starts, opening.end())
        if number < len(ends):
            end = ends[number][1]
        elif _starts_line(opening, text):
            # It was never closed: an answer may be marked none the less.
            answer = _ANSWER.search(text, opening.end())
            end = answer.start() if answer else len(text)
        else:
            # Prose that speaks of the mark.
            break
        kept.append(text[position : opening.start()])
        position = end
    rest = "".join([*kept, "\n" if kept else "", text[position:]])
    closings = [one for one in _CLOSING.finditer(rest) if _is_mark(one, rest)]
    return rest[closings[-1].end() :] if closings else rest


def _starts_line(found: re.Match[str], text: str) -> bool:
    return not text[text.rfind("\n", 0, found.start()) + 1 : found.start()].strip()


def _is_mark(found: re.Match[str], text: str) -> bool:
    """Whether a match is a mark, and no list of Python's and no part of a string."""
    before = text[text.rfind("\n", max(0, found.start() - 500), found.start()) + 1 : found.start()][-500:]
    return not (_BRACKETS.fullmatch(found[0]) or before.count('"') % 2 or before.endswith("'"))
