"""Curves as PNG, and pictures inside markdown: what a stage's artifact and every report draw with."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

Point = tuple[float, float, float, float]
"""x, y and the interval around y."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes. Series whose name ends in "(test)" are dashed and hollow: nothing decides on them."""

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, Sequence[Point]]


# Pages of the UI show a picture some 900 pixels wide and shrink a wider one: two panels a row at that size,
# and nothing written below 12 pixels.
COLUMNS, PANEL_IN, DPI = 2, 4.7, 100


TITLE_PT, TEXT_PT = 11, 9


def png_of(panels: Sequence[Panel]) -> bytes:
    """The panels, two a row, as a PNG; b"" when no panel has a point."""
    panels = [panel for panel in panels if any(panel.series.values())]
    if not panels:
        return b""
    from matplotlib.ticker import MaxNLocator

    # A legend stands below its panel, where it hides no curve.
    legend = max(len(panel.series) for panel in panels)
    figure, axes = new_axes(len(panels), 3.2 + 0.2 * legend)
    for axis, panel in zip(axes, panels, strict=True):
        for name, points in panel.series.items():
            if not points:
                continue
            test = name.endswith("(test)")
            axis.errorbar(
                [point[0] for point in points],
                [point[1] for point in points],
                yerr=interval_ends([point[1:] for point in points]),
                label=name,
                marker="o" if len(points) < 50 else "",
                markersize=4,
                markerfacecolor="none" if test else None,
                linestyle="--" if test else "-",
                linewidth=1.2,
                elinewidth=0.7,
                capsize=2,
            )
        axis.set_title(panel.title, fontsize=TITLE_PT)
        axis.set_xlabel(panel.x_label, fontsize=TEXT_PT)
        axis.set_ylabel(panel.y_label, fontsize=TEXT_PT)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.tick_params(labelsize=TEXT_PT)
        axis.grid(alpha=0.25)
        axis.legend(fontsize=TEXT_PT, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
    return to_png(figure)


def interval_ends(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """How far intervals reach below and above [value, low, high]; one of no width is none: its caps on the
    value would look like certainty."""
    return [
        [max(0.0, row[0] - row[1]) or nan for row in rows],
        [max(0.0, row[2] - row[0]) or nan for row in rows],
    ]


def new_axes(count: int, height: float) -> tuple[Any, list[Any]]:
    """A figure of `count` axes, two a row, each `height` inches high."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(PANEL_IN * columns, height * rows), squeeze=False)
    for axis in grid.flat[count:]:
        axis.set_visible(False)
    return figure, list(grid.flat[:count])


def to_png(figure: Any) -> bytes:
    import matplotlib.pyplot as plt

    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    plt.close(figure)
    return buffer.getvalue()


def markdown_image(png: bytes, name: str) -> str:
    """The picture inside markdown, as a data URI; "" for no picture."""
    return f"![{name}](data:image/png;base64,{base64.b64encode(png).decode()})" if png else ""
