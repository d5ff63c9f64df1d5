"""Settings of the containers that run what was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from tasks.settings.base import SettingsModel

MUTANT_CPU_SHARE = 0.25


class SandboxSettings(SettingsModel):
    """The containers that run generated code, one program at a time each."""

    NOT_IN_CACHE_KEY: ClassVar[Mapping[str, str]] = {
        "slots": "containers that work at once; each runs one program at a time",
        "fault_retries": "a program that the sandbox broke on is run again from its beginning",
        "recycle_after": "a container is swept after every program, and a new one is like it",
    }

    backend: str = Field(
        "docker",
        pattern=r"^[a-z0-9][a-z0-9_.+-]{0,63}$",
        description="Where programs run: docker, or a backend that an installed package registers.",
    )
    slots: int = Field(2, ge=1, le=256, description="Containers that work at once; one a core is right.")
    memory_mb: int = Field(256, ge=64, le=65_536, description="Memory of one program, in MiB.")
    cpu_s: float = Field(
        2.0,
        gt=0,
        le=600,
        description="CPU seconds of one program over all its calls; on benchmarks ten times gold's if that "
        "is more, up to what the benchmark's gold solutions need.",
    )
    wall_s: float = Field(10.0, gt=0, le=3600, description="Wall seconds of one program: the backstop.")
    early_stop: bool = Field(
        True,
        description="In self-play and `agree`, programs that do not end are stopped after a tenth of a "
        "second, or twenty times what the others of their problem took, unless their votes could win.",
    )
    output_kb: int = Field(8192, ge=1, le=65_536, description="What one program may write or return, in KiB.")
    processes: int = Field(32, ge=4, le=4096, description="Processes and threads of one container.")
    recycle_after: int = Field(
        2000, ge=1, le=1_000_000, description="Programs after which a container is replaced."
    )
    fault_retries: int = Field(2, ge=0, le=10, description="Fresh containers tried after a sandbox fault.")
    numpy: bool = Field(
        False,
        description="Programs may import numpy. Arrays and scalars of numpy's that a program returns cannot"
        " be compared: .tolist() and float() make data of them.",
    )
    runtime: str = Field(
        "",
        description="Container runtime; '' for Docker's default, the only one that the attack programs are"
        " tested on (gVisor's runsc does not hold yet, see SECURITY.md).",
    )

    def for_mutants(self) -> SandboxSettings:
        """The same with little CPU time: some mutants never end, and one that is slow is of no use."""
        return self.model_copy(update={"cpu_s": self.cpu_s * MUTANT_CPU_SHARE})
