"""`make demo-network`: train the demo's starting network from scratch on drawn faces, and write it down whole."""
