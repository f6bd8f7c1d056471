"""All that a run remembers between two steps, and its way to disk and back."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from adatune.augment import AugmentPipe
from adatune.augment.strength import AugmentStrength
from adatune.errors import RunError
from adatune.home import write_atomically
from adatune.networks import Discriminator, Generator, set_precision
from adatune.networks.precision import Precision
from adatune.training.config import TrainConfig
from adatune.training.flat_parameters import FlatParameters
from adatune.training.freeze import trainable_discriminator, trainable_generator
from adatune.training.optimizer import Adam
from adatune.training.processes import ALONE, Processes
from adatune.training.statistics import Statistics
from adatune.training.trained_walk import TrainedWalk

FORMAT = 1


class TrainingState:
    """Three networks, two optimisers, the augmentation and its strength, averages and counters.

    Every random draw is a function of the seed and `step`, the order of the images of `images_shown`: these
    two integers are the whole state of chance.
    """

    def __init__(
        self,
        config: TrainConfig,
        networks: tuple[Generator, Discriminator, Generator],
        label_pool: Tensor | None,
        device: torch.device,
        processes: Processes = ALONE,
    ) -> None:
        self.config, self.device, self.label_pool, self.processes = config, device, label_pool, processes
        self.G, self.D, self.G_ema = (_prepare(network, device) for network in networks)
        if device.type != "cpu":  # a CPU has no use for half precision but in convolutions
            for network in (self.G, self.D, self.G_ema):
                set_precision(network, cast("Precision", config.precision))
        self.generator_parameters = trainable_generator(self.G, config.freeze_g, config.freeze_m)
        self.discriminator_parameters = trainable_discriminator(self.D, config.freeze_d)
        flat_generator = _flatten(self.G, self.generator_parameters)
        self.average_values = _flatten(self.G_ema, self.generator_parameters).values
        self.generator_optimizer = Adam(flat_generator, config.learning_rate, config.path_length_interval)
        self.discriminator_optimizer = Adam(
            _flatten(self.D, self.discriminator_parameters), config.learning_rate, config.r1_interval
        )
        self.trained_walk = TrainedWalk(config, self.G) if config.steer else None
        self.path_length_mean = torch.zeros([], device=device)
        # What the micro-batches of a phase add up for averages that move once a phase: w, path-length mean.
        self.phase_sums = torch.zeros(config.w_dim + 1, device=device)
        self.augment_pipe = None if config.augs == "none" else AugmentPipe(config.augs).to(device)
        self.strength = AugmentStrength(
            fixed=0.0 if self.augment_pipe is None else config.aug_p,
            initial=config.initial_p,
            target=config.target,
            interval=config.ada_interval,
            ada_kimg=config.ada_kimg,
            p_max=config.p_max,
            device=device,
        )
        self._show_strength()
        self.statistics = Statistics(device)
        self.step = 0  # optimiser steps taken
        # The same on the device, where draws read it: a captured step must not hold the number itself.
        self.step_now = torch.zeros([], dtype=torch.int64, device=device)
        self.images_shown = 0  # real images, and the position in the data
        self.tick = 0  # lines of stats.jsonl written
        self.seconds = 0.0  # of training, over all sessions

    @property
    def has_path_length(self) -> bool:
        """Path-length regularisation is off when its weight is 0, and with Freeze-G."""
        return self.config.path_length_weight > 0 and not self.config.freeze_g

    @property
    def moves_w_average(self) -> bool:
        """A frozen mapping network keeps its mean w, so that truncation means what it meant."""
        return not self.config.freeze_g

    @property
    def p(self) -> float:
        """Augmentation strength now; 0 without augmentation. Waits for the device."""
        return self.strength.p

    def observe_reals(self, logits: Tensor) -> None:
        """Take the logits of augmented reals into r_t and the statistics."""
        self.strength.observe(logits)
        self.statistics.add_logits("real", logits)

    def adjust_strength(self) -> None:
        """Move p after `ada_interval` steps."""
        self.processes.add_up(self.strength.totals)
        self.strength.adjust(self.config.batch)
        self._show_strength()

    def _show_strength(self) -> None:
        if self.augment_pipe is not None:
            self.augment_pipe.p.copy_(self.strength.p_now)

    def collect_sums(self) -> None:
        """Move what the processes have summed up apart to the first of them; before it is read or saved."""
        self.processes.collect(*self.statistics.state_dict().values(), self.strength.totals)

    def drop_gradients(self) -> None:
        """Forget the gradients and sums of a step that was not finished."""
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            optimizer.flat.gradients.zero_()
        if self.trained_walk is not None:
            self.trained_walk.optimizer.flat.gradients.zero_()
        self.phase_sums.zero_()

    def state_dict(self) -> dict[str, Any]:
        """Plain tensors, numbers and strings: readable without executing anything."""
        return {
            "format": FORMAT,
            "G": self.G.state_dict(),
            "D": self.D.state_dict(),
            "G_ema": self.G_ema.state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "strength": self.strength.state_dict(),
            "path_length_mean": self.path_length_mean,
            "statistics": self.statistics.state_dict(),
            "seed": self.config.seed,
            "step": self.step,
            "images_shown": self.images_shown,
            "tick": self.tick,
            "seconds": self.seconds,
            **({"trained_walk": self.trained_walk.state_dict()} if self.trained_walk else {}),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue where SAVED was taken."""
        for name in ("G", "D", "G_ema"):
            getattr(self, name).load_state_dict(saved[name])
        self.generator_optimizer.load_state_dict(saved["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(saved["discriminator_optimizer"])
        if self.trained_walk is not None:
            self.trained_walk.load_state_dict(saved["trained_walk"])
        self.strength.load_state_dict(saved["strength"])
        self._show_strength()
        self.path_length_mean.copy_(saved["path_length_mean"])
        self.statistics.load_state_dict(saved["statistics"])
        self.step, self.images_shown, self.tick = saved["step"], saved["images_shown"], saved["tick"]
        self.seconds = saved["seconds"]


def _prepare(network: Any, device: torch.device) -> Any:
    # Weights in the layout of the activations, so that no convolution copies them.
    return network.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


def _flatten(network: nn.Module, trainable: dict[str, Tensor]) -> FlatParameters:
    """NETWORK in one buffer, those of its parameters whose names are in TRAINABLE first."""
    parameters = dict(network.named_parameters())
    held = [parameter for name, parameter in parameters.items() if name not in trainable]
    return FlatParameters([parameters[name] for name in trainable], held)


def save_state(content: Mapping[str, Any], path: Path) -> None:
    """Write CONTENT, a `state_dict`, to PATH, whole or not at all."""
    write_atomically(path, lambda temporary: write_state(content, temporary))


def write_state(content: Mapping[str, Any], path: Path) -> None:
    """Fill PATH with CONTENT; a full disk is an OSError that says so.

    Through memory: torch's own writer reports a full disk as an internal error at an unexpected position.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with path.open("wb") as file:
        file.write(buffer.getbuffer())


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise RunError(
            f"{path.parent.name} has no state.pt: it was stopped before its first save. "
            "Start again with the same 'adatune train' command."
        )


def load_state(state: TrainingState, path: Path) -> None:
    """Fill STATE (made from the same configuration) from PATH, which the first process alone has to have.

    Raises:
        RunError: the file is missing, damaged, or belongs to another configuration.
    """
    processes = state.processes
    processes.decided_by_first(lambda: _check_there(path))
    source = path if processes.count == 1 else io.BytesIO(processes.decided_by_first(path.read_bytes))
    try:
        state.load_state_dict(torch.load(source, map_location="cpu", weights_only=True))
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RunError(
            f"{path} cannot be continued from: {reason} "
            "Start a new run from one of the folder's networks instead: "
            f"adatune train --resume {path.parent / 'network-*.safetensors'}"
        ) from error
    if not processes.is_first:  # its sums are those of all processes, and the first has them
        state.statistics.clear()
        state.strength.totals.zero_()
