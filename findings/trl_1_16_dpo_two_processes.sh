#!/usr/bin/env bash
# TRL 1.16's DPO with precompute_ref_log_probs=True fails on two processes when its rows are a data set in memory
# (Dataset.from_list, from_dict): the first process writes the reference log-probabilities into a cache whose name
# datasets draws by chance in each process, and the others look for a name of their own. They end with
# FileNotFoundError, and the first, whose words a user sees last, with "Connection closed by peer". The same rows
# loaded from a folder (save_to_disk, load_from_disk) train, since the cache lies beside them then.
#
# Ends with 0 while that is so, and with 1 once it has changed. Takes some minutes; needs pip and a Python 3.11 to 3.13.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q "torch==2.13.0" "trl==1.16.0" "transformers==5.19.0" "datasets==5.2.0" \
    "accelerate==1.15.0" 2>"$work/pip.log" || { cat "$work/pip.log" >&2; exit 1; }
export HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 HF_DATASETS_CACHE=$work/cache TOKENIZERS_PARALLELISM=false
export OMP_NUM_THREADS=1 TMPDIR=$work/tmp
mkdir "$TMPDIR"

cat >"$work/train.py" <<'PYTHON'
import sys

import torch
from datasets import Dataset, load_from_disk
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

source, folder = sys.argv[1:]
rows = Dataset.from_list([{"prompt": "a b", "chosen": " c" * (1 + n), "rejected": " d"} for n in range(4)])
if source == "write":
    rows.save_to_disk(f"{folder}/rows")
    sys.exit()
if source == "folder":
    rows = load_from_disk(f"{folder}/rows")
words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(["<unk>", "<end>", *"abcd"])}, "<unk>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=words, eos_token="<end>", pad_token="<unk>", unk_token="<unk>"
)
torch.manual_seed(0)
shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
options = DPOConfig(
    output_dir=f"{folder}/out", use_cpu=True, report_to="none", save_strategy="no", max_steps=1,
    per_device_train_batch_size=1, precompute_ref_log_probs=True, disable_tqdm=True,
)
model = LlamaForCausalLM(LlamaConfig(vocab_size=6, **shape))
DPOTrainer(model=model, args=options, train_dataset=rows, processing_class=tokenizer).train()
print("trained")
PYTHON

train() { # how many of two processes trained, on rows from there
    "$work/venv/bin/python" -m torch.distributed.run --nproc_per_node 2 "$work/train.py" "$1" "$work" \
        >"$work/$1.log" 2>&1 || true
    trained=$(grep -c '^trained' "$work/$1.log" || true)
    echo "TRL 1.16.0, rows in $1: $trained of 2 processes train"
    grep -oE 'rank[01]\]: (FileNotFoundError|RuntimeError.*Connection closed by peer).{0,40}' "$work/$1.log" | sed 's/^/  /' || true
}

"$work/venv/bin/python" "$work/train.py" write "$work" >"$work/write.log" 2>&1 || { cat "$work/write.log" >&2; exit 1; }
train memory
in_memory=$trained
train folder
[ "$in_memory" = 0 ] && [ "$trained" = 2 ] && grep -q FileNotFoundError "$work/memory.log" \
    || { echo "this has changed" >&2; exit 1; }
