"""The workspace: where tables, models and manifests lie, and the only truth about what is done.

    workspace/
      workspace.json              format version
      lock                        held by one run at a time
      running                     the flow runs of its holder
      campaigns/0001/             a campaign's table and curves
      exports/                    what was last uploaded
      iterations/0001/            (0000: what `flywheel evaluate` scored)
        settings.json             what this iteration was started with
        manifest.json             finished stages: key, inputs, tables, statistics; rewritten last
        report.json               the report of a finished iteration
        <stage>-<key>/            its tables, logs, models; shards/ while it is not finished

A stage's key is the digest of its inputs' digests, its settings and its version. A key that stands in any
manifest is not computed again: that is how a killed run resumes, how a champion's scores are reused as
the next iteration's *before*, and why two iterations can never disagree about the same work.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from tasks.core.disk import write_json
from tasks.core.errors import FlywheelError
from tasks.core.packages import package_versions
from tasks.core.progress import current
from tasks.core.tables import file_digest, read_table, write_table
from tasks.pipeline.old_manifests import todays_manifest
from tasks.pipeline.renamed import by_todays_keys
from tasks.pipeline.statistics import Kind, Statistics, statistics_as
from tasks.settings.iteration import NOT_IN_CACHE_KEY
from tasks.settings.renamed import with_new_names

VERSION = 1
Record = TypeVar("Record")
_HELD: set[Path] = set()
_ELSEWHERE = {"workspace": True, "iteration": True, "schedule": True, "campaign": True}


@dataclass(frozen=True, slots=True)
class Ref:
    """A table by reference: where it lies (relative to the workspace), its digest and length."""

    path: str
    digest: str
    rows: int


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model by reference. `origin` says in words where it came from."""

    path: str
    digest: str
    origin: str


@dataclass(frozen=True)
class StageResult:
    """What a stage left: tables, models, its statistics as JSON with their kind, and rows for people."""

    stage: str
    key: str
    tables: dict[str, Ref] = field(default_factory=dict)
    models: dict[str, ModelRef] = field(default_factory=dict)
    statistics: dict[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)
    settings: Any = None
    reused: bool = False

    def statistics_as(self, kind: type[Kind]) -> Kind:
        """Its statistics. Raises `FlywheelError` where they are another step's, or none."""
        return statistics_as(kind, self.statistics, self.stage)


EXAMPLE_MAX = 1200


class Stage:
    """A stage being computed: what its step reads and writes, shards that survive a kill, statistics.

    It gives a step no way to read what is not among the step's parameters, which the key covers.
    """

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.folder = folder
        self.tables: dict[str, Ref] = {}
        self.models: dict[str, ModelRef] = {}
        self.statistics: Statistics | None = None
        self.examples: list[str] = []
        self._workspace = workspace

    @property
    def owner(self) -> str:
        """The workspace and the iteration, `workspace-3`, in the names of what the stage starts."""
        return f"{self._workspace.root.name}-{int(self.folder.parent.name)}"

    @property
    def log_folder(self) -> Path:
        """Where the iteration keeps the logs of what its stages start."""
        return self.folder.parent / "logs"

    def path(self, ref: Ref | ModelRef) -> Path:
        return self._workspace.path(ref)

    def read(self, ref: Ref, record: type[Record]) -> list[Record]:
        """A table's rows. Raises `FlywheelError` when the file is not the one that the manifest names."""
        return self._workspace.read(ref, record)

    def add_model(self, name: str, folder: Path, digest: str, origin: str) -> None:
        """Name a model that the stage has written into its own folder."""
        self.models[name] = ModelRef(str(folder.relative_to(self._workspace.root)), digest, origin)

    def shard(self, name: str, record: type[Record], compute: Callable[[], Sequence[Record]]) -> list[Record]:
        """The rows of one shard: read when an earlier, killed run finished it, else computed and kept."""
        path = self.folder / "shards" / f"{name}.parquet"
        if path.exists():
            current().found()
        else:
            write_table(path, record, compute())
        return read_table(path, record)

    def show(self, title: str, text: str, language: str = "python") -> None:
        """One of the rows, for people who look at the stage's artifact; what is long is cut."""
        fence = "`" * 4
        self.examples.append(f"**{title}**\n\n{fence}{language}\n{text.strip()[:EXAMPLE_MAX]}\n{fence}")

    def write(self, name: str, record: type[Record], rows: Sequence[Record]) -> Ref:
        """Write one of the stage's tables. A table that exists is never changed."""
        path = self.folder / f"{name}.parquet"
        count = write_table(path, record, rows)
        self.tables[name] = Ref(str(path.relative_to(self._workspace.root)), file_digest(path), count)
        return self.tables[name]

    def result(self, name: str, key: str, inputs: dict[str, str], settings: Any) -> StageResult:
        """What the stage has left."""
        statistics = self.statistics.model_dump(mode="json") if self.statistics else {}
        return StageResult(
            name, key, self.tables, self.models, statistics, tuple(self.examples), inputs, settings
        )


