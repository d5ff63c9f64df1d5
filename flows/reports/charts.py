"""Charts of scores as PNG: what a model reached before and after, by benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.core.statistics import Scores, with_bounds
from tasks.evaluation.metrics import COUNTS
from tasks.pipeline.plots import TEXT_PT, TITLE_PT, interval_ends, new_axes, to_png


def bars_of(axis: Any, name: str, series: Mapping[str, Scores]) -> None:
    """A benchmark's metrics, a bar with its interval for each model that has the figure."""
    known = dict.fromkeys(metric for table in series.values() for metric in table.get(name, ()))
    metrics = [metric for metric in known if metric not in COUNTS]
    for shift, (label, table) in enumerate(series.items()):
        # One of the models may have none, like the mutation score of its sound suites.
        places = [place for place, metric in enumerate(metrics) if metric in table.get(name, ())]
        rows = [with_bounds(table[name][metrics[place]]) for place in places]
        axis.barh(
            [place + 0.38 * shift for place in places],
            [100 * row[0] for row in rows],
            height=0.34,
            xerr=interval_ends([[100 * part for part in row] for row in rows]),
            label=label,
            capsize=2,
        )
    axis.set_yticks([place + 0.19 for place in range(len(metrics))], metrics, fontsize=TEXT_PT)
    axis.invert_yaxis()
    axis.tick_params(labelsize=TEXT_PT)
    axis.set_xlabel("% (95 % interval)", fontsize=TEXT_PT)
    axis.set_title(name, fontsize=TITLE_PT)
    axis.legend(
        fontsize=TEXT_PT, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncol=len(series), frameon=False
    )


def png_of_scores(scores: Mapping[str, Scores]) -> bytes:
    """Scores of several models ("before", "after") by benchmark, as a PNG; b"" when there are none."""
    series = {label: table for label, table in scores.items() if table}
    names = list(dict.fromkeys(name for table in series.values() for name in table))
    if not names:
        return b""
    most = max(len(table.get(name, ())) for table in series.values() for name in names)
    figure, axes = new_axes(len(names), 1.2 + 0.34 * most)
    for axis, name in zip(axes, names, strict=True):
        bars_of(axis, name, series)
    return to_png(figure)
