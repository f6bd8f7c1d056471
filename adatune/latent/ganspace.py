"""GANSpace: the principal components of w, along which a generator's latents vary most.

Source: Haerkoenen et al. 2020, arXiv:2004.02546. The covariance of w is small enough to be solved whole, so
nothing is estimated in batches.
"""

from torch import Tensor

from adatune.latent.eigenvectors import leading_eigenvectors

SAMPLES = 50_000  # w that the components are taken of


def principal_components(ws: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The COUNT directions along which WS vary most.

    Args:
        ws: [n, w_dim], at least 2.
        count: at most w_dim.

    Returns:
        unit directions [count, w_dim] and the share of the variance that each explains [count], float64.
    """
    centred = ws.double() - ws.double().mean(dim=0)
    covariance = centred.T @ centred / (len(ws) - 1)
    vectors, variances = leading_eigenvectors(covariance, count)
    return vectors, variances / covariance.trace()
