"""PID 1 of a sandbox container: a single-threaded fork server that runs one program at a time.

It reads requests from the container's stdin and answers on its stdout, and touches no data of a
program: the request lies in an anonymous mapping that is emptied after the fork, results go from an
unlinked file to stdout inside the kernel. So a child that reads all of its memory finds its own
program and nothing of an earlier or a later one.

Requests and answers are laid out in `frames`. An answer's head goes into the file that the child left
room in, so that one call moves head and results together.

Anything unexpected ends the supervisor, and with it the container: the driver takes a fresh one.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import functools
import gc
import math
import mmap
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from sandbox_image import candidate, check, child, frames, meters, outcomes, scratch, seal, semaphores

# So many, and the interpreter has specialised what children run.
REHEARSALS = 20
REQUEST_MAX = 64 << 20
HEAD = frames.ANSWER.size
CANDIDATE, TEST = "/scratch/candidate", "/scratch/test"
CANDIDATE_GID, TEST_GID = 60001, 60002
# Temporary files of both processes of a check, open to both.
SHARED, SHARED_GID = "/scratch/shared", 60003
FIRST_UID, UIDS = 20000, 40000
# The driver waits at least so many times `wall_s` for an answer.
WALL_STRETCH = 10
# Above every descriptor that PID 1 has open, below the limit.
DESCRIPTORS, HIGH = 64, 48
# PID 1 has these itself: every child inherits them.
FIXED_LIMITS = (
    (resource.RLIMIT_NOFILE, DESCRIPTORS),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_MSGQUEUE, 0),
    (resource.RLIMIT_STACK, 64 << 20),
)
Descriptors = tuple[int, ...]


class Job(NamedTuple):
    """A request without its payloads: what the program is and what bounds it."""

    id: int
    kind: int
    candidate_bytes: int
    test_bytes: int
    cpu_s: float
    wall_s: float
    memory_kb: int
    output_bytes: int
    processes: int


# What the helper that empties a scratch folder is limited to.
WIPING = Job(0, 0, 0, 0, cpu_s=10, wall_s=10, memory_kb=1 << 16, output_bytes=0, processes=1)


class Status(NamedTuple):
    """How a program ended; `end` and `by` are positions in `frames.ENDS` and `frames.PROCESSES`."""

    end: int
    by: int
    code: int
    cpu_ms: float
    wall_ms: float
    peak_kb: int


class Supervisor:
    def __init__(self) -> None:
        self.inbox, self.outbox, self.errors = os.dup(0), os.dup(1), os.dup(2)
        open_null()
        self.memory = mmap.mmap(-1, REQUEST_MAX, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.view = memoryview(self.memory)
        self.uid = int.from_bytes(os.urandom(4), "big") % UIDS
        self.uids = {CANDIDATE_GID: FIRST_UID, TEST_GID: FIRST_UID}
        self.base_kb = 0
        self.limited: tuple[float, ...] = ()
        self.bounds: tuple[tuple[int, tuple[int, int]], ...] = ()
        self.meter = meters.CpuMeter()
        self.processes = meters.ProcessCounter()
        self.oom_kills = meters.OomCounter()

    def prepare(self) -> None:
        """Once, before the first program: everything that all children share."""
        os.setgroups([])
        os.umask(0o077)
        scratch.make_folder(CANDIDATE, CANDIDATE_GID)
        scratch.make_folder(TEST, TEST_GID)
        scratch.make_folder(SHARED, SHARED_GID, 0o2770)
        os.chdir(CANDIDATE)
        for limit, bound in FIXED_LIMITS:
            resource.setrlimit(limit, (bound, bound))
        seal.seal()
        # site is not loaded (-S), programs use these all the same.
        builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]
        # /dev/shm is read-only: the semaphores of the C library cannot be made there.
        semaphores.install()
        # Ours comes first; the image's variants have a second one, whose packages programs may import.
        ours = os.environ.get("PYTHONPATH", "").partition(":")[0]
        sys.path[:] = [entry for entry in sys.path if entry and entry != ours]
        sys.argv[:] = ["solution.py"]
        sys.setrecursionlimit(outcomes.RECURSION_LIMIT)
        child.install_streams()
        for _ in range(REHEARSALS):
            child.rehearse()
        with open("/proc/self/statm") as statm:
            self.base_kb = int(statm.read().split()[0]) * (mmap.PAGESIZE // 1024)
        gc.collect()
        # Pages that were needed while all this was loaded; glibc alone has the function.
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
        gc.freeze()
        # A collection in a fresh child would touch, and so copy, every page of the standard library.
        gc.disable()

    def serve(self) -> None:
        """Programs until stdin ends."""
        while True:
            head = child.read_exactly(self.inbox, frames.REQUEST.size)
            if len(head) < frames.REQUEST.size:
                os._exit(0)
            job = Job(*frames.REQUEST.unpack(head))
            result = os.memfd_create("result")
            os.lseek(result, HEAD, os.SEEK_SET)
            alone = frames.KINDS[job.kind] == "calls"
            status = self.run_calls(job, result) if alone else self.run_check(job, result)
            # Before the answer: a program whose traces cannot be removed answers for that itself.
            if os.listdir(CANDIDATE):
                self.wipe(CANDIDATE, CANDIDATE_GID)
            if not alone:
                self.wipe(TEST, TEST_GID)
                self.wipe_shared()
            self.answer(job, status, result)
            os.close(result)

    def wipe(self, folder: str, gid: int) -> None:
        scratch.wipe(folder, functools.partial(self.become, self.uids[gid], gid, WIPING))

    def wipe_shared(self) -> None:
        """Empties the folder of both processes of a check, as one and the other by turns."""
        scratch.wipe_by_turns(
            SHARED, [functools.partial(self.become, self.uids[gid], gid, WIPING, True) for gid in self.uids]
        )

    def read_payload(self, size: int) -> memoryview:
        if not 0 <= size <= REQUEST_MAX:
            raise ValueError(f"payload of {size} bytes")
        done = 0
        while done < size:
            got = os.readv(self.inbox, [self.view[done:size]])
            if not got:
                os._exit(0)
            done += got
        return self.view[:size]

    def forget_payload(self, size: int) -> None:
        self.memory.madvise(mmap.MADV_DONTNEED, 0, -(-size // mmap.PAGESIZE) * mmap.PAGESIZE)

    def spawn(self, job: Job, size: int, gid: int, keep: Descriptors, run: Callable[..., NoReturn]) -> int:
        """Forks a child that owns nothing but its payload and the descriptors `keep`; its pid."""
        payload = self.read_payload(size)
        self.uid = (self.uid + 1) % UIDS
        self.uids[gid] = uid = FIRST_UID + self.uid
        self.limits(job)
        pid = os.fork()
        if pid:
            self.forget_payload(size)
            return pid
        try:
            fds = move_descriptors(keep)
            open_null()
            shared = frames.KINDS[job.kind] != "calls"
            self.become(uid, gid, job, shared)
            if gid == TEST_GID:
                os.chdir(TEST)
                os.environ["HOME"] = TEST
            if shared:
                os.environ["TMPDIR"] = SHARED
            request = bytes(payload)
            gc.enable()
            run(request, *fds, job.output_bytes)
        finally:
            os._exit(70)

    def become(self, uid: int, gid: int, job: Job, shared: bool = False) -> None:
        """This child from now on: own session, first victim of the memory limit, bounded, unprivileged.
        `shared`: it is of the group that may write to `SHARED`."""
        os.setsid()
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(fd, b"1000")
        os.close(fd)
        for limit, bounds in self.limits(job):
            resource.setrlimit(limit, bounds)
        if shared:
            os.setgroups([SHARED_GID])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)

    def limits(self, job: Job) -> tuple[tuple[int, tuple[int, int]], ...]:
        """What differs between jobs; the limits that are always the same are inherited from PID 1."""
        if job[4:] != self.limited:
            cpu = math.ceil(job.cpu_s)
            self.limited, self.bounds = (
                job[4:],
                (
                    (resource.RLIMIT_CPU, (cpu + 1, cpu + 2)),
                    (resource.RLIMIT_AS, 2 * ((self.base_kb + job.memory_kb) * 1024,)),
                    (resource.RLIMIT_NPROC, 2 * (job.processes,)),
                    (resource.RLIMIT_FSIZE, 2 * (file_limit(job),)),
                ),
            )
        return self.bounds

    def run_calls(self, job: Job, result: int) -> Status:
        cpu_before = self.meter.read()
        pid = self.spawn(job, job.candidate_bytes, CANDIDATE_GID, (result,), child.run_calls)
        return self.watch(job, {"candidate": pid}, "candidate", cpu_before)

    def run_check(self, job: Job, result: int) -> Status:
        """Two children with pipes between them; each is forked before it could see the other's payload."""
        cpu_before = self.meter.read()
        pids = {}
        to_candidate, to_test = os.pipe(), os.pipe()
        if frames.KINDS[job.kind] == "check":
            keep = (to_candidate[0], to_test[1])
            pids["candidate"] = self.spawn(
                job, job.candidate_bytes, CANDIDATE_GID, keep, candidate.serve_check
            )
        fds = (result, to_candidate[1], to_test[0])
        pids["test"] = self.spawn(job, job.test_bytes, TEST_GID, fds, check.run_check)
        for fd in (*to_candidate, *to_test):
            os.close(fd)
        return self.watch(job, pids, "test", cpu_before)

    def watch(self, job: Job, pids: dict[str, int], main: str, cpu_before: float) -> Status:
        """Waits for the end of `main` (or the early end of the other), kills what is left, reports.

        `cpu_before`: the container's CPU seconds before the fork. Wall time begins here: what a payload took
        to arrive is not the program's.
        """
        started = time.monotonic()
        handles = {name: os.pidfd_open(pid) for name, pid in pids.items()}
        poller = select.poll()
        for fd in handles.values():
            poller.register(fd, select.POLLIN)
        poller.register(self.inbox, 0)
        end, by, code = "", main, 0
        cpu_s, peak_kb = 0.0, 0
        oom_kills = self.oom_kills.read()
        order = sorted(pids, key=lambda name: name != main)
        pause = min(job.wall_s, job.cpu_s)
        while True:
            events = poller.poll(max(1.0, pause * 1e3))
            if any(fd == self.inbox for fd, _ in events):
                os._exit(0)
            for name in order:
                pid, status, usage = os.wait4(pids[name], os.WNOHANG)
                if pid:
                    end, by = ("signal" if os.WIFSIGNALED(status) else "exit"), name
                    code = os.WTERMSIG(status) if end == "signal" else os.WEXITSTATUS(status)
                    cpu_s, peak_kb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
                    break
            if end:
                break
            used = sum(meters.cpu_of(pid) for pid in pids.values())
            left_cpu = job.cpu_s - max(used, self.meter.read() - cpu_before)
            left_wall = job.wall_s - (time.monotonic() - started)
            pause = min(left_wall, left_cpu)
            if left_wall <= 0:
                # A busy machine is not the program's fault, up to a point.
                left_wall += min(meters.waited_for_cpu(), (WALL_STRETCH - 1) * job.wall_s)
                pause = 0.05
            if left_wall <= 0 or left_cpu <= 0:
                end = "wall" if left_cpu > 0 else "cpu"
                break
        wall_s = time.monotonic() - started
        for fd in handles.values():
            os.close(fd)
        swept_cpu, swept_peak = (0.0, 0) if self.processes.alone() else sweep()
        if end == "signal" and code in (signal.SIGKILL, signal.SIGXCPU):
            # What it did to itself is a crash; what a limit did is that limit's.
            kills = self.oom_kills.read()
            if code == signal.SIGKILL and (kills != oom_kills or kills < 0):
                end = "memory"
            elif cpu_s >= job.cpu_s:
                end = "cpu"
        return Status(
            frames.ENDS.index(end),
            frames.PROCESSES.index(by),
            code,
            (cpu_s + swept_cpu) * 1e3,
            wall_s * 1e3,
            max(peak_kb, swept_peak),
        )

    def answer(self, job: Job, status: Status, result: int) -> None:
        """No process is left that could write to the file; whatever lies where the head belongs goes."""
        size = max(HEAD, min(os.fstat(result).st_size, HEAD + file_limit(job)))
        os.pwrite(result, frames.ANSWER.pack(job.id, *status, size - HEAD), 0)
        done = 0
        while done < size:
            done += os.sendfile(self.outbox, result, done, size - done)


