"""How a child process learns that its parent is gone, however that ended."""

from __future__ import annotations

import os
import select
import signal
import threading


def watch_lifeline(descriptor: int) -> None:
    """End this process and its group once the parent is gone: its end of the pipe closes, or we are adopted.

    A pipe, since a parent-death signal fires when the *thread* that started us ends; and the parent's id
    besides, since a process that the parent forked may hold the pipe open.
    """
    parent = os.getppid()

    def watch() -> None:
        while not select.select([descriptor], [], [], 1.0)[0] and os.getppid() == parent:
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
