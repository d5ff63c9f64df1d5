"""TRL's trainers with a loss that is the mean over a whole batch, whatever a micro batch holds.

TRL takes the mean of DPO's SFT term over the tokens of one micro batch, and the Trainer the mean over micro
batches: a row beside short ones weighs more than the same row beside long ones, and what is learnt depends
on how much memory the machine has. The same holds for the loss of held-out rows. Here every term is weighed
by its share of the batch's (the held-out set's) rows or tokens, so that the sum is one mean over all of them.
Imports TRL inside, so only the child calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tasks.training.token_rows import Plan

_REWARDS = ("rewards/margins", "rewards/accuracies")


def trained_tokens(row: Mapping[str, list[int]]) -> int:
    """Tokens that SFT's loss or DPO's SFT term lies on; a text's first is never predicted."""
    if "labels" in row:
        return sum(label != -100 for label in row["labels"][1:])
    return len(row["chosen_ids"]) - (not row["prompt_ids"])


def sft_trainer(held_out: Plan) -> Any:
    """`trl.SFTTrainer`, whose training loss is weighed so already; its held-out loss is here, too."""
    import trl

    class WholeSetSFT(trl.SFTTrainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            labels = inputs["labels"]
            loss = super().compute_loss(model, inputs, *args, **kwargs)
            if self.model.training:
                return loss
            # The Trainer makes the mean over rows of what a micro batch's loss is.
            return loss * (int((labels[:, 1:] != -100).sum()) / (len(labels) * _tokens_a_row(held_out)))

    return WholeSetSFT


def dpo_trainer(held_out: Plan, sft_weight: float, scored: Callable[[int], None]) -> Any:
    """`trl.DPOTrainer` for rows that are tokenized, with the losses sigmoid and sft in this order.

    Its constructor scores all pairs with the reference; `scored` is told of so many more, batch by batch.
    """
    import torch
    import trl

    class WholeBatchDPO(trl.DPOTrainer):  # type: ignore[misc]
        # TRL would tokenize prompt and completion as one text (see `token_rows`), and for DPO it
        # has no way around that but this hook.
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def compute_ref_log_probs(self, model: Any, inputs: Any) -> Any:
            found = super().compute_ref_log_probs(model, inputs)
            scored(len(found[0]) * self.accelerator.num_processes)
            return found

        def get_batch_samples(self, iterator: Iterator[Any], batches: int, device: Any) -> tuple[Any, Any]:
            """The micro batches of a step; counts their pairs and tokens over all processes on the way."""
            samples, items = super().get_batch_samples(iterator, batches, device)
            counts = torch.tensor([_pairs_and_tokens(inputs) for inputs in samples], device=device).sum(0)
            counts = self.accelerator.reduce(counts, reduction="sum")
            self._batch_pairs, self._batch_tokens = counts.tolist()
            return samples, items

        def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            pairs, tokens = _pairs_and_tokens(inputs)
            if self.model.training:
                # Both the Trainer and the processes divide: by the micro batches and by their number.
                parts = self.current_gradient_accumulation_steps * self.accelerator.num_processes
                share = parts * pairs / self._batch_pairs
                self.loss_weights = [share, sft_weight * parts * tokens / self._batch_tokens]
            else:
                # The Trainer weighs a look's micro batches by their rows, but not their rewards.
                share = self._share_of_look(pairs)
                self.loss_weights = [1.0, sft_weight * tokens / (pairs * _tokens_a_row(held_out))]
            loss = super().compute_loss(model, inputs, *args, **kwargs)
            figures = self._metrics["train" if self.model.training else "eval"]
            for name in _REWARDS:
                figures[name][-1] *= share
            return loss

        def _share_of_look(self, pairs: int) -> float:
            """Of several processes all micro batches are whole: what is missing is repeated."""
            if self.accelerator.num_processes > 1:
                return 1.0
            size = self.args.per_device_eval_batch_size
            looks = -(-len(held_out.rows) // int(size))
            return pairs * looks / len(held_out.rows)

    return WholeBatchDPO


def _tokens_a_row(plan: Plan) -> float:
    return sum(map(trained_tokens, plan.rows)) / len(plan.rows)


def _pairs_and_tokens(inputs: Mapping[str, Any]) -> tuple[int, int]:
    """Of one micro batch of DPO, whose first half are the chosen sides."""
    chosen = inputs["completion_mask"].chunk(2, dim=0)[0]
    return len(chosen), int(chosen[:, 1:].sum())