def open_null() -> None:
    """Standard streams of its own: locks and flags of an open file would outlive whoever shares it."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)


def move_descriptors(keep: Descriptors) -> range:
    """The descriptors `keep` as 3, 4, ..; all others above 2 are closed."""
    if len(keep) == 1:
        os.dup2(keep[0], 3, False)
        os.closerange(4, DESCRIPTORS)
        return range(3, 4)
    high = [os.dup2(fd, HIGH + at) for at, fd in enumerate(keep)]
    for at, fd in enumerate(high):
        os.dup2(fd, 3 + at, inheritable=False)
    os.closerange(3 + len(keep), DESCRIPTORS)
    return range(3, 3 + len(keep))


def file_limit(job: Job) -> int:
    """Bytes of the largest file that a child may write: its report, where a byte is 7 at most (NUL)."""
    return job.output_bytes * 7 + (1 << 20)


def sweep() -> tuple[float, int]:
    """Ends every other process of the container; CPU seconds and peak KiB of the children it reaped.

    All orphans are children of PID 1, so "no child" means "no process". A kill of -1 is atomic with
    regard to fork: a fork bomb cannot outrun it.
    """
    cpu_s, peak_kb = 0.0, 0
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
            if not pid:
                os.kill(-1, signal.SIGKILL)
                pid, _, usage = os.wait4(-1, 0)
        except (ChildProcessError, ProcessLookupError):
            return cpu_s, peak_kb
        cpu_s, peak_kb = cpu_s + usage.ru_utime + usage.ru_stime, max(peak_kb, usage.ru_maxrss)


def main() -> None:
    """Never returns."""
    supervisor = Supervisor()
    try:
        supervisor.prepare()
        supervisor.serve()
    except BaseException:
        os.write(supervisor.errors, traceback.format_exc()[-2000:].encode())
        os._exit(1)
