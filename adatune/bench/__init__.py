"""How fast this machine trains, generates, augments and prepares, and what the work consists of."""
