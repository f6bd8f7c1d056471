"""Any network in or out, nothing executed; names, downloads and their cache."""

from adatune.checkpoints.contents import LoadedNetworks
from adatune.checkpoints.load import load
from adatune.checkpoints.network_file import save_network, save_weights

__all__ = ["LoadedNetworks", "load", "save_network", "save_weights"]
