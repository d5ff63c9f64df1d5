"""Ctrl-C and SIGTERM: one sentence, the run Cancelled on the server, and the end within seconds.

Nothing is wound up on the way: a run may be killed at any time and goes on from there, and engines,
trainers and containers end when their parent does.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ACTION_S = 4.0
# What to do before the process ends, the latest first: the server's end comes last.
_before_the_end: list[Callable[[], None]] = []
_armed: list[None] = []


@contextlib.contextmanager
def before_the_end(action: Callable[[], None]) -> Iterator[None]:
    """Have `action` called if a signal ends the process in here."""
    _before_the_end.append(action)
    try:
        yield
    finally:
        _before_the_end.remove(action)


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """In here the signals end the process, from the main thread of a command."""
    before = [signal.signal(number, _stop) for number in SIGNALS]
    _armed.append(None)
    try:
        yield
    finally:
        _armed.pop()
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


def take_signals_again() -> None:
    """Prefect puts a SIGTERM handler of its own into a flow; called inside one, ours counts again."""
    if _armed and threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, _stop)


def _stop(number: int, frame: object) -> None:
    for again in SIGNALS:
        # A second one does not wait for the server.
        signal.signal(again, signal.SIG_DFL)
    for action in reversed(_before_the_end):
        # In a thread, since what this one was doing may hold a lock that the action needs.
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(_quietly, action), daemon=True)
        thread.start()
        thread.join(ACTION_S)
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    # Not print: the signal may have come in the middle of one.
    os.write(2, b"\nflywheel: stopped; the same command goes on from here.\n")
    os._exit(128 + number)


def _quietly(action: Callable[[], None]) -> None:
    # Whatever it is: the process ends all the same.
    with contextlib.suppress(Exception):
        action()
