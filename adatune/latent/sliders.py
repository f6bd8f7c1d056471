"""What `adatune steer` can be asked for, and its story: a walk learned or found, shown, measured and kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from adatune.augment.edits import Edit, make_edit
from adatune.augment.user_edit import load_edit
from adatune.checkpoints import LoadedNetworks
from adatune.checkpoints.walk_files import read_walk, walk_beside
from adatune.data.dataset import find_dataset
from adatune.errors import UsageError
from adatune.latent.dataset_photos import read_photos
from adatune.latent.direction_files import Directions, path_for, save_directions
from adatune.latent.kinship import name_of
from adatune.latent.picture_files import output_folder
from adatune.latent.progress import Progress
from adatune.latent.sampling import SamplingConfig, averaged_generator, one_hot
from adatune.latent.seeds import parse_seeds
from adatune.latent.steering import SteeringConfig, new_walk, parse_alphas, with_defaults
from adatune.latent.steering_files import WalkFiles, files_for, find_walk, to_directions
from adatune.latent.steering_job import Steering, draw_sheets, find_limits, learn, with_limits
from adatune.latent.steering_limits import Limits, LimitsConfig
from adatune.metrics.features import choose_features
from adatune.networks import NetworkConfig
from adatune.networks.walks import LinearWalk, Walk


@dataclass(frozen=True)
class SliderConfig:
    """What is asked for, in the words of the command line; None is a default."""

    edit: str
    edit_file: str | None = None  # of an edit of one's own
    space: str = "w+"
    nonlinear: bool = False
    loss: str = "auto"
    features: str = "auto"
    steps: int | None = None
    samples: int | None = None  # in place of steps: pictures
    batch: int | None = None
    lr: float | None = None
    seed: int = 0
    name: str | None = None
    replace: bool = False
    use: bool = False  # learn nothing
    alphas: str | None = None  # "-8,-4,4,8"
    seeds: str = "0-3"
    has_limits: bool = True
    limit_samples: int = 256
    max_kid: float | None = None
    data: str | None = None  # dataset whose spread is put beside the limits
    psi: float = 0.7
    label: int | None = None
    square: bool = False
    out: Path | None = None

    def __post_init__(self) -> None:
        if self.steps and self.samples:
            raise UsageError("--steps and --samples say the same thing. Leave one out.")
        if self.lr is not None and not self.lr > 0:
            raise UsageError(f"--lr {self.lr} must be above 0. Leave it out for the default.")
        if (self.edit == "own") != (self.edit_file is not None):
            raise UsageError(
                "An edit of one's own takes both: adatune steer own --edit-file my_edit.py:function"
            )
        _ = self.steering, self.look, self.limits  # a slip is told before a network is looked for
        parse_seeds(self.seeds)

    @property
    def called(self) -> str:
        """The name of the walk."""
        return f"{self.edit}-{self.space}{'-nonlinear' * self.nonlinear}" if self.name is None else self.name

    @property
    def steering(self) -> SteeringConfig:
        """How the walk is learned, as far as no network is needed to say."""
        steps, batch, rate = self.steps or SteeringConfig.steps, self.batch or 0, self.lr or 0.0
        return SteeringConfig(
            self.space, self.nonlinear, self.loss, steps, batch, rate, self.seed, self.label
        )

    @property
    def look(self) -> SamplingConfig:
        """How pictures of the sheet are drawn."""
        return SamplingConfig(self.psi, label=self.label, is_square=self.square)

    @property
    def limits(self) -> LimitsConfig:
        """How limits are measured."""
        return LimitsConfig(self.limit_samples, self.psi, self.max_kid, self.label)

    def edit_for(self, network: NetworkConfig) -> Edit:
        """The edit of the pictures of NETWORK."""
        if self.edit_file is not None:
            return load_edit(self.edit_file)
        return make_edit(self.edit, network.resolution, network.channels)


@dataclass(frozen=True)
class Slider:
    """What was made."""

    name: str
    edit: str
    space: str
    loss: float | None  # None: nothing was learned
    limits: list[Limits]
    directions: Directions | None  # where it is a line in w that has not been kept as one before
    files: list[Path]


def make_slider(
    config: SliderConfig,
    path: Path,
    networks: LoadedNetworks,
    announce: Callable[[str], object],
    progress: Progress,
) -> Slider:
    """Make what CONFIG asks for.

    Args:
        config: what.
        path: the file of the network.
        networks: from it.
        announce: told what is learned, and for how long.
        progress: shows how far the work is.

    Raises:
        UsageError: the network has no such class, or the edit, the walk or the names do not fit together.
        DatasetError, FeaturesUnavailable, UnreadableLatents, UnreadableNetwork: what they say.
    """
    files = files_for(config.called, config.steering, config.replace or config.use)
    edit = config.edit_for(networks.config)
    strengths = list(edit.shown) if config.alphas is None else parse_alphas(config.alphas, edit)
    one_hot(config.label, networks.config)  # refused before anything is learned
    photos = None if config.data is None else read_photos(find_dataset(config.data), networks.config)
    kept: list[Path] = []
    if config.use:
        job, walk, found, loss = *_found(config, path, networks, edit), None
    else:
        job, walk, found, loss = _learned(config, path, networks, edit, files, announce, progress)
        kept.append(files.walk)
    stem = (config.out or output_folder(path)) / f"steer-{config.called}"
    drawn = draw_sheets(job, walk, strengths, parse_seeds(config.seeds), config.look, stem, progress)
    limits: list[Limits] = []
    if config.has_limits:
        limits, more = find_limits(job, walk, strengths, config.limits, photos, stem, progress)
        drawn += more
    if found is not None:
        found = with_limits(found, edit, limits) if limits else found
        kept.append(path_for(found.name, may_replace=True))
        save_directions(found, kept[-1])
    return Slider(config.called, edit.name, job.config.space, loss, limits, found, kept + drawn)


def _learned(
    config: SliderConfig,
    path: Path,
    networks: LoadedNetworks,
    edit: Edit,
    files: WalkFiles,
    announce: Callable[[str], object],
    progress: Progress,
) -> tuple[Steering, Walk, Directions | None, float]:
    generator = averaged_generator(networks)
    how = with_defaults(config.steering, generator, edit)
    if config.samples:
        how = replace(how, steps=-(-config.samples // how.batch))
    new_walk(generator, edit, how)  # refused before it is announced
    job = Steering(networks, name_of(path), edit, how, choose_features(networks, config.features))
    by = how.loss_for(edit)
    by += f" ({job.features.name})" if by == "perceptual" else ""
    length = f"{how.steps} steps of {how.batch} pictures"
    announce(f"Learning {edit.name} in {how.space} with {path}: {length}, loss {by}")
    return job, *learn(job, files, progress)


def _found(
    config: SliderConfig, path: Path, networks: LoadedNetworks, edit: Edit
) -> tuple[Steering, Walk, Directions | None]:
    """The walk of that name; without one, that which was trained with the network, if it is of that kind.

    The latter comes with its directions, called after the network.
    """
    generator, network = averaged_generator(networks), name_of(path)
    trained = walk_beside(path, edit.name)
    is_of_that_kind = config.name is None and config.space == "w+" and not config.nonlinear
    is_trained = is_of_that_kind and trained.is_file()
    walk, what = (
        read_walk(trained, generator, edit) if is_trained else find_walk(config.called, generator, edit)
    )
    how, features = SteeringConfig(what.space, what.is_nonlinear), choose_features(networks, config.features)
    found = None
    if is_trained and isinstance(walk, LinearWalk):
        name, label = f"{edit.name}-{network.replace('/', '-')}", one_hot(config.label, networks.config)
        found = to_directions(walk, edit, what.training, generator, network, name, label)
    return Steering(networks, network, edit, how, features, what.training), walk, found
