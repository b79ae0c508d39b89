"""How good are samples? Numbers that compare what G makes with the data."""

import math

import torch
from torch import Tensor

# --- On a line ------------------------------------------------------------------------


def wasserstein_1d(a: Tensor, b: Tensor) -> Tensor:
    """How far a sample must move, on average, to turn one crowd into the other.

    Both crowds are lined up by size and paired; on a line no other pairing is shorter.

    Args:
        a: (n,) samples.
        b: (n,) samples of another law, as many.

    Returns:
        () mean distance, in the samples' own unit.

    Raises:
        ValueError: the two are not one-dimensional, or not equally many.

    Source: Peyré and Cuturi 2019, Computational Optimal Transport, chapter 2.

    0 goes to 1 and 4 goes to 6:

    >>> wasserstein_1d(torch.tensor([4.0, 0.0]), torch.tensor([1.0, 6.0])).item()
    1.5
    """
    if a.dim() != 1 or a.shape != b.shape:
        raise ValueError(
            "two batches of shape (n,) are wanted, not "
            f"{tuple(a.shape)} and {tuple(b.shape)}"
        )
    return (a.sort().values - b.sort().values).abs().mean()


def smoothed_density(samples: Tensor, grid: Tensor, width: float) -> Tensor:
    """The density that samples on a line suggest: a small Gaussian around each.

    p(x) = 1/n sum_i N(x; x_i, width^2).

    Args:
        samples: (n,).
        grid: (m,) points.
        width: standard deviation of each Gaussian; too small is ragged, too large
            washes modes out.

    Returns:
        (m,) probability per unit of length.

    One sample is one Gaussian, of density 1 / sqrt(2 pi) = 0.3989 at its center:

    >>> smoothed_density(torch.zeros(1), torch.zeros(1), width=1.0).round(decimals=4)
    tensor([0.3989])
    """
    distance = (grid[:, None] - samples) / width  # (m, n)
    height = 1 / (width * math.sqrt(2 * math.pi))
    return height * torch.exp(-distance.square() / 2).mean(dim=1)


# --- In the plane ---------------------------------------------------------------------


def modes_covered(samples: Tensor, centers: Tensor, radius: float) -> int:
    """How many modes of a law are met by at least one sample.

    Args:
        samples: (n, 2).
        centers: (k, 2) of the modes.
        radius: a mode is met by a sample no farther than this from its center.

    Returns:
        A whole number from 0 to k; a single sample is enough, so it does not tell
        whether the modes have their due shares.

    Source: the ring of eight modes is that of Metz et al. 2016, arXiv:1611.02163.

    Two samples near the first center, none near the second:

    >>> samples = torch.tensor([[0.1, 0.0], [0.0, 0.2], [3.0, 3.0]])
    >>> modes_covered(samples, torch.tensor([[0.0, 0.0], [5.0, 5.0]]), radius=0.5)
    1
    """
    met = torch.cdist(samples, centers) <= radius  # (n, k)
    return int(met.any(dim=0).sum())
