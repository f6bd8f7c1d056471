"""A whole job in four minutes: drawn faces, forty photos of one portrait, and a fine-tuning between them."""