class Workspace:
    """A folder of iterations. Raises `FlywheelError` for a folder of another version or no folder at all."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().resolve()
        marker = self.root / "workspace.json"
        if not marker.exists():
            if self.root.exists() and (not self.root.is_dir() or any(self.root.iterdir())):
                raise FlywheelError(
                    f"{self.root} is not a flywheel workspace and not empty: name an empty or new folder."
                )
            try:
                write_json(marker, {"version": VERSION})
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise FlywheelError(
                    f"the workspace {self.root} cannot be made: {error.strerror}; name another folder."
                ) from None
        try:
            version = json.loads(marker.read_text())["version"]
        except (ValueError, KeyError, TypeError):
            raise FlywheelError(f"{marker} is damaged: restore it or use a new workspace.") from None
        if version != VERSION:
            raise FlywheelError(
                f"{self.root} is a workspace of version {version}, this program writes version {VERSION}: "
                "use a new workspace, or the program's version that made it."
            )

    @classmethod
    def existing(cls, root: Path | str) -> Workspace:
        """Open for reading; raises `FlywheelError` when there is none."""
        if not (Path(root).expanduser() / "workspace.json").exists():
            raise FlywheelError(f"no workspace at {root}: name it with --workspace, or start a run first.")
        return cls(root)

    @contextlib.contextmanager
    def lock(self, holder: str) -> Iterator[None]:
        """Be the one writer. The kernel frees the lock of a holder that died.

        The process that holds it may take it again (a campaign's iterations do). Raises `FlywheelError`
        naming the holder when another run has it.
        """
        if self.root in _HELD:
            yield
            return
        with (self.root / "lock").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise FlywheelError(
                    f"the workspace {self.root} is in use by {file.read().strip() or 'another run'}: "
                    "wait for it to end, or use another workspace."
                ) from None
            file.truncate(0)
            file.write(f"{holder} (process {os.getpid()} on {socket.gethostname()})")
            file.flush()
            _HELD.add(self.root)
            try:
                yield
            finally:
                _HELD.discard(self.root)
                file.truncate(0)

    def iteration_folder(self, iteration: int) -> Path:
        return self.root / "iterations" / f"{iteration:04d}"

    def iterations(self) -> list[int]:
        """Numbers of all iterations, ascending."""
        folders = (self.root / "iterations").glob("[0-9]*")
        return sorted(int(path.name) for path in folders if path.name.isdigit() and path.is_dir())

    def begin(self, settings: BaseModel) -> int:
        """The iteration to work on: the one asked for, else the unfinished one with these settings, else new;
        one that ended before anything was computed, as by a model's misspelt name, is taken over.

        What only says where, when, how often and on what machine does not make settings different. Raises
        `FlywheelError` if the one asked for was started with others: its tables would be those of two runs.
        """
        number = self.number_for(settings)
        plain = settings.model_dump(mode="json", exclude=_ELSEWHERE)
        write_json(self.iteration_folder(number) / "settings.json", plain)
        return number

    def number_for(self, settings: BaseModel) -> int:
        """The iteration that `begin` would give, without beginning it."""
        plain = settings.model_dump(mode="json", exclude=_ELSEWHERE)
        asked = int(getattr(settings, "iteration", 0))
        number = asked or self._resumable(plain)
        before = self.started_with(number) if asked else None
        if before is not None and (names := _differences(before, plain)):
            raise FlywheelError(
                f"iteration {number} was started with other settings ({', '.join(names[:5])}): choose "
                "another number (--set iteration=0 for the next), another workspace, or the same settings."
            )
        return number

    def _resumable(self, plain: dict[str, Any]) -> int:
        numbers = [number for number in self.iterations() if number > 0]
        for number in reversed(numbers):
            same = not _differences(self.started_with(number), plain)
            if same and not self.manifest(number)["finished"]:
                return number
        if numbers and self.manifest(numbers[-1]) == {"stages": {}, "finished": None}:
            return numbers[-1]
        return max(numbers, default=0) + 1

    def started_with(self, iteration: int) -> Any:
        """The settings that an iteration was started with, as plain JSON by their names of today; None for no
        iteration."""
        path = self.iteration_folder(iteration) / "settings.json"
        return with_new_names(json.loads(path.read_text()), tell=False) if path.exists() else None

    def iterations_with(self, settings: BaseModel) -> list[int]:
        """The unbroken run of latest iterations that were started with these settings, ascending.

        With an explicit `settings.iteration`: those from that one on.
        """
        plain = settings.model_dump(mode="json", exclude=_ELSEWHERE)
        first = int(getattr(settings, "iteration", 0))
        numbers = [number for number in self.iterations() if number >= max(1, first)]
        iterations = itertools.takewhile(
            lambda number: not _differences(self.started_with(number), plain), reversed(numbers)
        )
        return list(iterations)[::-1]

    def manifest(self, iteration: int) -> dict[str, Any]:
        """`{"stages": {key: entry}, "finished": report or None}`, in today's form whoever wrote it."""
        path = self.iteration_folder(iteration) / "manifest.json"
        if not path.exists():
            return {"stages": {}, "finished": None}
        try:
            content: dict[str, Any] = json.loads(path.read_text(), object_pairs_hook=by_todays_keys)
            whole = {"stages", "finished"} <= content.keys()
        except (ValueError, AttributeError):
            whole = False
        if not whole:
            raise FlywheelError(f"{path} is damaged: move the folder {path.parent} away and run again.")
        return todays_manifest(content)

    def stages(self, iteration: int) -> list[StageResult]:
        """An iteration's finished stages, in the order they ran."""
        return [_stage_from(entry) for entry in self.manifest(iteration)["stages"].values()]

    def find(self, key: str) -> StageResult | None:
        """The finished stage of that key, in whichever iteration computed it, if its tables still exist."""
        for iteration in reversed(self.iterations()):
            entry = self.manifest(iteration)["stages"].get(key)
            if entry is None:
                continue
            result = _stage_from(entry)
            paths = [ref.path for ref in result.tables.values()] + [
                ref.path for ref in result.models.values()
            ]
            if all((self.root / path).exists() for path in paths):
                return result
        return None

    @contextlib.contextmanager
    def stage(
        self, iteration: int, name: str, key: str, inputs: dict[str, str], settings: Any
    ) -> Iterator[Stage]:
        """Compute a stage; its manifest entry is written when the block ends well, after its tables."""
        stage = Stage(self, self.iteration_folder(iteration) / f"{name}-{key[:12]}")
        stage.folder.mkdir(parents=True, exist_ok=True)
        yield stage
        self.record(iteration, stage.result(name, key, inputs, settings))
        shutil.rmtree(stage.folder / "shards", ignore_errors=True)

    def record(self, iteration: int, result: StageResult) -> None:
        """Name a finished stage in the iteration's manifest (atomically, last).

        Two stages may be one computation (two models that answer alike are executed and scored once): the
        second is kept beside the first, under its own name.
        """
        manifest = self.manifest(iteration)
        entry = asdict(result)
        del entry["reused"]
        twin = manifest["stages"].get(result.key, entry)
        same = twin["stage"] == result.stage
        name = result.key if same else f"{result.key}/{result.stage}"
        # Readers take the last stage of a name: the one that this run stands on.
        manifest["stages"].pop(name, None)
        manifest["stages"][name] = entry
        manifest.setdefault("packages", package_versions())
        write_json(self.iteration_folder(iteration) / "manifest.json", manifest)

    def finish(self, iteration: int, report: BaseModel) -> None:
        """Mark the iteration as finished, with its report: the last write of a run. report.json is the same
        report, for readers."""
        manifest = self.manifest(iteration)
        manifest["finished"] = report.model_dump(mode="json")
        write_json(self.iteration_folder(iteration) / "report.json", manifest["finished"])
        write_json(self.iteration_folder(iteration) / "manifest.json", manifest)

    def path(self, ref: Ref | ModelRef) -> Path:
        return self.root / ref.path

    def read(self, ref: Ref, record: type[Record]) -> list[Record]:
        """A table's rows. Raises `FlywheelError` when the file is not the one that the manifest names."""
        path = self.path(ref)
        if not path.exists():
            raise FlywheelError(f"{path} is gone, though a manifest names it: restore it or run again.")
        if file_digest(path) != ref.digest:
            raise FlywheelError(f"{path} is not the table that its manifest names (digest differs).")
        return read_table(path, record)


def _differences(before: Any, plain: dict[str, Any]) -> list[str]:
    """Dotted names of the settings that make two runs different ones; `before` None: ["all"]."""
    if before is None:
        return ["all"]
    found = []
    for part in sorted({*before, *plain}):
        old, new = before.get(part), plain.get(part)
        if isinstance(old, dict) and isinstance(new, dict):
            names = {*old, *new} - NOT_IN_CACHE_KEY.get(part, set())
            found += [f"{part}.{name}" for name in sorted(names) if old.get(name) != new.get(name)]
        elif old != new:
            found.append(part)
    return found


def _stage_from(entry: dict[str, Any]) -> StageResult:
    return StageResult(
        stage=entry["stage"],
        key=entry["key"],
        tables={name: Ref(**ref) for name, ref in entry["tables"].items()},
        models={name: ModelRef(**ref) for name, ref in entry["models"].items()},
        statistics=entry["statistics"],
        examples=tuple(entry["examples"]),
        inputs=entry["inputs"],
        settings=entry["settings"],
        reused=True,
    )
