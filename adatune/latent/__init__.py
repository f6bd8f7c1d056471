"""Looking around a trained network."""
