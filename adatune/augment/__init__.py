"""Augmentation of what the discriminator sees, and how strongly to apply it."""

from adatune.augment.pipeline import AugmentParameters, AugmentPipe

__all__ = ["AugmentParameters", "AugmentPipe"]
