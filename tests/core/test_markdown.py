from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.markdown import table

CELLS = st.text(alphabet=st.sampled_from("a|\n b"), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=4))
def test_a_table_has_a_line_a_row_and_each_cell_in_its_column(rows: list[list[str]]) -> None:
    head, rule, *lines = table(("one", "two", ""), rows)
    assert head == "| one | two |  |"
    assert rule == "|---|---|---|"
    for row, line in zip(rows, lines, strict=True):
        _, *cells, _ = re.split(r"(?<!\\)\|", line)
        assert [cell[1:-1].replace("\\|", "|") for cell in cells] == [cell.replace("\n", " ") for cell in row]


def test_a_cell_is_written_as_text() -> None:
    assert table(["n"], [[3]]) == ["| n |", "|---|", "| 3 |"]
