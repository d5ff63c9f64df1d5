"""Line charts as PNG: learning curves of a campaign, losses of a training stage."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Point = tuple[float, float, float, float]
"""x, y and the interval around y."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes. Series whose name ends in "(test)" are dashed and hollow: nothing decides on them."""

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, Sequence[Point]]


def png_of(panels: Sequence[Panel], columns: int = 2) -> bytes:
    """The panels side by side as a PNG; b"" when no panel has a point."""
    panels = [panel for panel in panels if any(panel.series.values())]
    if not panels:
        return b""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(5.4 * columns, 3.5 * rows), squeeze=False)
    for axis in grid.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(grid.flat, panels, strict=False):
        for name, points in panel.series.items():
            if not points:
                continue
            test = name.endswith("(test)")
            axis.errorbar(
                [point[0] for point in points],
                [point[1] for point in points],
                yerr=[
                    [max(0.0, point[1] - point[2]) for point in points],
                    [max(0.0, point[3] - point[1]) for point in points],
                ],
                label=name,
                marker="o" if len(points) < 50 else "",
                markersize=4,
                markerfacecolor="none" if test else None,
                linestyle="--" if test else "-",
                linewidth=1.2,
                elinewidth=0.7,
                capsize=2,
            )
        axis.set_title(panel.title, fontsize=9)
        axis.set_xlabel(panel.x_label, fontsize=8)
        axis.set_ylabel(panel.y_label, fontsize=8)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.25)
        axis.legend(fontsize=7)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    plt.close(figure)
    return buffer.getvalue()


def markdown_image(png: bytes, name: str) -> str:
    """The picture inside markdown, as a data URI; "" for no picture."""
    return f"![{name}](data:image/png;base64,{base64.b64encode(png).decode()})" if png else ""
