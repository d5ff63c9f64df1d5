import ast
import contextlib
import math
import tracemalloc
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox_image import plain
from tasks.core import literals, values

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=20)
    | st.complex_numbers(allow_nan=False)
)
HASHABLE = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3))
PLAIN = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.sets(HASHABLE, max_size=3)
        | st.dictionaries(HASHABLE, inner, max_size=3)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_encoding_round_trips_with_exact_types(value: object) -> None:
    back = values.decode(values.encode(value))
    assert values.behaviour_key(back) == values.behaviour_key(value)
    assert type(back) is type(value)
    assert values.encode(value).isascii()


@given(PLAIN)
def test_source_of_a_value_reads_back_as_the_value(value: object) -> None:
    source = literals.to_source(value)
    back = eval(source, {})
    assert values.behaviour_key(back) == values.behaviour_key(value)


@given(PLAIN, PLAIN)
def test_keys_are_equal_exactly_when_values_are(left: object, right: object) -> None:
    if "nan" not in repr(left) + repr(right):
        assert (values.behaviour_key(left) == values.behaviour_key(right)) == (left == right)
        assert values.text_key(values.encode(left)) == values.behaviour_key(left)


@pytest.mark.parametrize("text", ["[1, 2]", '"\\u0041"', "[" * 100_000, "9" * 100_000 + "x", "007", ""])
def test_a_text_that_no_encoder_wrote_has_the_key_of_its_value_or_none_that_a_value_has(text: str) -> None:
    try:
        value = values.decode(text)
    except values.ValueFormatError:
        with contextlib.suppress(values.ValueFormatError):
            assert values.text_key(text) == text
    else:
        assert values.text_key(text) == values.behaviour_key(value)


NUMBER_TEXTS = st.from_regex(r"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,12})?(e-?[0-9]{1,2})?", fullmatch=True)
TEXTS = st.recursive(
    NUMBER_TEXTS | st.sampled_from(["null", "true", '"a"', '{"f":"inf"}', '{"c":[0.5,1]}']),
    lambda inner: st.tuples(
        st.sampled_from(["[%s]", '{"t":[%s]}', '{"d":[[1,%s]]}']), st.lists(inner, min_size=1, max_size=3)
    ).map(lambda made: made[0] % (made[1][0] if "[[" in made[0] else ",".join(made[1]))),
    max_leaves=5,
)


@settings(max_examples=300)
@given(TEXTS)
def test_any_text_of_a_value_has_its_key(text: str) -> None:
    assert values.text_key(text) == values.behaviour_key(values.decode(text))


BUDGET = 1 << 20
ROWS = (
    st.integers(-(10**19), 10**19)
    | st.floats()
    | st.text(max_size=3)
    | st.booleans()
    | st.tuples(st.integers())
)
LONG = st.recursive(
    st.sampled_from([st.integers(), st.floats(), st.text(max_size=3), ROWS]).flatmap(
        lambda item: st.lists(item, max_size=40)
    ),
    lambda inner: st.lists(inner, max_size=20) | st.lists(inner | ROWS, min_size=17, max_size=20),
    max_leaves=30,
)


@given(PLAIN | LONG)
def test_both_ends_write_and_read_the_same_text(value: object) -> None:
    text = plain.encode(value, BUDGET)
    assert values.behaviour_key(values.decode(text)) == values.behaviour_key(value)
    assert values.behaviour_key(plain.decode(values.encode(value))) == values.behaviour_key(value)
    if "{" not in text:
        assert text == values.encode(value)


@given(LONG, st.integers(0, 400))
def test_a_list_written_in_c_costs_what_it_costs_item_by_item(value: list[object], budget: int) -> None:
    def left(size: int) -> int | None:
        encoder = plain._Encoder(budget)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plain, "_FEW", size)
            try:
                encoder.text(value, 0)
            except plain.TooLarge:
                return None
        return encoder.left

    assert left(size=0) == left(size=1_000_000)


@pytest.mark.parametrize("width", [1, 17, 1000])
def test_lists_that_hold_themselves_are_too_deep(width: int) -> None:
    ring: list[object] = []
    ring += [ring] * width
    assert plain.encode(ring, 16 * BUDGET) == plain.TOO_DEEP
    assert plain.encode([ring] * 20, 16 * BUDGET) == plain.TOO_DEEP


def test_nothing_is_copied_that_would_be_too_large() -> None:
    rows = [[0] * 6000] * 6000
    tracemalloc.start()
    with pytest.raises(plain.TooLarge):
        plain.encode(rows, BUDGET)
    assert tracemalloc.get_traced_memory()[1] < 16 * BUDGET
    tracemalloc.stop()


TUPLE, ITEM = '{"t":[%s]}', '{"d":[[1,%s]]}'


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        *((outer, inner) for outer in ("%s", ITEM) for inner in ("[%s]", "[1,%s]", TUPLE, ITEM)),
        ('{"d":[[%s,1]]}', TUPLE),
        ('{"s":[%s]}', TUPLE),
    ],
)
def test_both_ends_refuse_the_same_depth(outer: str, inner: str) -> None:
    text = "0"
    for _ in range(plain.MAX_DEPTH - (outer != "%s")):
        text = inner.replace("%s", text)
    for read in (values.decode, plain.decode):
        read(outer.replace("%s", text))
        with pytest.raises(ValueError, match="deep"):
            read(outer.replace("%s", inner.replace("%s", text)))


@given(PLAIN | LONG)
def test_only_nan_and_opaque_parts_make_a_value_unequal_to_a_copy(value: object) -> None:
    text = values.encode(value)
    # Inside a string the quotes would be escaped.
    if '{"f":"nan"}' in text:
        assert not values.equal(value, value)
        assert values.passes_nothing(text)
    else:
        assert values.equal(value, values.decode(text))


