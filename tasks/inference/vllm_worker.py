"""The process that holds the vLLM engine; imports nothing of the project (see `tasks.inference.sampler`).

Speaks JSON lines over two pipes whose numbers are its arguments. The first line in is the engine's
options; the first line out is `{"ready": ...}`; then every line in is a batch of requests, answered by lines
that tell the `share` that is done, where it takes seconds, and one with its completions. Standard output
belongs to vLLM and goes to a log file. When the pipe in reaches its end, the parent is gone (or wants this)
and the whole process group ends, whatever it is doing.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from typing import Any, BinaryIO


def main() -> None:
    source = os.fdopen(int(sys.argv[1]), "rb")
    sink = os.fdopen(int(sys.argv[2]), "wb")
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(source, lines), daemon=True).start()
    options = json.loads(lines.get())
    started = time.monotonic()
    engine = _engine(options)
    _reply(sink, {"ready": {"start_s": round(time.monotonic() - started, 3)}})
    while True:
        try:
            requests = json.loads(lines.get())
            answer = {"completions": _generate(engine, requests, options["max_model_len"], sink)}
        except Exception as error:
            # The engine may be half way through a batch: say why, then end, and a fresh one starts clean.
            _reply(sink, {"error": f"{type(error).__name__}: {error}"[:2000]})
            raise
        _reply(sink, answer)


def _listen(source: BinaryIO, lines: queue.Queue[bytes]) -> None:
    for line in source:
        lines.put(line)
    # A thread and not PDEATHSIG: that one fires when the parent's *thread* ends. SIGKILL to the group
    # because vLLM's workers are processes of their own and ignore gentler signals while they compute.
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _reply(sink: BinaryIO, message: dict[str, Any]) -> None:
    sink.write(json.dumps(message).encode() + b"\n")
    sink.flush()


def _engine(options: dict[str, Any]) -> Any:
    if options["cores"]:
        # Before vLLM is imported: it binds its threads to the cores that it finds itself allowed.
        os.sched_setaffinity(0, options["cores"])
    from vllm import LLM, EngineArgs

    limits: dict[str, Any] = {}
    length = options["max_model_len"]
    if options["enforce_eager"] and not length:
        length = (
            EngineArgs(model=options["model"], dtype=options["dtype"]).create_model_config().max_model_len
        )
    if length:
        # On CPU vLLM cannot rewind a request's generator after half a prompt, so a seeded request whose
        # prompt is split over two steps fails ("CPU Generator does not use offset"): prompts stay whole.
        limits["max_model_len"] = length
        limits["enable_chunked_prefill"] = False
        limits["max_num_batched_tokens"] = max(8192, length)
    if options["enforce_eager"]:
        # Only whole blocks of a prompt are shared between its n samples. On CPU vLLM takes 128 tokens a
        # block: most of a prompt was computed n times (95 s against 46 s for 8 prompts of 12 samples).
        limits["block_size"] = 32
    return LLM(
        model=options["model"],
        dtype=options["dtype"],
        seed=0,
        enable_prefix_caching=True,
        gpu_memory_utilization=options["gpu_memory_utilization"],
        tensor_parallel_size=options["tensor_parallel"],
        enforce_eager=options["enforce_eager"],
        disable_log_stats=True,
        **limits,
    )


def _counting(sink: BinaryIO) -> Any:
    """What vLLM counts finished prompts with in place of a bar: the share that is done, a line a second."""
    from tqdm import tqdm

    class Counting(tqdm):  # type: ignore[misc]
        def __init__(self, iterable: Any = None, *args: Any, **kwargs: Any) -> None:
            self.told = time.monotonic()
            # What goes through an iterable is only being handed over.
            self.counts = iterable is None
            super().__init__(iterable, *args, **{**kwargs, "file": open(os.devnull, "w")})  # noqa: SIM115

        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = super().update(n)
            if self.counts and self.total and time.monotonic() - self.told >= 1:
                self.told = time.monotonic()
                _reply(sink, {"share": round(self.n / self.total, 4)})
            return shown

    return Counting


def _generate(
    engine: Any, requests: list[dict[str, Any]], limit: int, sink: BinaryIO
) -> list[list[dict[str, Any]]]:
    from vllm import SamplingParams

    # What earlier batches left in the cache would change which tokens are computed together, and with
    # that the last bits of the logits: the same batch would not give the same samples again.
    engine.reset_prefix_cache()
    limit = limit or int(engine.model_config.max_model_len)
    tokenizer = engine.get_tokenizer()
    prompts, params, places = [], [], []
    answers: list[list[dict[str, Any]]] = [[] for _ in requests]
    for place, request in enumerate(requests):
        tokens = list(request["prompt_ids"]) or list(tokenizer(request["prompt"])["input_ids"])
        room = limit - len(tokens)
        if room < 1:
            nothing = {"text": "", "finish_reason": "prompt_too_long", "tokens": 0, "ids": []}
            answers[place] = [nothing] * request["n"]
            continue
        prompts.append({"prompt_token_ids": tokens})
        places.append(place)
        params.append(
            SamplingParams(
                n=request["n"],
                seed=request["seed"],
                temperature=request["temperature"],
                top_k=request["top_k"],
                max_tokens=min(request["max_tokens"], room),
                top_p=request["top_p"],
                min_p=request["min_p"],
                stop=request["stop"],
                stop_token_ids=request["stop_token_ids"],
                include_stop_str_in_output=request["keep_stop"],
                skip_special_tokens=not request["special_tokens"],
            )
        )
    if prompts:
        outputs = engine.generate(prompts, params, use_tqdm=_counting(sink))
        for place, output in zip(places, outputs, strict=True):
            answers[place] = [
                {
                    "text": part.text,
                    "finish_reason": part.finish_reason or "unknown",
                    "tokens": len(part.token_ids),
                    "ids": list(part.token_ids),
                }
                for part in sorted(output.outputs, key=lambda part: part.index)
            ]
    return answers


if __name__ == "__main__":
    main()
