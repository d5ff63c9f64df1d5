"""One hardened container with the fork server in it: its start, its frames, its end, and the reaper.

The hardening is the sandbox's wall: no network, read-only root, a small noexec work area, no
capabilities but those that change and end the children's uids, no new privileges, an allow-list of
system calls, memory and process limits of the container's cgroup. One program runs in it at a time, so
these are the program's limits.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import struct
import time
from pathlib import Path
from typing import Any

import docker
import docker.errors
import docker.types
import requests.exceptions

from sandbox_image import frames
from tasks.core.errors import FlywheelError, SandboxFault
from tasks.sandbox.image import SECCOMP, docker_client
from tasks.settings.sandbox import SandboxSettings

OVERHEAD_MB = 64
SCRATCH_MB = 16
LEAST_WALL_S = 10.0
MAX_MS = 1e8
LABEL = "flywheel.sandbox"
_DOCKER_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)
_STDOUT = 1
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Container:
    """A running container; `fileno` is the socket to wait for."""

    def __init__(self, settings: SandboxSettings, image: str, run_id: str, hash_seed: int) -> None:
        """Creates, attaches, starts: about 0.5 s. Raises `SandboxFault` or `FlywheelError`."""
        self._client = docker_client()
        self._api = self._client.api
        self.settings = settings
        self.sent = 0
        self._mux, self._frames, self._unsent = bytearray(), bytearray(), bytearray()
        self._complaint = b""
        self._max_data = settings.output_kb * 7 * 1024 + (1 << 20)
        try:
            self.id = self._create(image, run_id, hash_seed)
            self._attached = self._api.attach_socket(
                self.id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
            self._socket: socket.socket = getattr(self._attached, "_sock", self._attached)
            self._socket.setblocking(False)
            self._api.start(self.id)
        except docker.errors.ImageNotFound:
            self.close()
            raise FlywheelError(
                f"The sandbox image {image} is missing: `flywheel image` builds it."
            ) from None
        except _DOCKER_ERRORS as error:
            self.close()
            raise SandboxFault(f"A sandbox container cannot be started: {str(error)[:400]}.") from None

    def _create(self, image: str, run_id: str, hash_seed: int) -> str:
        settings = self.settings
        memory = f"{settings.memory_mb + OVERHEAD_MB}m"
        scratch = f"rw,noexec,nosuid,nodev,size={SCRATCH_MB}m,nr_inodes=1024,mode=0755"
        host = self._api.create_host_config(
            auto_remove=True,
            network_mode="none",
            read_only=True,
            tmpfs={"/scratch": scratch, "/dev/shm": "ro,noexec,nosuid,nodev,size=4k,nr_inodes=2,mode=0555"},
            cap_drop=["ALL"],
            cap_add=["SETUID", "SETGID", "KILL"],
            security_opt=["no-new-privileges", f"seccomp={json.dumps(json.loads(SECCOMP.read_text()))}"],
            pids_limit=settings.processes,
            nano_cpus=1_000_000_000,
            mem_limit=memory,
            memswap_limit=memory,
            ipc_mode="private",
            # Else, on cgroup v2, the meters inside read the whole machine's files.
            cgroupns="private",
            log_config=docker.types.LogConfig(type="none"),
            runtime=settings.runtime or None,
        )
        created = self._api.create_container(
            image,
            host_config=host,
            stdin_open=True,
            environment={"PYTHONHASHSEED": str(hash_seed)},
            labels=_labels(run_id),
        )
        return str(created["Id"])

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, kind: str, payloads: list[bytes], cpu_s: float = 0.0, cpu_share: float = 1.0) -> int:
        """Queues a request (see `sandbox_image.frames`), its CPU time as in `Program`, of which it gets a
        share; its number, which the answer repeats."""
        settings = self.settings
        self.sent += 1
        sizes = [0, len(payloads[0])] if kind == "null" else [*map(len, payloads), 0][:2]
        self._unsent += frames.REQUEST.pack(
            self.sent,
            frames.KINDS.index(kind),
            *sizes,
            *time_limits(settings, cpu_share * (cpu_s or settings.cpu_s)),
            settings.memory_mb * 1024,
            settings.output_kb * 1024,
            max(1, (settings.processes - 2) // 2),
        )
        self._unsent += b"".join(payloads)
        return self.sent

    @property
    def wants_to_write(self) -> bool:
        return bool(self._unsent)

    def flush(self) -> None:
        """Writes what the socket takes now. Raises `SandboxFault` when the container is gone."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent[: 1 << 18])]
        except _WOULD_BLOCK:
            pass
        except OSError as error:
            raise SandboxFault(self._lost(str(error))) from None

    def receive(self) -> list[tuple[dict[str, Any], bytes]]:
        """The answers that are complete by now: status (checked shape) and the child's raw bytes.

        Raises `SandboxFault` when the stream ended or is no stream of frames.
        """
        ended = False
        try:
            while part := self._socket.recv(1 << 18):
                self._mux += part
            ended = True
        except _WOULD_BLOCK:
            pass
        except OSError as error:
            raise SandboxFault(self._lost(str(error))) from None
        self._demultiplex()
        answers = []
        while answer := self._next_answer():
            answers.append(answer)
        if ended and not answers:
            raise SandboxFault(self._lost("the stream ended"))
        return answers

    def _demultiplex(self) -> None:
        at = 0
        while len(self._mux) - at >= 8:
            stream, size = struct.unpack_from(">BxxxI", self._mux, at)
            if len(self._mux) - at - 8 < size:
                break
            part = self._mux[at + 8 : at + 8 + size]
            if stream == _STDOUT:
                self._frames += part
            else:
                self._complaint = (self._complaint + part)[-2000:]
            at += 8 + size
        del self._mux[:at]

    def _next_answer(self) -> tuple[dict[str, Any], bytes] | None:
        head = frames.ANSWER.size
        if len(self._frames) < head:
            return None
        status = _read_status(self._frames, self._max_data)
        end = head + status["bytes"]
        if len(self._frames) < end:
            return None
        data = bytes(self._frames[head:end])
        del self._frames[:end]
        return status, data

    def _lost(self, why: str) -> str:
        said = self._complaint.decode("utf-8", "replace").strip().splitlines()
        return f"A sandbox container was lost ({why}){': ' + said[-1][:300] if said else ''}."

    def close(self) -> None:
        """Removes the container and waits until the engine has forgotten it; never raises for its absence."""
        if hasattr(self, "_socket"):
            self._socket.close()
            self._attached.close()
        if hasattr(self, "id"):
            remove(self._api, self.id)
        self._client.close()


