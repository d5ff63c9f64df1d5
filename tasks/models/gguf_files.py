"""Models in GGUF files, as llama.cpp reads them: made into checkpoint folders once, with float32 weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tasks.core.errors import FlywheelError


def gguf_file(path: Path) -> Path | None:
    """The GGUF file that a path means: itself, or the one in a folder that is no checkpoint; None for none.

    Raises `FlywheelError` for a folder of several.
    """
    if path.suffix == ".gguf" and path.is_file():
        return path
    if not path.is_dir() or (path / "config.json").exists():
        return None
    files = sorted(path.glob("*.gguf"))
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:3])
        raise FlywheelError(
            f"{path} holds {len(files)} GGUF files ({names}): name one of them in model.name; one model in "
            "several parts has to be put together first (`llama-gguf-split --merge`)."
        )
    return files[0] if files else None


def folder_name(file: Path) -> str:
    """What a file's checkpoint is called in the cache: another name once the file is another."""
    stat = file.stat()
    told = f"{file.resolve()}\n{stat.st_size}\n{stat.st_mtime_ns}"
    return f"gguf-{file.stem}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def convert_gguf(file: Path, folder: Path) -> None:
    """Write the checkpoint of a GGUF file into an empty folder: config, float32 weights, tokenizer.

    Raises `FlywheelError` for a file of an architecture that transformers does not read, or a broken one.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    source, name = str(file.parent), file.name
    try:
        loaded = AutoModelForCausalLM.from_pretrained(source, gguf_file=name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=name)
        fields = _tokenizer_fields(file)
    except Exception as error:
        lines = str(error).strip().splitlines() or ["no details"]
        raise FlywheelError(
            f"the GGUF file {file} cannot be read ({type(error).__name__}: {lines[0][:160]}): name a folder "
            "with the model's safetensors in model.name."
        ) from error
    config = loaded.config
    for attribute in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(config, attribute):
            delattr(config, attribute)
    # What was loaded from GGUF refuses save_pretrained; a twin with the same weights does not.
    twin = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    twin.load_state_dict(loaded.state_dict())
    twin.tie_weights()
    twin.save_pretrained(folder)
    _as_the_file_says(tokenizer, config, fields)
    tokenizer.save_pretrained(folder)


def _tokenizer_fields(file: Path) -> dict[str, Any]:
    """What the file says of its tokenizer that transformers does not take over."""
    from gguf import GGUFReader

    reader = GGUFReader(str(file))
    found = {}
    for name in ("pre", "model", "add_bos_token"):
        field = reader.get_field(f"tokenizer.ggml.{name}")
        if field is not None:
            found[name] = field.contents()
    return found


def _as_the_file_says(tokenizer: Any, config: Any, fields: dict[str, Any]) -> None:
    from tokenizers import pre_tokenizers, processors

    if fields.get("pre") == "smollm":
        # A GGUF file names its pre-tokenizer, transformers takes GPT-2's: SmolLM2 learnt digits apart from
        # each other and from the spaces before them.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
    # Some versions of transformers (5.17) take the start of a turn for the end of a text, and rows would end
    # in a token that the model never met there.
    for role in ("eos_token", "pad_token"):
        number = getattr(config, f"{role}_id", None)
        if isinstance(number, int):
            setattr(tokenizer, role, tokenizer.convert_ids_to_tokens(number))
    # SentencePiece's own tokenizers begin a text with BOS where the file does not say otherwise. Without it
    # a token of Gemma 3 has twice the negative log-likelihood.
    wants_bos = fields.get("add_bos_token", fields.get("model") == "llama")
    bos = tokenizer.bos_token
    if wants_bos and bos and list(tokenizer("x")["input_ids"])[:1] != [tokenizer.bos_token_id]:
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.bos_token_id)]
        )
