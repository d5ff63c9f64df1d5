"""The sandbox image: its identity, its build, and the Docker client that everything here uses.

The image holds a Python interpreter and the fork server of `sandbox_image/`, nothing else; a variant adds
numpy, as a wheel from the package index. Its tag is its identity: a hash of the files it is made of, the
kind of its base, and the version of numpy.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests.exceptions

from tasks.core.errors import FlywheelError

FOLDER = Path(__file__).resolve().parents[2] / "sandbox_image"
SECCOMP = FOLDER / "seccomp.json"
REGISTRY_BASE = "python:3.12-slim"
REGISTRY_TIMEOUT_S = 15
DEBIAN_SUITE = "bookworm"
DEBIAN_MIRROR = "http://deb.debian.org/debian"
# Local tags of the two kinds of base; Debian's own interpreter is what a machine without a registry gets.
BASES = {
    "python3.12-slim": "flywheel-base:python3.12-slim",
    "debian-python3": f"flywheel-base:{DEBIAN_SUITE}",
}
# The interpreters of the bases, for which a wheel is chosen.
PYTHONS = {"python3.12-slim": "3.12", "debian-python3": "3.11"}
NUMPY = "2.2.6"
# One thread: more would be threads of every program, and a fork must find none.
NUMPY_LAYER = """\
FROM {image}
COPY packages/ /opt/packages/
ENV PYTHONPATH=/opt/flywheel:/opt/packages FLYWHEEL_PRELOAD=numpy OPENBLAS_NUM_THREADS=1
"""
LogProgress = Callable[[str], None]


def docker_client(timeout_s: int = 60) -> Any:
    """A Docker client that has reached its engine.

    Raises `FlywheelError` that tells apart: not installed, not running, not permitted.
    """
    try:
        client = docker.from_env(timeout=timeout_s)
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise FlywheelError(_why_unreachable(error)) from None
    return client


def _why_unreachable(error: Exception) -> str:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    text = str(error)
    if "PermissionError" in text or "Permission denied" in text:
        return f"Docker's socket {host} refuses this user: add it to the group 'docker' and log in again."
    if "FileNotFoundError" in text and not (shutil.which("docker") or shutil.which("dockerd")):
        return "Docker is not installed: install Docker Engine (https://docs.docker.com/engine/install/)."
    if "FileNotFoundError" in text or "ConnectionRefused" in text or "Connection refused" in text:
        return f"Docker is not running (nobody answers at {host}): start it, e.g. `systemctl start docker`."
    return f"Docker cannot be reached at {host}: {text[:300]}. Check DOCKER_HOST and `docker version`."


def image_tag() -> str:
    """The image's name on this machine, whether it is built or not: `flywheel-sandbox:<hash>-<base>`.

    The base is the one whose layer is cached here; before the first build, the registry's.
    """
    try:
        kind = _cached_base(docker_client()) or next(iter(BASES))
    except FlywheelError:
        kind = next(iter(BASES))
    return _tag(kind)


def image_files() -> list[Path]:
    """What the image is made of: its Dockerfile and every module beside it, as the Dockerfile copies."""
    return [FOLDER / "Dockerfile", *sorted(FOLDER.glob("*.py"))]


def _tag(kind: str) -> str:
    digest = hashlib.sha256()
    for path in [*image_files(), SECCOMP]:
        content = path.read_bytes()
        digest.update(f"{path.name}:{len(content)}:".encode() + content)
    return f"flywheel-sandbox:{digest.hexdigest()[:12]}-{kind}"


def _exists(client: Any, tag: str) -> bool:
    try:
        client.images.get(tag)
    except docker.errors.ImageNotFound:
        return False
    return True


def _cached_base(client: Any) -> str:
    return next((kind for kind, tag in BASES.items() if _exists(client, tag)), "")


def ensure_image(log_progress: LogProgress, numpy: bool = False) -> str:
    """The tag of the sandbox image, built when it is missing (seconds with a cached base, else minutes).

    `numpy`: the variant that has it. `log_progress` gets one line a step. Raises `FlywheelError` when no base
    or no wheel can be had or the build fails.
    """
    client = docker_client()
    kind = _cached_base(client) or _fetch_base(client, log_progress)
    tag = _tag(kind)
    if not _exists(client, tag):
        _build(client, log_progress, tag, FOLDER, {"BASE": BASES[kind]})
    with_numpy = f"{tag}-numpy{NUMPY}"
    if not numpy:
        return tag
    if not _exists(client, with_numpy):
        with tempfile.TemporaryDirectory(prefix="flywheel-numpy-") as folder:
            _unpack_numpy(Path(folder), PYTHONS[kind], log_progress)
            (Path(folder) / "Dockerfile").write_text(NUMPY_LAYER.format(image=tag))
            _build(client, log_progress, with_numpy, Path(folder), {})
    return with_numpy


def _unpack_numpy(folder: Path, python: str, log_progress: LogProgress) -> None:
    """numpy's wheel for another interpreter, as `folder`/packages; nothing of it runs here."""
    log_progress(f"fetching numpy {NUMPY} for Python {python}")
    wanted = [f"--python-version={python}", f"--platform=manylinux2014_{platform.machine()}"]
    where = ["--no-deps", "--only-binary=:all:", f"--dest={folder}"]
    _command([sys.executable, "-m", "pip", "download", "-q", *wanted, *where, f"numpy=={NUMPY}"])
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "packages")
    wheel.unlink()


