"""Finding directions in w: without examples (SeFa, GANSpace), or from what has a trait and what lacks it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent.boundary import METHODS, left_out_accuracy
from adatune.latent.direction_files import Directions, no_shares
from adatune.latent.ganspace import SAMPLES, principal_components
from adatune.latent.kinship import content_hash, weight_sketch
from adatune.latent.mixing import parse_layers
from adatune.latent.sampling import averaged_generator, map_latents, one_hot
from adatune.latent.seeds import latents_of_seeds
from adatune.latent.sefa import factorize
from adatune.latent.w_statistics import SPREAD_COUNT, deviations_along, draw_ws
from adatune.networks import Generator, NetworkConfig

_ENOUGH = 5  # w on each side, or leaving one out says nothing
_Found = tuple[Tensor, Tensor]  # unit directions [count, w_dim], their shares [count]


@dataclass(frozen=True)
class Search:
    """What `find_directions` is asked for."""

    method: str = "sefa"  # sefa or ganspace
    layers: str | None = None  # 0-6, coarse, middle or fine; None: all
    count: int = 20  # directions; fewer where w has fewer dimensions
    label: int | None = None  # class, for networks trained with labels

    def __post_init__(self) -> None:
        if self.method not in FINDERS:
            raise UsageError(f"--method {self.method} is unknown. Choose one of {', '.join(FINDERS)}.")
        if self.count < 1:
            raise UsageError(f"--count {self.count} is too few: find at least one direction.")


def find_directions(networks: LoadedNetworks, network: str, name: str, search: Search) -> Directions:
    """Directions of NETWORKS that need no examples, the strongest first.

    Args:
        networks: to look in.
        network: what people call them.
        name: of what is found.
        search: how, and where.

    Raises:
        UsageError: the network has other layers or other classes than are asked for.
        UnreadableNetwork: there is no averaged generator.
    """
    generator = averaged_generator(networks)
    layers = chosen_layers(search.layers, networks.config)
    label = one_hot(search.label, networks.config)
    count = min(search.count, networks.config.w_dim)
    vectors, shares = FINDERS[search.method](generator, layers, count, label)
    details: dict[str, Any] = {"class": search.label} if search.label is not None else {}
    return _described(generator, network, name, search.method, layers, (vectors, shares), label, details)


def check_search(search: Search, config: NetworkConfig) -> None:
    """Refuse a SEARCH that makes no sense in networks of CONFIG, before it takes any time.

    Raises:
        UsageError: the network has other layers or other classes than are asked for.
    """
    chosen_layers(search.layers, config)
    one_hot(search.label, config)


def default_name(network: str, method: str, layers: str | None) -> str:
    """What to call directions when nobody says: after NETWORK, METHOD and, where they are some, LAYERS."""
    return "-".join([network.replace("/", "-"), method, *([] if layers is None else [layers])])


def direction_from_seeds(
    networks: LoadedNetworks,
    network: str,
    name: str,
    positive: Sequence[int],
    negative: Sequence[int],
    method: str = "means",
    layers: str | None = None,
    label: int | None = None,
    about: dict[str, Any] | None = None,
) -> Directions:
    """The direction from the pictures of NEGATIVE to those of POSITIVE seeds; see `direction_between`.

    ABOUT is kept with it.

    Raises:
        UsageError: a seed is on both sides or out of range, or as for `find_directions`.
    """
    both = sorted(set(positive) & set(negative))
    if both:
        raise UsageError(f"Seed {both[0]} is among both --positive and --negative. Leave it out of one.")
    generator, condition = averaged_generator(networks), one_hot(label, networks.config)
    sides = [
        map_latents(generator, latents_of_seeds(seeds, generator.z_dim), condition, psi=1)[:, 0].cpu()
        for seeds in (positive, negative)
    ]
    details = {**(about or {}), "positive": list(positive), "negative": list(negative)}
    return direction_between(networks, network, name, (sides[0], sides[1]), method, layers, label, details)


def direction_between(
    networks: LoadedNetworks,
    network: str,
    name: str,
    sides: tuple[Tensor, Tensor],
    method: str,
    layers: str | None,
    label: int | None,
    details: dict[str, Any],
) -> Directions:
    """The direction that tells two lists of w apart, wherever they come from.

    Args:
        networks: that the w are of.
        network: what people call them.
        name: of the direction.
        sides: the w that have what is looked for and those that lack it, each [count, w_dim].
        method: means (the difference of the means) or svm (across the boundary that parts them best).
        layers: that it will move: 0-6, coarse, middle, fine; None: all.
        label: class of the w that measure its scale.
        details: kept with it, and what is found out about it.

    Raises:
        UsageError: the sides do not differ, or the network has no such layers.
    """
    generator, chosen = averaged_generator(networks), chosen_layers(layers, networks.config)
    details = details if label is None else {**details, "class": label}
    try:
        vector, _ = METHODS[method](*sides)
    except ValueError as error:
        raise UsageError(f"No direction leads from one list to the other: {error}.") from error
    if min(map(len, sides)) >= _ENOUGH:
        details = {**details, "left_out_accuracy": round(left_out_accuracy(*sides, method), 3)}
    found = vector[None], no_shares(1)
    return _described(
        generator, network, name, method, chosen, found, one_hot(label, networks.config), details
    )


def chosen_layers(text: str | None, config: NetworkConfig) -> list[int]:
    """The layers that TEXT (coarse, middle, fine or a list; None: all) means for a network of CONFIG.

    Raises:
        UsageError: it has none of them.
    """
    return list(range(config.num_ws)) if text is None else parse_layers(text, config)


def _described(
    generator: Generator,
    network: str,
    name: str,
    method: str,
    layers: list[int],
    found: _Found,
    label: Tensor | None,
    details: dict[str, Any],
) -> Directions:
    vectors, shares = found
    spread = deviations_along(draw_ws(generator, SPREAD_COUNT, label), vectors)
    return Directions(
        name=name,
        method=method,
        network=network,
        network_hash=content_hash(generator),
        num_ws=generator.num_ws,
        layers=layers,
        vectors=vectors[:, None].float(),
        deviations=spread.float(),
        shares=shares.float(),
        sketch=weight_sketch(generator),
        details=details,
    )


def _sefa(generator: Generator, layers: list[int], count: int, label: Tensor | None) -> _Found:
    return factorize(generator, layers, count)


def _ganspace(generator: Generator, layers: list[int], count: int, label: Tensor | None) -> _Found:
    return principal_components(draw_ws(generator, SAMPLES, label), count)


FINDERS: dict[str, Callable[[Generator, list[int], int, Tensor | None], _Found]] = {
    "sefa": _sefa,
    "ganspace": _ganspace,
}
