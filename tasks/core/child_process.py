"""A command as a child process: in a session of its own, its output in a log, and all of it ended at once.

Engines, trainers, servers and runners are such children: their memory returns when they end, and a crash of
theirs fails one task. Ctrl-C in a terminal does not reach them; a pipe of ours tells them when we are gone
(`tasks.core.lifeline`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_LOOK_S = 0.05
_TAIL_BYTES = 20_000


class ChildProcess:
    """A command that runs from here on.

    `environment` is all of its environment; it keeps `descriptors` open, and reads `message` from its
    standard input; what it prints is appended to `log_file` (None: it prints where we do).
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log_file: Path | None = None,
        *,
        descriptors: Sequence[int] = (),
        folder: Path | None = None,
        message: str = "",
    ) -> None:
        self._log_file = log_file
        with contextlib.ExitStack() as stack:
            log = None
            if log_file is not None:
                log_file.parent.mkdir(parents=True, exist_ok=True)
                log = stack.enter_context(log_file.open("ab"))
            self._process = subprocess.Popen(
                [*command],
                stdin=subprocess.PIPE if message else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
                env=dict(environment),
                cwd=folder,
                pass_fds=tuple(descriptors),
                start_new_session=True,
            )
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as stream:
                stream.write(message.encode())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        if self._process.returncode is not None:
            return False
        # Looks without reaping: until `end` has killed the session, its number must stay ours.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self._process.pid, flags) is None
        except ChildProcessError:
            # Another thread has just ended it.
            return False

    def wait(self) -> int:
        """Its exit status once it has ended: negative for a signal."""
        return self._process.wait()

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself in that time."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        return not self.alive

    def end(self, grace_s: float = 0.0) -> int:
        """End it and all that it started, after `grace_s` seconds to end by itself; its exit status.

        Safe to call twice and from any thread.
        """
        if grace_s and self.alive:
            self._process.terminate()
            self.ends_within(grace_s)
        if self._process.returncode is None:
            # Even when it has ended: what it started is in the session too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def log_tail(self, lines: int) -> str:
        """The last lines of its log; "(no log)" where there is none."""
        try:
            with (self._log_file or Path(os.devnull)).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])
