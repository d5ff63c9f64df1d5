"""Full and read-only disks: seen before anything heavy, told in one sentence, nothing half left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.commands.export import export
from flows.runtime.checks import PACKAGED_PARAMETERS, base_parameters, check_models_fit
from flows.runtime.errors import explain
from tasks.core import disk as room
from tasks.core.disk import MIB, check_room, parameters_of, size, whole_folder
from tasks.core.errors import FlywheelError
from tasks.models.resolve import PACKAGED_MODEL
from tasks.pipeline.workspace import Workspace
from tasks.settings.model import ModelSettings


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two MiB of its own; where nobody may mount one, a folder, and what fills it is simulated."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and _ran("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    yield folder
    if mounted:
        _ran("umount", str(folder))


def _ran(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more can be written there, as nobody noticed beforehand."""
    monkeypatch.setattr(room, "free_bytes", lambda folder: 1 << 40)
    if os.path.ismount(folder):
        with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 65536)
        return

    def no_space(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", no_space)


def test_an_export_to_a_disk_that_fills_is_one_sentence_and_leaves_nothing(
    two_iterations: Any, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(disk, monkeypatch)
    before = sorted(disk.rglob("*"))
    with pytest.raises(
        FlywheelError, match=r"out cannot be written: No space left on device; nothing was left"
    ):
        export("1", str(disk / "new" / "out"), two_iterations[0].workspace)
    assert sorted(disk.rglob("*")) == before


def test_an_export_that_cannot_fit_is_not_begun(
    two_iterations: Any, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.path.ismount(disk):
        monkeypatch.setattr(room, "free_bytes", lambda folder: 2000)
    else:
        (disk / "filler").write_bytes(b"x" * (2 * MIB - 65536))
    with pytest.raises(FlywheelError, match=r"the export needs at least \d+ KiB in .*, and \d+ KiB are free"):
        export("1", str(disk / "out"), two_iterations[0].workspace)
    assert not (disk / "out").exists()


def test_an_export_goes_onto_a_disk_that_is_mounted_at_its_very_folder(
    two_iterations: Any, disk: Path
) -> None:
    assert export("1", str(disk), two_iterations[0].workspace) == f"data set and model in {disk}"
    assert sorted(path.name for path in disk.iterdir()) == ["dataset", "model"]


def test_an_export_to_a_disk_that_may_not_be_written_is_one_sentence(two_iterations: Any, disk: Path) -> None:
    if not (os.path.ismount(disk) and _ran("mount", "-o", "remount,ro", str(disk))):
        disk.chmod(0o555)
    with pytest.raises(FlywheelError, match=r"out cannot be written: (Read-only file|Permission)"):
        export("1", str(disk / "new" / "out"), two_iterations[0].workspace)


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a" / "b") as draft:
        (draft / "file").write_text("text")
        assert not (tmp_path / "a" / "b").exists()
    assert (tmp_path / "a" / "b" / "file").read_text() == "text"

    def broken() -> None:
        with whole_folder(tmp_path / "c" / "d") as draft:
            (draft / "file").write_text("text")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_workspace_too_small_for_its_models_is_noticed_before_anything_runs(
    two_iterations: Any, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.path.ismount(disk):
        monkeypatch.setattr(room, "free_bytes", lambda folder: MIB)
    settings = two_iterations[0].model_copy(update={"workspace": str(disk / "workspace")})
    parameters = base_parameters(settings.model)
    assert parameters == parameters_of(Path(settings.model.name)) > 50_000
    needed = size(2 * 4 * parameters + 64 * MIB)
    with pytest.raises(
        FlywheelError, match=rf"\(2 of .* million parameters\) need at least {needed} in .*MiB are free"
    ):
        check_models_fit(settings)
    # What was trained before needs no room: a finished iteration is reported again on a full disk.
    old, new = (
        Workspace(root).iteration_folder(1) for root in (two_iterations[0].workspace, settings.workspace)
    )
    new.mkdir(parents=True)
    shutil.copyfile(old / "manifest.json", new / "manifest.json")
    check_models_fit(settings)


def test_sizes_are_known_without_loading_a_model(tiny: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    assert parameters_of(tiny) == AutoModelForCausalLM.from_pretrained(tiny).num_parameters()
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    assert parameters_of(tmp_path) == 0
    assert base_parameters(ModelSettings(name=PACKAGED_MODEL)) == PACKAGED_PARAMETERS
    assert [size(n) for n in (2048, 3 * MIB, 120 * MIB, 5 << 30)] == [
        "2 KiB",
        "3.0 MiB",
        "120 MiB",
        "5.0 GiB",
    ]
    with pytest.raises(
        FlywheelError, match=r"it needs at least 1048576 GiB in .*GiB are free there: free some"
    ):
        check_room(tmp_path / "not" / "there", 1 << 50, "it needs", "name another")


def test_a_read_only_disk_has_a_sentence_wherever_it_is_met() -> None:
    error = OSError(errno.EROFS, "Read-only file system", "/x/y")
    assert explain(error) == "/x/y lies on a disk that is read-only: choose a folder that you may write."
