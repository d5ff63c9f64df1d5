"""Published data sets -> the three files of `tasks.execution.exchange`, one module a data set.

A row is recognised by its fields; the first converter that recognises the first row of a file reads all of
it."""

from __future__ import annotations

from tasks.execution.converters.acecode import ACECODE
from tasks.execution.converters.base import Converter, Row
from tasks.execution.converters.bigcodebench import BIGCODEBENCH
from tasks.execution.converters.codecontests import CODECONTESTS
from tasks.execution.converters.evalplus import EVALPLUS
from tasks.execution.converters.humaneval import HUMANEVAL
from tasks.execution.converters.input_output import INPUT_OUTPUT
from tasks.execution.converters.kodcode import KODCODE
from tasks.execution.converters.leetcode import LEETCODE
from tasks.execution.converters.livecodebench import LIVECODEBENCH
from tasks.execution.converters.mbpp import MBPP
from tasks.execution.converters.open_r1 import OPEN_R1

CONVERTERS: tuple[Converter, ...] = (
    LEETCODE,
    EVALPLUS,
    BIGCODEBENCH,
    HUMANEVAL,
    MBPP,
    LIVECODEBENCH,
    CODECONTESTS,
    INPUT_OUTPUT,
    OPEN_R1,
    KODCODE,
    ACECODE,
)


def converter_for(row: Row) -> Converter | None:
    """The converter of the data set that a row is of, None where it is of none that is known."""
    return next((converter for converter in CONVERTERS if converter.recognises(row)), None)
