#!/usr/bin/env bash
# accelerate 1.15 (with transformers 5.19) takes no notice of FSDP on CPUs: `TrainingArguments(fsdp=True,
# use_cpu=True)` in two processes wraps the model for data parallel training, every process holds all weights,
# and nothing says so. Who tries sharded training on CPUs before renting GPUs tests something else.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q "torch==2.13.0" "transformers==5.19.0" "accelerate==1.15.0" numpy
cat >train.py <<'PY'
import torch
import torch.distributed as dist
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

torch.manual_seed(0)
config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                     num_attention_heads=2, num_key_value_heads=2)
model = LlamaForCausalLM(config)
rows = [{"input_ids": [1, 2, 3, 4], "labels": [1, 2, 3, 4]}] * 8
arguments = TrainingArguments("out", use_cpu=True, fsdp=True, max_steps=1, report_to="none", disable_tqdm=True,
                              save_strategy="no", fsdp_config={"version": 2})
trainer = Trainer(model=model, args=arguments, train_dataset=rows)
trainer.train()
if dist.get_rank() == 0:
    kinds = sorted({type(weight).__name__ for weight in trainer.model.parameters()})
    held = sum(weight.numel() for weight in trainer.model.parameters())
    print("RESULT", trainer.accelerator.distributed_type.name, type(trainer.model_wrapped).__name__, kinds[0], held)
PY
seen=$(venv/bin/python -m torch.distributed.run --standalone --nproc-per-node 2 train.py 2>/dev/null | grep RESULT)
echo "accelerate 1.15.0, transformers 5.19.0, torch 2.13.0: $seen"
echo "expected to be seen: MULTI_CPU DistributedDataParallel Parameter; sharded it would be FSDP and DTensor"
case $seen in *"MULTI_CPU DistributedDataParallel Parameter"*) ;; *) echo "the behaviour has changed"; exit 1 ;; esac
