"""What crosses the container's wall: the value format, written twice, and reports of hostile children."""

from __future__ import annotations

import collections
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox_image import plain
from tasks.core import values
from tasks.sandbox.program_run import read_report

ENDED = {"end": "exit", "by": "candidate", "code": 0, "cpu_ms": 1.0, "wall_ms": 1.0, "peak_kb": 1, "bytes": 0}

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary()
)
# Deferred for their short names: Hypothesis writes a strategy out in full in its messages.
hashables: st.SearchStrategy[Any] = st.deferred(
    lambda: scalars | st.lists(hashables, max_size=3).map(tuple) | st.frozensets(hashables, max_size=3)
)
plain_values: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        hashables
        | st.lists(plain_values, max_size=4)
        | st.lists(plain_values, max_size=4).map(tuple)
        | st.sets(hashables, max_size=4)
        | st.dictionaries(hashables, plain_values, max_size=3)
    )
)


@given(plain_values)
def test_both_encoders_write_the_same_text(value: Any) -> None:
    text = values.encode(value)
    assert plain.encode(value, 1 << 20) == text
    assert plain.encode(plain.decode(text), 1 << 20) == text
    assert values.encode(values.decode(text)) == text


def test_known_containers_are_read_as_their_base_type() -> None:
    class Sly(dict):  # type: ignore[type-arg]
        pass

    ordered = collections.OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    counted = plain.encode(collections.Counter("aab"), 999)
    assert values.decode(counted) == {"a": 2, "b": 1}
    assert plain.decode(counted).most_common(1) == [("a", 2)]
    table = plain.encode(collections.defaultdict(int, x=1), 999)
    assert values.decode(table) == {"x": 1}
    assert plain.decode(table)["y"] == 0
    assert values.behaviour_key(values.decode(plain.encode(ordered, 999))) == values.behaviour_key(
        {"a": 1, "b": 2}
    )
    assert plain.decode(plain.encode(ordered, 999)) != collections.OrderedDict(a=1, b=2)
    assert plain.encode(collections.deque([1, 2]), 999) == values.encode(collections.deque([1, 2]))
    assert plain.encode([Sly(), iter([])], 999) == '[{"o":"Sly"},{"o":"list_iterator"}]'


def test_large_integers_and_budgets() -> None:
    large = -(7**6000)
    assert plain.encode(large, 1 << 20) == values.encode(large)
    assert plain.decode(values.encode(large)) == large
    for value in ("x" * 100, list(range(50)), 10**5000, b"x" * 60, {"a" * 50: "b" * 50}, ["\u00e9" * 20]):
        with pytest.raises(plain.TooLarge):
            plain.encode(value, 99)


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:0123456789-evaluo\n').map(str.encode))
def test_hostile_reports_are_outcomes(data: bytes) -> None:
    outcomes, whole = read_report(b'[-1,"ready","","",0.0,0.0]\n' + data, ENDED, 3, 1 << 20)
    assert 1 <= len(outcomes) <= 3
    assert whole == (len(outcomes) == 3 and outcomes[-1].kind != "no_result")
    for outcome in outcomes:
        if outcome.kind == "value":
            values.decode(outcome.value)


@pytest.mark.parametrize(
    "record",
    [
        b'[0,"value","{\\"f\\":1' + b"0" * 400 + b'}","",0.0,0.0]',
        b'[0,"value","nonsense","",0.0,0.0]',
        b'[0,"value","\\"\\u00e9\\"","",0.0,0.0]',
        b'[1,"value","1","",0.0,0.0]',
        b'[0,"fault","1","",0.0,0.0]',
        b'[0,"value","1","",NaN,0.0]',
        b'[0,"value","1","",0.0]',
        b"[" * 100_000,
        b'[0,"value",' + b"9" * 100_000 + b',"",0.0,0.0]',
    ],
)
def test_malformed_records_are_no_result(record: bytes) -> None:
    outcomes, whole = read_report(b'[-1,"ready","","",0.0,0.0]\n' + record + b"\n", ENDED, 2, 1 << 20)
    assert [outcome.kind for outcome in outcomes] == ["no_result"]
    assert not whole


def test_a_report_of_more_than_a_program_may_give_out_is_forged() -> None:
    record = b'[%d,"value","\\"' + b"a" * 300 + b'\\"","",0.0,0.0]\n'
    data = b'[-1,"ready","","",0.0,0.0]\n' + b"".join(record % index for index in range(4))
    outcomes, whole = read_report(data, ENDED, 4, 1000)
    assert [outcome.kind for outcome in outcomes] == ["value"] * 3 + ["no_result"]
    assert not whole
    assert read_report(data, ENDED, 4, 2000)[1]


def test_what_a_program_says_bears_no_addresses() -> None:
    record = b'[0,"exception","ValueError","no <map object at 0x7f06b32f0c10>",0.0,0.0]\n'
    data = b'[-1,"ready","","",0.0,0.0]\n' + record
    (outcome,), _ = read_report(data, ENDED, 1, 99)
    assert outcome.detail == "no <map object at 0x..>"
