"""How far a stage is: what is done of what there is, and how long the rest takes, before anybody wonders.

A thread beside the stage says a line whenever `EVERY_S` seconds have passed without one, whatever the stage
is busy with; on a terminal there is a bar as well. Whoever works (a step, an engine, a pass of the sandbox)
finds the progress of the stage that it works for by `current`, and tells it what is done.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

LogProgress = Callable[[str], None]
Item = TypeVar("Item")

EVERY_S = 15.0
LEAST_SHARE = 0.05
"""Silence that ends with a line; with the pause between two looks it stays well below twenty seconds."""
_LOOK_S = 0.5


class Progress:
    """What one stage has done. `log_progress` gets its lines; `clock` counts seconds."""

    def __init__(
        self, name: str, log_progress: LogProgress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.done = 0.0
        self.total = 0.0
        self.unit = ""
        self.activity = ""
        self._log_progress, self._clock = log_progress, clock
        self._began = self._last_line = clock()
        self._counted_from = (0.0, self._began)
        # By thread: the units under way, and the share of them that is done.
        self._spans: dict[int, tuple[float, float]] = {}
        self._reached = 0.0
        self._lock = threading.RLock()
        self._found = False

    def count(self, total: float, unit: str) -> None:
        """From here on so many units are counted, from 0; the time left is theirs alone."""
        with self._lock:
            self.done, self.total, self.unit, self.activity = 0.0, float(total), unit, ""
            self._spans, self._reached = {}, 0.0
            self._counted_from = (0.0, self._clock())

    def doing(self, activity: str) -> None:
        """What the stage is busy with where nothing is counted, like `loading the model`."""
        self.activity = activity

    def reach(self, done: float) -> None:
        """So many are done."""
        with self._lock:
            self._reached = done
            self._add_up()
            if self._found:
                # What an earlier run had done took no time, and says nothing about the rest.
                self._found, self._counted_from = False, (done, self._clock())

    def advance(self, units: float = 1.0) -> None:
        with self._lock:
            self.reach(self._reached + units)

    def found(self) -> None:
        """What is reached next was computed by an earlier run."""
        self._found = True

    @contextlib.contextmanager
    def span(self, units: float) -> Iterator[None]:
        """Work on so many units at once: `part` says how far it is, at the end all are done. Several threads
        may each work on some."""
        me = threading.get_ident()
        with self._lock:
            self._spans[me] = (units, 0.0)
        yield
        with self._lock:
            self._spans.pop(me, None)
            self.advance(units)

    def part(self, share: float) -> None:
        """This share (0 to 1) of the units that this thread works on is done; without a span nothing is known
        of them."""
        me = threading.get_ident()
        with self._lock:
            if me in self._spans:
                self._spans[me] = (self._spans[me][0], min(1.0, max(0.0, share)))
                self._add_up()

    def _add_up(self) -> None:
        self.done = self._reached + sum(units * share for units, share in self._spans.values())

    def note_line(self) -> None:
        """A line was printed: the next one is due later."""
        self._last_line = self._clock()

    def tell(self, text: str) -> None:
        """Say a line now."""
        self.note_line()
        self._log_progress(text)

    def tick(self) -> None:
        """Say how far it is if nothing was said for `EVERY_S`."""
        if self._clock() - self._last_line >= EVERY_S:
            self.tell(f"{self.name}: {self.line()}")

    def line(self) -> str:
        """`12 of 40 problems, 35 s, about 80 s left`."""
        return ", ".join(filter(None, (self.counted(), duration(self._clock() - self._began), self.left())))

    def counted(self) -> str:
        """`12 of 40 problems`, and what it is busy with; "at work" where nobody says."""
        count = f"{self.done:.0f} of {self.total:.0f} {self.unit}" if self.total else ""
        return ", ".join(filter(None, (count, self.activity))) or "at work"

    def left(self) -> str:
        """`about 80 s left`, as fast as it went so far; "" where nothing is counted or all is done."""
        if self.done >= self.total:
            return ""
        seconds = self.seconds_left()
        return "time left not known yet" if seconds is None else f"about {duration(seconds)} left"

    def seconds_left(self) -> float | None:
        """Seconds that the rest takes at the pace of what was counted; None before that is `LEAST_SHARE`: a
        first answer comes late, and says nothing about the others."""
        start, since = self._counted_from
        made = self.done - start
        if made <= 0 or made < LEAST_SHARE * (self.total - start):
            return None
        return (self.total - self.done) * (self._clock() - since) / made


def duration(seconds: float) -> str:
    """`35 s`, `12 min` or `3.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


_current: contextvars.ContextVar[Progress | None] = contextvars.ContextVar("progress", default=None)


def current() -> Progress:
    """The progress of the stage that is computed here; outside of any, one that nobody hears of."""
    return _current.get() or Progress("", lambda text: None)


def over(items: Sequence[Item], unit: str) -> Iterator[Item]:
    """The items, counted as they are done with."""
    return counted(items, len(items), unit)


def counted(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """The same for items whose number is known beforehand."""
    progress = current()
    progress.count(total, unit)
    for item in items:
        yield item
        progress.advance()


@contextlib.contextmanager
def watching(name: str, log_progress: LogProgress) -> Iterator[Progress]:
    """Let nobody wait without a word, for as long as the block runs."""
    progress = Progress(name, log_progress)
    token = _current.set(progress)
    over_now = threading.Event()
    # The run's logger is found by context, which a new thread has none of.
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(_keep_telling, progress, over_now), name=f"progress {name}", daemon=True
    )
    thread.start()
    try:
        yield progress
    finally:
        over_now.set()
        thread.join()
        _current.reset(token)


def _keep_telling(progress: Progress, over_now: threading.Event) -> None:
    with _bar(progress.name) as show:
        while not over_now.wait(_LOOK_S):
            progress.tick()
            show(progress)


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Callable[[Progress], None]]:
    """A bar below the lines of the log where these go to a terminal; nothing elsewhere."""
    console = _console()
    if console is None or not console.is_terminal or console.is_dumb_terminal:
        yield lambda progress: None
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars
    from rich.theme import Theme

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        TimeElapsedColumn(),
    )
    bars = Bars(*columns, console=console, transient=True, refresh_per_second=2)
    # Prefect's console knows the styles of its own lines alone.
    with console.use_theme(Theme()), bars:
        # A bar hides it, and a run that is stopped in the middle would leave a terminal without one.
        console.show_cursor(True)
        task = bars.add_task(name, total=None, told="")

        def show(progress: Progress) -> None:
            told = ", ".join(filter(None, (progress.counted(), progress.left())))
            bars.update(task, completed=progress.done, total=progress.total or None, told=told)

        yield show


def _console() -> Any:
    """The console that the log is written to: a bar on another one would be torn by its lines."""
    logger: logging.Logger | None = logging.getLogger("prefect.task_runs")
    while logger is not None:
        for handler in logger.handlers:
            if (console := getattr(handler, "console", None)) is not None:
                return console
        logger = logger.parent if logger.propagate else None
    return None
