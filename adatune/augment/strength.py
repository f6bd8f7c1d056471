"""How strongly to augment: p follows how sure the discriminator is of the real images (the ADA heuristic)."""

from typing import TypedDict

import torch
from torch import Tensor


class StrengthState(TypedDict):
    """Everything `AugmentStrength` needs to continue, as exact floats."""

    p: float
    r_t: float | None
    sum_of_signs: float
    count: float


def next_p(p: float, r_t: float, target: float, images: int, ada_kimg: float, p_max: float) -> float:
    """One adjustment: p moves by images / (ada_kimg * 1000) towards where r_t would meet the target.

    Args:
        p: the strength so far.
        r_t: mean sign of the discriminator's logits of real images, in [-1, 1]; high when it overfits.
        target: the r_t to hold.
        images: real images shown since the last adjustment.
        ada_kimg: thousands of images in which p can go from 0 to 1.
        p_max: p stays in [0, p_max].

    Source: Karras et al. 2020, arXiv:2006.06676, section 3.
    """
    direction = (r_t > target) - (r_t < target)
    return min(max(p + direction * images / (ada_kimg * 1000), 0.0), p_max)


class AugmentStrength:
    """Watches the logits of real images and steers p; reads back from the device only when it adjusts."""

    def __init__(
        self,
        fixed: float | None = None,
        initial: float = 0.0,
        target: float = 0.6,
        interval: int = 4,
        ada_kimg: float = 500.0,
        p_max: float = 0.8,
    ):
        """Start at INITIAL, or stay at FIXED for ever.

        Args:
            fixed: p, when it is not to be steered; taken as it is. r_t is measured all the same.
            initial: p at the start when it is steered; limited to P_MAX.
            target: the r_t to hold.
            interval: steps between two adjustments; calling `adjust` that often is the caller's part.
            ada_kimg: thousands of images in which p can go from 0 to 1; 100 in transfer learning.
            p_max: beyond about .8 the generator learns the augmentations themselves.
        """
        self.is_fixed = fixed is not None
        self.p = min(initial, p_max) if fixed is None else fixed
        self.target, self.interval, self.ada_kimg, self.p_max = target, interval, ada_kimg, p_max
        self.r_t: float | None = None  # mean sign at the last adjustment; None before the first
        # Sum of signs and count of finite logits since the last adjustment, [2], on the logits' device.
        # Public, so that several processes can add theirs up. Whole numbers: float32 is exact and their order
        # does not matter.
        self.totals = torch.zeros(2)

    @torch.no_grad()
    def observe(self, real_logits: Tensor) -> None:
        """Take note of the logits of a batch of real images, of any shape. Not-finite ones are left out."""
        finite = real_logits.isfinite()
        signs = torch.where(finite, real_logits.sign(), 0).sum(dtype=torch.float32)
        self.totals = self.totals.to(signs.device) + torch.stack([signs, finite.sum(dtype=torch.float32)])

    def adjust(self, batch: int) -> None:
        """Move p for `interval` steps of BATCH images by what was observed since the last call; forget that.

        Where there was no finite logit, nothing changes.
        """
        sum_of_signs, count = self._read_totals()
        self.totals = torch.zeros_like(self.totals)
        if count == 0:
            return
        self.r_t = r_t = sum_of_signs / count
        if not self.is_fixed:
            self.p = next_p(self.p, r_t, self.target, batch * self.interval, self.ada_kimg, self.p_max)

    def state_dict(self) -> StrengthState:
        """Everything needed to go on as if never stopped."""
        sum_of_signs, count = self._read_totals()
        return {"p": self.p, "r_t": self.r_t, "sum_of_signs": sum_of_signs, "count": count}

    def load_state_dict(self, state: StrengthState) -> None:
        """Go on from what `state_dict` gave."""
        self.p, self.r_t = state["p"], state["r_t"]
        self.totals = torch.tensor([state["sum_of_signs"], state["count"]])

    def _read_totals(self) -> tuple[float, float]:
        totals = self.totals.cpu()
        return float(totals[0]), float(totals[1])
