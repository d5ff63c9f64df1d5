"""Which names does a command look up? It runs in a network of its own, whose only resolver writes them down.

    python -m tests.support.lookups FOLDER COMMAND...     inside `unshare --net --mount`; `watch` does all of
    it

The namespace has a loopback device and nothing else. /etc/resolv.conf names 127.0.0.1, where a small DNS
server says of every name that there is none, and keeps it. So native code is seen as well as Python, and
children as well as the command, which has a terminal: some libraries tell of themselves only there.
"""

from __future__ import annotations

import fcntl
import os
import pty
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

_ROOT = Path(__file__).resolve().parents[2]
# Of linux/sockios.h and linux/if.h: set an interface's flags, "up".
_SET_FLAGS, _UP = 0x8914, 0x1
# The answer to a question about a name: an answer (0x8000), recursion available (0x80), no such name (3).
_NO_SUCH_NAME = 0x8083


class Watched(NamedTuple):
    """How a command ended, what it wrote on its terminal, and the foreign names that it looked up."""

    code: int
    output: str
    names: list[str]


def watch(command: Sequence[str], environment: Mapping[str, str], seconds: float = 300) -> Watched:
    """Run a command, alone in a network namespace, with this environment and nothing else.

    Fails the test where the kernel grants no namespace. Raises `subprocess.TimeoutExpired`.
    """
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    with tempfile.TemporaryDirectory() as folder:
        namespace = ["unshare", *user, "--net", "--mount", "--kill-child", "--fork"]
        done = subprocess.run(
            [*namespace, sys.executable, "-m", "tests.support.lookups", folder, *command],
            cwd=_ROOT,
            env={**environment, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        names = Path(folder, "names")
        if not names.is_file():
            pytest.fail(f"no network namespace here, run the tests as root: {done.stderr.decode()[-500:]}")
        own = {"localhost", socket.gethostname()}
        found = [name for name in names.read_text().splitlines() if name not in own]
        return Watched(done.returncode, done.stdout.decode(errors="replace"), sorted(set(found)))


def asked_name(question: bytes) -> str:
    """The name that a DNS question asks for."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode("latin-1"))
        at += 1 + question[at]
    return ".".join(labels).lower()


def _answer(server: socket.socket, names: Path) -> None:
    with names.open("a") as file:
        while True:
            question, asker = server.recvfrom(4096)
            print(asked_name(question), file=file, flush=True)
            # The question comes back as it was, without the additional records that it may have had.
            end = question.index(b"\0", 12) + 5
            head = question[:2] + struct.pack(">HHHHH", _NO_SUCH_NAME, 1, 0, 0, 0)
            server.sendto(head + question[12:end], asker)


def _prepare(folder: Path) -> None:
    """The loopback device, the resolver's settings, the DNS server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))
    texts = {"/etc/resolv.conf": "nameserver 127.0.0.1\n", "/etc/nsswitch.conf": "hosts: files dns\n"}
    for place, text in texts.items():
        own = folder / Path(place).name
        own.write_text(text)
        subprocess.run(["mount", "--bind", str(own), os.path.realpath(place)], check=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    names = folder / "names"
    names.touch()
    threading.Thread(target=_answer, args=(server, names), daemon=True).start()


def _in_terminal(command: Sequence[str]) -> int:
    """Run on a terminal of its own, whose output goes to ours; the exit code."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)

    def copy() -> None:
        try:
            while part := os.read(ours, 1 << 16):
                os.write(1, part)
        except OSError:
            return

    reader = threading.Thread(target=copy, daemon=True)
    reader.start()
    code = child.wait()
    reader.join(5)
    return code


if __name__ == "__main__":
    _prepare(Path(sys.argv[1]))
    sys.exit(_in_terminal(sys.argv[2:]))
