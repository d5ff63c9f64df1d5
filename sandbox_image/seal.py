"""What no process of the container may do once the supervisor runs, beyond the container's own rules.

A second seccomp filter, which every child inherits and nothing takes back:
- execve and execveat: nothing runs here but the interpreter that is there already;
- prctl(PR_SET_DUMPABLE): a child that is not dumpable does not own its files in /proc, so it can neither
  make itself a worse victim for the memory limit than PID 1 nor leave a core to a handler of the host's.
Both fail with EPERM.
"""

from __future__ import annotations

import ctypes
import os
import struct

PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 22, 2
# execve, execveat, prctl
NUMBERS = {"x86_64": (59, 322, 157), "aarch64": (221, 281, 167)}
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050001


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def seal() -> None:
    """Needs "no new privileges", which the container has. Raises OSError where the kernel refuses."""
    execve, execveat, prctl = NUMBERS[os.uname().machine]
    # (operation, jump if true, jump if false, operand); offsets are those of struct seccomp_data.
    steps = (
        (LOAD, 0, 0, 0),
        (JUMP_IF_EQUAL, 5, 0, execve),
        (JUMP_IF_EQUAL, 4, 0, execveat),
        (JUMP_IF_EQUAL, 0, 2, prctl),
        (LOAD, 0, 0, 16),
        (JUMP_IF_EQUAL, 1, 0, PR_SET_DUMPABLE),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    )
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")
    program = _Program(len(steps), code)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")