def _build(client: Any, log_progress: LogProgress, tag: str, folder: Path, arguments: dict[str, str]) -> None:
    log_progress(f"building the sandbox image {tag}")
    try:
        client.images.build(
            path=str(folder), tag=tag, buildargs=arguments, rm=True, network_mode="none", pull=False
        )
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise FlywheelError(f"The sandbox image cannot be built: {str(error)[:500]}.") from None


def _fetch_base(client: Any, log_progress: LogProgress) -> str:
    """Pulls the registry's base, or builds Debian's; the kind of the one that is now tagged locally."""
    kind = next(iter(BASES))
    if not _exists(client, REGISTRY_BASE):
        log_progress(f"asking the registry for {REGISTRY_BASE}")
        if not _registry_answers():
            log_progress("no registry: building a base with debootstrap")
            _bootstrap_base(client, log_progress)
            return "debian-python3"
        log_progress(f"pulling {REGISTRY_BASE}")
        try:
            client.api.pull(*REGISTRY_BASE.split(":"))
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise FlywheelError(f"Pulling {REGISTRY_BASE} failed: {str(error)[:300]}. Try again.") from None
    client.images.get(REGISTRY_BASE).tag(BASES[kind])
    return kind


def _registry_answers() -> bool:
    try:
        docker_client(REGISTRY_TIMEOUT_S).api.inspect_distribution(REGISTRY_BASE)
    except (docker.errors.DockerException, requests.exceptions.RequestException):
        return False
    return True


def _bootstrap_base(client: Any, log_progress: LogProgress) -> None:
    if os.geteuid() != 0:
        raise FlywheelError(
            f"No registry can be reached and debootstrap needs root: run `docker pull {REGISTRY_BASE}` where "
            f"there is a registry and `docker load` it here, or run this command once as root."
        )
    if not shutil.which("debootstrap"):
        if not shutil.which("apt-get"):
            raise FlywheelError(
                f"No registry can be reached and debootstrap is missing: install debootstrap, or "
                f"`docker load` a saved {REGISTRY_BASE}."
            )
        log_progress("installing debootstrap")
        _command(["apt-get", "update"])
        _command(["apt-get", "install", "-y", "--no-install-recommends", "debootstrap"])
    with tempfile.TemporaryDirectory(prefix="flywheel-base-") as folder:
        root = Path(folder) / "root"
        log_progress(f"debootstrap of Debian {DEBIAN_SUITE} (a minute or two)")
        packages = "python3-minimal,libpython3-stdlib"
        mirror = os.environ.get("FLYWHEEL_DEBIAN_MIRROR", DEBIAN_MIRROR)
        arguments = ["--variant=minbase", f"--include={packages}", DEBIAN_SUITE, str(root), mirror]
        _command(["debootstrap", *arguments])
        archive = Path(folder) / "base.tar"
        unneeded = [
            f"--exclude=./{path}" for path in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "dev")
        ]
        _command(["tar", "-C", str(root), *unneeded, "-cf", str(archive), "."])
        log_progress("importing the base")
        repository, tag = BASES["debian-python3"].split(":")
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag)


def _command(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        last = " / ".join(done.stdout.strip().splitlines()[-3:])
        raise FlywheelError(f"`{' '.join(command[:2])}` failed ({done.returncode}): {last[:400]}.")
