"""A prepared dataset on disk, in memory, and as batches for training."""