def time_limits(settings: SandboxSettings, cpu_s: float) -> tuple[float, float]:
    """CPU and wall seconds of a program with `Program.cpu_s`; never more than the settings' own.

    Wall time is the backstop: it shrinks in proportion, but not below what a loaded machine may need.
    """
    if not 0 < cpu_s < settings.cpu_s:
        return settings.cpu_s, settings.wall_s
    return cpu_s, min(settings.wall_s, max(LEAST_WALL_S, settings.wall_s * cpu_s / settings.cpu_s))


def _read_status(head: bytearray, max_data: int) -> dict[str, Any]:
    number, end, by, code, cpu_ms, wall_ms, peak_kb, size = frames.ANSWER.unpack_from(head)
    times_are_times = 0 <= cpu_ms <= MAX_MS and 0 <= wall_ms <= MAX_MS
    if not (end < len(frames.ENDS) and by < len(frames.PROCESSES) and times_are_times and size <= max_data):
        raise SandboxFault("The sandbox answered with an unreadable frame.")
    return {
        "id": number,
        "end": frames.ENDS[end],
        "by": frames.PROCESSES[by],
        "code": code,
        "cpu_ms": cpu_ms,
        "wall_ms": wall_ms,
        "peak_kb": peak_kb,
        "bytes": size,
    }


def remove(api: Any, container_id: str, patience_s: float = 20.0) -> None:
    """Kills and removes a container; returns when it is gone, or after `patience_s`."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        try:
            api.remove_container(container_id, force=True, v=True)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError:
            # Its own removal (auto_remove) is under way.
            time.sleep(0.05)
        except _DOCKER_ERRORS:
            return


def start_time(pid: int) -> str:
    """When a process started, in clock ticks after boot; "" when there is no such process to be seen."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _host() -> str:
    """This machine's process table: pids mean the same wherever this text is the same."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _labels(run_id: str) -> dict[str, str]:
    pid = os.getpid()
    return {
        LABEL: "1",
        f"{LABEL}.run": run_id,
        f"{LABEL}.host": _host(),
        f"{LABEL}.pid": str(pid),
        f"{LABEL}.started": start_time(pid),
    }


def reap() -> int:
    """Removes containers whose owner process is dead, and only those; how many.

    Dead: on this host no process has the owner's pid, or the one that has it started at another time.
    """
    client = docker_client()
    try:
        count = 0
        for summary in client.api.containers(all=True, filters={"label": [LABEL, f"{LABEL}.host={_host()}"]}):
            labels = summary.get("Labels") or {}
            pid = labels.get(f"{LABEL}.pid", "")
            if not pid.isdigit() or start_time(int(pid)) == labels.get(f"{LABEL}.started", ""):
                continue
            remove(client.api, summary["Id"])
            count += 1
        return count
    except _DOCKER_ERRORS:
        return 0
    finally:
        client.close()
