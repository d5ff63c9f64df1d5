"""The image variant with numpy: what it adds, and that nothing else is different."""

from __future__ import annotations

import pytest

from tasks.core.records import Program
from tasks.sandbox.image import NUMPY, ensure_image
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sandbox import SandboxSettings
from tests.sandbox.test_attacks import ATTACKS, SETTINGS, programs, wrong
from tests.sandbox.test_sandbox import brief, call

CODE = """
import numpy as np

def as_list(n):
    return np.arange(n).tolist()

def total(xs):
    return float(np.sum(np.array(xs) ** 2))

def scalar(x):
    return np.float64(x)

def array(n):
    return [np.zeros(n)]

def product(n):
    a = np.ones((n, n))
    return int((a @ a)[0, 0])

def bomb(n):
    return len(np.ones(n))
"""


@pytest.fixture(scope="module")
def numpy_image(image: str) -> str:
    tag = ensure_image(print, numpy=True)
    assert tag == f"{image}-numpy{NUMPY}"
    return tag


@pytest.mark.soak
def test_programs_may_use_numpy(numpy_image: str, sandbox_settings: SandboxSettings) -> None:
    calls = (
        call("as_list", 3), call("total", [1.5, 2]), call("product", 200), call("scalar", 1.0),
        call("array", 2), call("bomb", 10**9),
    )  # fmt: skip
    with DockerSandbox(sandbox_settings, numpy_image, "tests-numpy") as sandbox:
        (execution,) = sandbox.run([Program("p", CODE, "f", calls)])
    # Its numbers are subclasses with operators of their own: opaque, as every other object is.
    assert brief(execution.calls) == [
        "value [0,1,2]", "value 6.25", "value 200", 'value {"o":"float64"}', 'value [{"o":"ndarray"}]',
        "memory Unable to allocate 7.45 GiB for an array with shape (1000000000,) and data type float64",
    ]  # fmt: skip


@pytest.mark.soak
def test_the_attack_corpus_meets_the_same_walls(numpy_image: str) -> None:
    # An attack that reads all of its memory has more to read here.
    settings = SETTINGS.model_copy(update={"cpu_s": 2 * SETTINGS.cpu_s})
    with DockerSandbox(settings, numpy_image, "tests-numpy") as sandbox:
        done = {execution.program_id: execution for execution in sandbox.run(programs(ATTACKS))}
    assert not [line for path in ATTACKS for line in wrong(path, done)]
