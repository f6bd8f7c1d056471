"""A job small enough to watch: drawn faces, forty photos of one portrait, and a fine-tuning of four minutes."""