def test_equal_numbers_of_other_types_have_one_key() -> None:
    nested = [[1, {2.0: {3}}], [1.0, {2: frozenset([3])}]]
    for group in ([1, 1.0, True, complex(1)], [0, -0.0, False], nested):
        assert len({values.behaviour_key(value) for value in group}) == 1
    assert values.behaviour_key([1]) != values.behaviour_key((1,))
    assert values.behaviour_key("1") != values.behaviour_key(1)


def test_the_key_of_a_large_float_is_short_and_that_of_the_equal_integer() -> None:
    for number in (1e308, -1.7e308, 2.0**53, 2.0**1023):
        assert (
            values.behaviour_key(number)
            == values.behaviour_key(int(number))
            == values.text_key(values.encode(int(number)))
        )
        assert len(values.behaviour_key(number)) < 40
    assert values.behaviour_key(2.0**53) != values.behaviour_key(2**53 + 1)
    assert values.text_key(str(10**15)) == values.behaviour_key(1e15)


def forged(depth: int, tag: int, width: int) -> str:
    """Sets in sets whose members all share their hashes: quadratic to compare, at every level."""
    if not depth:
        return str((tag + 1) * (2**61 - 1))
    inner = (forged(depth - 1, i if i < width - 1 else width - 1 + tag, width) for i in range(width))
    return f'{{"z":[{",".join(inner)}]}}'


def test_sets_of_sets_of_equal_hashes_are_refused_at_once() -> None:
    with pytest.raises(values.ValueFormatError, match="share one hash"):
        values.decode(f'{{"s":[{",".join(forged(2, tag, 40) for tag in range(40))}]}}')
    grid = {(x, y, z) for x in (-2, -1, 0) for y in (-2, -1, 0) for z in (-2, -1, 0)}
    assert values.decode(values.encode(grid)) == grid
    steps = {((-1, a), (-2, b)) for a in (-1, -2) for b in (-1, -2)}
    assert values.decode(values.encode(steps)) == steps


def test_nan_groups_with_nan_but_satisfies_no_case() -> None:
    nan = values.decode('{"f":"nan"}')
    assert values.behaviour_key([nan]) == values.behaviour_key([math.nan])
    assert not values.equal([nan], [values.decode('{"f":"nan"}')])


def test_an_opaque_value_equals_nothing() -> None:
    opaque = values.decode('{"o":"AlwaysEqual"}')
    assert not values.equal(opaque, opaque)
    assert not values.equal([1, opaque], [1, opaque])


def test_subclasses_are_not_plain() -> None:
    class Sly(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    assert values.encode(Sly(3)) == '{"o":"Sly"}'
    assert not literals.is_plain([Sly(3)])


@given(st.text(max_size=40))
def test_decoding_hostile_text_gives_a_value_or_one_error(text: str) -> None:
    try:
        values.decode(text)
    except values.ValueFormatError:
        return


@pytest.mark.parametrize(
    "text",
    [
        '{"t":3}',
        '{"d":[[1]]}',
        '{"i":5}',
        '{"s":[[1]]}',
        '{"x":1}',
        "{}",
        "[" * 5000,
        '{"c":[1]}',
        '{"b":"zz"}',
        '{"c":[1' + "0" * 400 + ",1]}",
        '{"t":[1],"t":[2]}',
        '{"t":{"s":[1]}}',
        '{"d":{"d":[[1,2]]}}',
        '{"d":[{"t":[1,2]}]}',
        '{"d":["ab"]}',
        '{"f":{"f":"nan"}}',
        '{"f":{"i":"0x1f"}}',
        '{"i":{"b":"3132"}}',
        '{"c":{"b":"0102"}}',
        '{"c":[1,2,3]}',
        '{"c":[true,1]}',
        '{"c":{}}',
        '{"o":{"a":1}}',
        '{"o":[1]}',
    ],
)
def test_malformed_encodings_are_refused(text: str) -> None:
    with pytest.raises(values.ValueFormatError):
        values.decode(text)
    with pytest.raises(ValueError):  # noqa: PT011 - any message
        plain.decode(text)


@pytest.mark.parametrize("text", ['{"h":{"t":["list",1,"x"]}}', '{"h":["list","1","x"]}', '{"h":["list"]}'])
def test_a_malformed_digest_is_refused(text: str) -> None:
    with pytest.raises(values.ValueFormatError):
        values.decode(text)


def test_literals_include_nan_and_exclude_names() -> None:
    node = ast.parse("float('nan')", mode="eval").body
    assert math.isnan(literals.literal(node))
    with pytest.raises(values.ValueFormatError):
        literals.literal(ast.parse("x + 1", mode="eval").body)


SEQUENCES = [
    *(range(0), range(3, 3), range(3), range(0, 3, 2), range(0, 4, 2), range(2, 3), range(5, 0, -1)),
    *(range(10**30), deque(), deque([1, [2]]), deque([True, [2.0]]), [0, 1, 2], []),
]


@pytest.mark.parametrize("left", SEQUENCES, ids=repr)
def test_ranges_and_deques_are_what_they_are(left: object) -> None:
    text = values.encode(left)
    assert plain.encode(left, 999) == text
    for back in (values.decode(text), plain.decode(text)):
        assert (type(back), back) == (type(left), left)
    for right in SEQUENCES:
        assert (values.behaviour_key(left) == values.behaviour_key(right)) == (left == right)
        assert values.equal(left, right) == (left == right)
