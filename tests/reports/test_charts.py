"""What a page of the UI shows at 1,440 pixels: the chart first and readable, counts before long texts."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from flows.reports.charts import png_of_scores
from flows.reports.iteration import dropped_reasons
from tasks.core.statistics import Interval
from tasks.datasets.preferences import PreferenceStatistics
from tasks.pipeline.artifacts import with_chart
from tasks.pipeline.plots import DPI, TEXT_PT, Panel, png_of
from tests.support.reports import nothing, report

# So wide does the page show a picture; a wider one is shrunk, and its letters with it.
PAGE_PX = 960
READABLE_PX = 12


def width(png: bytes) -> int:
    assert png.startswith(b"\x89PNG")
    return int(struct.unpack(">I", png[16:20])[0])


@examples(max_examples=5)
@given(st.integers(1, 5), st.integers(1, 6))
def test_a_chart_is_not_shrunk_and_its_letters_are_readable(panels: int, series: int) -> None:
    curves = {f"pass@1, benchmark {number} (test)": [(1.0, 2.0, 1.0, 3.0)] for number in range(series)}
    assert width(png_of([Panel("Solver", "iteration", "%", curves)] * panels)) <= PAGE_PX
    table = {
        f"benchmark {n}/dev": {f"metric {m}": Interval(0.5, 0.4, 0.6, 20) for m in range(series)}
        for n in range(panels)
    }
    assert width(png_of_scores({"before": table, "after": table})) <= PAGE_PX
    assert TEXT_PT * DPI / 72 >= READABLE_PX


def test_nothing_to_draw_is_no_picture() -> None:
    assert png_of([Panel("Solver", "iteration", "%", {"pass@1": []})]) == b""
    assert png_of_scores({"before": {}}) == b""


def test_the_chart_stands_before_the_first_section() -> None:
    text = "# Iteration 1: hold\n\nA reason.\n\n## Problems\n\nMany.\n\n## Scores\n"
    chart = "![scores](data:image/png;base64,AA==)"
    assert with_chart(text, chart) == text.replace("\n## Problems", f"\n{chart}\n\n## Problems")
    assert with_chart(text, "") == text


def test_the_count_comes_before_the_reason() -> None:
    why = "solution: won, and its problem has rows enough of others like it"
    told = report(stages={"prefer": nothing(PreferenceStatistics, dropped={why: 11})})
    (row,) = dropped_reasons(told.stages)
    assert list(row) == ["rows", "stage", "reason"]
    assert row == {"rows": 11, "stage": "prefer", "reason": why}
