"""How good, how varied, how close: numbers about pictures."""
