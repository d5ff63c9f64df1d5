"""Weights in shares: each process holds a part of them, of their gradients and of the optimizer's numbers.

PyTorch's FSDP2, a transformer layer at a time, through accelerate and the Trainer. accelerate shards on
accelerators alone and takes no notice of the setting on a CPU; `shard_on_cpu` makes it do the same there, so
that what is trained and written can be tested without a GPU.
"""

from __future__ import annotations

from typing import Any

from tasks.settings.training import TrainingSettings


def is_sharded(settings: TrainingSettings) -> bool:
    """Whether several processes share the weights."""
    return settings.sharding == "fsdp" and settings.processes > 1


def sharding_arguments(on_gpu: bool) -> dict[str, Any]:
    """The Trainer's arguments: layers are gathered for their pass alone, checkpoints hold whole weights.

    Activations are recomputed by FSDP, not by the Trainer, which would gather every layer twice.
    """
    return {
        "gradient_checkpointing": False,
        "fsdp": True,
        "fsdp_config": {
            "version": 2,
            "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
            "reshard_after_forward": True,
            "state_dict_type": "FULL_STATE_DICT",
            "activation_checkpointing": on_gpu,
        },
    }


def shard_on_cpu(trainer: Any) -> None:
    """Make a Trainer on CPUs shard its model as it does on GPUs. Call it before it trains."""
    from accelerate import FullyShardedDataParallelPlugin
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType

    state = trainer.accelerator.state
    state.fsdp_plugin = FullyShardedDataParallelPlugin(**trainer.args.fsdp_plugin_args)
    PartialState().distributed_type = state.distributed_type = DistributedType.FSDP
    trainer.is_fsdp_enabled = True


def gathered(trainer: Any) -> dict[str, Any]:
    """The whole weights on the CPU, by name; every process takes part, the first one gets them."""
    weights: dict[str, Any] = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    return weights
