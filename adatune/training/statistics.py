"""Means of what the steps of a tick have seen, summed on the device so that no step waits for the host."""

import torch
from torch import Tensor

from adatune.device import exact_dtype

# Keys of a row of stats.jsonl that are means over a tick.
NAMES = (
    "loss_G",
    "loss_G_reg",
    "loss_D",
    "loss_D_reg",
    "path_length",
    "path_length_penalty",
    "r1",
    "score_real",
    "score_fake",
    "sign_real",
    "sign_fake",
    "loss_edit",
)


class Statistics:
    """Sums and counts by name. Values that are not finite are left out and counted."""

    def __init__(self, device: torch.device) -> None:
        dtype = exact_dtype(device)
        self.sums = torch.zeros(len(NAMES), dtype=dtype, device=device)
        self.counts = torch.zeros(len(NAMES), dtype=dtype, device=device)
        self.not_finite = torch.zeros([], dtype=dtype, device=device)

    def add(self, name: str, values: Tensor) -> None:
        """Take VALUES (any shape) into the mean called NAME."""
        values = values.detach().to(self.sums.dtype).flatten()
        is_finite = values.isfinite()
        index = NAMES.index(name)
        self.sums[index] += torch.where(is_finite, values, 0.0).sum()
        self.counts[index] += is_finite.sum()
        self.not_finite += (~is_finite).sum()

    def add_logits(self, kind: str, logits: Tensor) -> None:
        """Take scores and signs of the logits of KIND, 'real' or 'fake'."""
        logits = logits.detach()
        self.add(f"score_{kind}", logits)
        # torch says that NaN has the sign 0, which would count.
        self.add(f"sign_{kind}", torch.where(logits.isfinite(), logits.sign(), torch.nan))

    def means(self) -> dict[str, float | None]:
        """Mean by name, None where nothing came, and how many values were not finite."""
        sums, counts = self.sums.tolist(), self.counts.tolist()
        row: dict[str, float | None] = {
            name: total / count if count else None
            for name, total, count in zip(NAMES, sums, counts, strict=True)
        }
        row["not_finite"] = self.not_finite.item()
        return row

    def clear(self) -> None:
        """Start the next tick."""
        for tensor in (self.sums, self.counts, self.not_finite):
            tensor.zero_()

    def state_dict(self) -> dict[str, Tensor]:
        """The sums so far."""
        return {"sums": self.sums, "counts": self.counts, "not_finite": self.not_finite}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from a `state_dict`; one of an older adatune has fewer means."""
        for name, tensor in self.state_dict().items():
            tensor.view(-1)[: state[name].numel()].copy_(state[name].view(-1))
