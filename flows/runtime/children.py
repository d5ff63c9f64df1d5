"""Python modules as child processes: Ctrl-C in a terminal does not reach them, and they end when we do.

`python -m flows.runtime.children FD MODULE ARGUMENTS...` is the child; FD is the pipe whose other end we
hold.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.core.lifeline import watch_lifeline


class Child:
    """A running module, in a session of its own; what it starts in that session ends with it."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        log_file: Path | None = None,
        message: str = "",
    ) -> None:
        """`environment` is added to ours, what the child prints goes to `log_file`, and it reads `message`
        from its standard input."""
        lifeline, self._held = os.pipe()
        with contextlib.ExitStack() as stack:
            log = None
            if log_file is not None:
                log_file.parent.mkdir(parents=True, exist_ok=True)
                log = stack.enter_context(log_file.open("ab"))
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(lifeline), module, *arguments],
                stdin=subprocess.PIPE if message else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
                env={**os.environ, **(environment or {})},
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        os.close(lifeline)
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as stream:
                stream.write(message.encode())

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self, grace_s: float = 0.0) -> None:
        """End it and its session, after `grace_s` to end by itself; safe to call twice."""
        if self.alive and grace_s:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(OSError):
            os.close(self._held)


def main() -> None:
    """Be the child that the arguments name, as `python -m MODULE ARGUMENTS...` would."""
    watch_lifeline(int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
