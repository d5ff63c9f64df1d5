#!/usr/bin/env bash
# With TRL 1.16's DPO and loss_type=["sigmoid", "sft"] (DPO with an SFT term) the batch of 4 pairs that is taken as one
# micro batch of 4 has another gradient than the same batch taken as 4 micro batches of 1: the SFT term is a mean over
# the tokens of a micro batch, and micro batches of few tokens count as much as those of many. So
# per_device_train_batch_size, which people set to what fits into memory, changes what is learnt.
# SFTTrainer counts the tokens of the whole batch: there, and with "sigmoid" alone, both gradients are the same.
#
# Ends with 0 while that is so, and with 1 once it has changed. Takes some minutes; needs pip and a Python 3.11 to 3.13.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q "torch==2.13.0" "trl==1.16.0" "transformers==5.19.0" "datasets==5.2.0" \
    "accelerate==1.15.0" 2>"$work/pip.log" || { cat "$work/pip.log" >&2; exit 1; }
export HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 HF_DATASETS_CACHE=$work/cache TOKENIZERS_PARALLELISM=false

cat >"$work/train.py" <<'PYTHON'
import sys

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

folder = sys.argv[1]
words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(["<unk>", "<end>", *"abcd"])}, "<unk>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=words, eos_token="<end>", pad_token="<unk>", unk_token="<unk>"
)
shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
# Completions of 2, 5, 10 and 17 tokens.
pairs = [{"prompt": "a b", "chosen": " c" * (1 + n * n) + " d" * n, "rejected": " d"} for n in range(4)]
texts = [{"prompt": pair["prompt"], "completion": pair["chosen"]} for pair in pairs]
torch.manual_seed(0)
LlamaForCausalLM(LlamaConfig(vocab_size=6, **shape)).save_pretrained(f"{folder}/model")


def norm(micro: int, *losses: str) -> float:
    """Norm of the gradient of one batch of 4 rows in micro batches of that size."""
    common = {
        "output_dir": f"{folder}/out", "use_cpu": True, "report_to": "none", "save_strategy": "no", "max_steps": 1,
        "per_device_train_batch_size": micro, "gradient_accumulation_steps": 4 // micro, "logging_steps": 1,
        "disable_tqdm": True,
    }
    if losses:
        weights = {"loss_type": list(losses), "loss_weights": [1.0] * len(losses)}
        options, kind, rows = DPOConfig(**common, **weights), DPOTrainer, pairs
    else:
        options, kind, rows = SFTConfig(**common), SFTTrainer, texts
    trainer = kind(model=f"{folder}/model", args=options, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)
    trainer.train()
    return next(log["grad_norm"] for log in trainer.state.log_history if "grad_norm" in log)


changed = False
for name, losses, differs in (
    ("DPO, sigmoid and sft", ("sigmoid", "sft"), True),
    ("DPO, sigmoid", ("sigmoid",), False),
    ("SFTTrainer", (), False),
):
    whole, parts = norm(4, *losses), norm(1, *losses)
    print(f"TRL 1.16.0, {name}: gradient norm {whole:.4f} as one micro batch, {parts:.4f} as four", file=sys.stderr)
    changed |= (abs(whole - parts) > 0.01 * whole) != differs
sys.exit(changed)
PYTHON

"$work/venv/bin/python" "$work/train.py" "$work" 2>"$work/train.log" >/dev/null && code=0 || code=$?
grep "^TRL" "$work/train.log" || { tail -5 "$work/train.log" >&2; exit 1; }
[ "$code" = 0 ] || { echo "this has changed" >&2; exit 1; }
