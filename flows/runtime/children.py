"""Python modules as child processes: Ctrl-C in a terminal does not reach them, and they end when we do.

`python -m flows.runtime.children FD MODULE ARGUMENTS...` is the child; FD is the pipe whose other end we
hold.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.core.child_process import ChildProcess
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
        self._process = ChildProcess(
            [sys.executable, "-m", __name__, str(lifeline), module, *arguments],
            {**os.environ, **(environment or {})},
            log_file,
            descriptors=(lifeline,),
            message=message,
        )
        os.close(lifeline)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process.alive

    def end(self, grace_s: float = 0.0) -> None:
        """End it and its session, after `grace_s` to end by itself; safe to call twice."""
        self._process.end(grace_s)
        with contextlib.suppress(OSError):
            os.close(self._held)


def main() -> None:
    """Be the child that the arguments name, as `python -m MODULE ARGUMENTS...` would."""
    watch_lifeline(int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
