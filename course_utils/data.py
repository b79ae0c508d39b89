"""Data of the course: image sets, laws with known densities, and the latent prior.

Images are float32 in [-1, 1], the range of a generator that ends in tanh. Every draw
comes from the `torch.Generator` that is passed in, on the CPU, so that a seed gives the
same numbers on every device.
"""

import hashlib
import io
import math
import numbers
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

DATA_DIR = Path(__file__).resolve().parent.parent / "data"
DIGITS_SHA256 = "0c2aff3ad3efa4c983d74435f40847c3f2dea3c33f362c61616f7b067d84c8fe"
SMALLEST_SIZE = 8


class DataError(RuntimeError):
    """A data file is missing or broken; the message says what to do."""


# --- Images -------------------------------------------------------------------------


def load(name: str, size: int = 32, channels: int = 1) -> tuple[Tensor, Tensor]:
    """Images of a named set and their labels, ready for a network.

    A pixel p of the digits (0 is paper, 16 is full ink) becomes p / 8 - 1. At size 8
    these are the recorded pixels; larger sizes are enlarged bicubically and clamped,
    because the bicubic curve overshoots beside a sharp edge.

    Args:
        name: the set; "digits" are 1,797 handwritten digits.
        size: height and width in pixels, at least 8.
        channels: 1, or 3 for three equal channels.

    Returns:
        images: (n, channels, size, size) float32 in [-1, 1].
        labels: (n,) int64.

    Raises:
        ValueError: the name, the size or the number of channels is not offered.
        DataError: the set's file is missing or broken.

    Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI,
    doi:10.24432/C50P49.

    The top row of the first image is 0 0 5 13 9 1 0 0, and 5 / 8 - 1 = -0.375:

    >>> images, labels = load("digits", size=8)
    >>> images[0, 0, 0, :4].tolist()
    [-1.0, -1.0, -0.375, 0.625]
    >>> images.shape, labels[:3].tolist()
    (torch.Size([1797, 1, 8, 8]), [0, 1, 2])
    """
    if name not in _READERS:
        names = ", ".join(repr(known) for known in _READERS)
        raise ValueError(f"there is no image set {name!r}; there is {names}")
    _require_whole(size, "size", smallest=SMALLEST_SIZE)
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, not {channels!r}")
    pixels, labels = _READERS[name]()  # (n, 1 or 3, height, width) in [-1, 1]
    images = _resize(pixels, size)
    return images.expand(-1, channels, -1, -1).contiguous(), labels


def split(
    images: Tensor, labels: Tensor, *, heldout: int = 297, seed: int = 0
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A part to train on and a part held out, with every class in both.

    Each class gives the same share of its images, to within one image; which ones is
    drawn from the seed. Both parts keep the order of the input.

    Args:
        images: (n, ...).
        labels: (n,) whole numbers.
        heldout: how many of the n are held out.
        seed: of the draw.

    Returns:
        (train_images, train_labels): n - heldout of them.
        (heldout_images, heldout_labels): heldout of them.

    Raises:
        ValueError: images and labels differ in number, or a class would be missing
            from a part.

    >>> labels = torch.tensor([0, 1, 0, 1, 0, 1])
    >>> train, test = split(torch.arange(6.0), labels, heldout=2)
    >>> train[1].bincount().tolist(), test[1].bincount().tolist()
    ([2, 2], [1, 1])
    """
    n = len(images)
    if labels.shape != (n,):
        raise ValueError(
            f"{n} images need labels of shape ({n},), not {tuple(labels.shape)}"
        )
    _require_whole(heldout, "heldout", smallest=1)
    shuffled = torch.randperm(n, generator=rng(seed))
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    # Evenly spaced places in a list sorted by class take an even share of each class.
    places = ((torch.arange(heldout, dtype=torch.float64) + 0.5) * n / heldout).long()
    is_heldout = torch.zeros(n, dtype=torch.bool)
    is_heldout[by_class[places]] = True
    train = images[~is_heldout], labels[~is_heldout]
    test = images[is_heldout], labels[is_heldout]
    n_classes = len(labels.unique())
    if min(len(train[1].unique()), len(test[1].unique())) < n_classes:
        raise ValueError(
            f"heldout={heldout} of {n} images leaves a part without one of the "
            f"{n_classes} classes"
        )
    return train, test


def _read_digits() -> tuple[Tensor, Tensor]:
    """(1797, 1, 8, 8) float32 in [-1, 1] and (1797,) int64."""
    content = _read_checked(DATA_DIR / "digits.npz", DIGITS_SHA256)
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    pixels = torch.from_numpy(images).float() / 8 - 1
    return pixels[:, None], torch.from_numpy(labels).long()


# A set is a function without arguments: native pixels (n, 1 or 3, height, width) in
# [-1, 1], and labels (n,). `load` does the rest.
_READERS: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {"digits": _read_digits}


def _read_checked(path: Path, sha256: str) -> bytes:
    """The bytes of a file that comes with the course, if they are the right ones."""
    cure = f"Restore it from the repository: git checkout data/{path.name}"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing. {cure} (the course is used from its clone, or from "
            "an editable install of it)"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). {cure}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path} is broken: its {len(content):,} bytes have the SHA-256 "
            f"{found[:12]}... instead of {sha256[:12]}... {cure}"
        )
    return content


def _resize(pixels: Tensor, size: int) -> Tensor:
    """(n, c, h, w) -> (n, c, size, size), bicubic, clamped to [-1, 1]."""
    if pixels.shape[-2:] == (size, size):
        return pixels
    return F.interpolate(pixels, (size, size), mode="bicubic").clamp_(-1, 1)


# --- Laws ---------------------------------------------------------------------------


class GaussianMixture:
    """A mixture of round Gaussians in d dimensions: samples and density.

    p(x) = sum_i w_i (2 pi s_i^2)^(-d/2) exp(-|x - m_i|^2 / (2 s_i^2)).

    Args:
        means: (k, d) centers m_i.
        std: standard deviation s > 0 of all, or one for each of the k.
        weights: k shares w_i > 0 that sum to 1; equal ones if None.

    Raises:
        ValueError: a shape, a standard deviation or a weight is not as above.

    A standard normal has density 1 / sqrt(2 pi) = 0.3989 at 0:

    >>> law = GaussianMixture([[0.0]], std=1.0)
    >>> round(law.density(torch.zeros(1)).item(), 4)
    0.3989
    """

    def __init__(
        self,
        means: Tensor | Sequence[Sequence[float]],
        std: float | Sequence[float],
        weights: Sequence[float] | None = None,
    ) -> None:
        self.means = torch.as_tensor(means, dtype=torch.float64).clone()  # (k, d)
        if self.means.ndim != 2 or self.means.numel() == 0:
            shape = tuple(self.means.shape)
            raise ValueError(f"means must have shape (k, d), not {shape}")
        k, self.d = self.means.shape
        self.std = _one_per_component(std, k, "std")  # (k,)
        equal = 1 / k if weights is None else weights
        self.weights = _one_per_component(equal, k, "weights")  # (k,)
        total = self.weights.sum().item()
        if abs(total - 1) > 1e-6:
            raise ValueError(f"weights must sum to 1, not {total:.6g}")

    def __repr__(self) -> str:
        return f"GaussianMixture of {len(self.means)} in {self.d}-D"

    @property
    def centers(self) -> Tensor:
        """The means in the type of the samples: (k, d) float32."""
        return self.means.float()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Independent draws: a component by its weight, then a point of it.

        Args:
            n: number of draws, at least 1.
            generator: on the CPU.

        Returns:
            (n, d) float32.

        >>> two_gaussians().sample(5, rng(0)).shape
        torch.Size([5, 1])
        """
        _require_whole(n, "n", smallest=1)
        _require_generator(generator)
        which = torch.multinomial(
            self.weights, n, replacement=True, generator=generator
        )
        spread = torch.randn(n, self.d, generator=generator, dtype=torch.float32)
        return self.centers[which] + self.std.float()[which, None] * spread

    def log_density(self, x: Tensor) -> Tensor:
        """Natural logarithm of the density, finite where the density underflows.

        Args:
            x: (..., d) points; the result has their type and device.

        Returns:
            (...) log p(x) in nats for each d-dimensional unit of volume.

        Raises:
            ValueError: the last dimension of x is not d.

        At distance 40 it is -800 - log(2 pi) / 2 = -800.919:

        >>> round(gaussian(0.0, 1.0).log_density(torch.tensor([40.0])).item(), 3)
        -800.919
        """
        x = torch.as_tensor(x)
        x = x if x.is_floating_point() else x.float()
        if x.ndim == 0 or x.shape[-1] != self.d:
            raise ValueError(
                f"x must have shape (..., {self.d}), a point in each row, "
                f"not {tuple(x.shape)}" + (" (try x[:, None])" if self.d == 1 else "")
            )
        means, std, weights = (
            value.to(x) for value in (self.means, self.std, self.weights)
        )
        squared = (x[..., None, :] - means).square().sum(-1)  # (..., k)
        log_volume = self.d * (std.log() + math.log(2 * math.pi) / 2)  # (k,)
        return torch.logsumexp(
            weights.log() - log_volume - squared / (2 * std.square()), dim=-1
        )

    def density(self, x: Tensor) -> Tensor:
        """Probability for each unit of volume at x.

        Args:
            x: (..., d) points; the result has their type and device.

        Returns:
            (...) p(x) >= 0.

        Raises:
            ValueError: the last dimension of x is not d.

        Half of 1 / (0.4 sqrt(2 pi)) = 0.9974 on each center:

        >>> two_gaussians().density(torch.tensor([[-1.5], [1.5]])).round(decimals=4)
        tensor([0.4987, 0.4987])
        """
        return self.log_density(x).exp()


def gaussian(mean: float | Sequence[float], std: float) -> GaussianMixture:
    """One Gaussian N(mean, std^2), round in d dimensions if mean has d numbers.

    >>> gaussian(3.0, 0.5).centers
    tensor([[3.]])
    """
    center = torch.as_tensor(mean, dtype=torch.float64).reshape(1, -1)
    return GaussianMixture(center, std)


def two_gaussians(
    left: float = -1.5, right: float = 1.5, std: float = 0.4
) -> GaussianMixture:
    """Two equal Gaussians on a line: 1/2 N(left, std^2) + 1/2 N(right, std^2).

    >>> two_gaussians().centers.flatten().tolist()
    [-1.5, 1.5]
    """
    return GaussianMixture([[left], [right]], std)


def ring(n_modes: int = 8, radius: float = 2.0, std: float = 0.05) -> GaussianMixture:
    """Equal Gaussians in the plane, evenly spaced on a circle around the origin.

    Center i lies at radius (cos a, sin a) with a = 2 pi i / n_modes.

    >>> [[round(v, 4) + 0.0 for v in c] for c in ring(4).centers.tolist()]
    [[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]]
    """
    _require_whole(n_modes, "n_modes", smallest=1)
    angle = 2 * math.pi * torch.arange(n_modes, dtype=torch.float64) / n_modes
    return GaussianMixture(radius * torch.stack([angle.cos(), angle.sin()], 1), std)


def _one_per_component(values: float | Sequence[float], k: int, name: str) -> Tensor:
    """(k,) positive float64 numbers, from k of them or from one for all."""
    value = torch.as_tensor(values, dtype=torch.float64)
    if value.shape not in ((), (k,)):
        raise ValueError(
            f"{name} must be one number or {k} numbers, not shape {tuple(value.shape)}"
        )
    if not (value.isfinite() & (value > 0)).all():
        raise ValueError(f"{name} must be positive, not {value.tolist()}")
    return value.expand(k).clone()


# --- Draws --------------------------------------------------------------------------


def rng(seed: int) -> torch.Generator:
    """A new random number generator on the CPU that starts at the seed.

    >>> torch.equal(latent(3, 2, rng(0)), latent(3, 2, rng(0)))
    True
    """
    return torch.Generator().manual_seed(seed)


def latent(
    n: int,
    latent_dim: int,
    generator: torch.Generator,
    *,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Latents z ~ N(0, I), the generator network's input.

    Drawn on the CPU and then moved, so that a seed means the same on every device.

    Args:
        n: number of latents, at least 1.
        latent_dim: numbers in each, at least 1.
        generator: on the CPU.
        device: where the result shall be.

    Returns:
        (n, latent_dim) float32.

    Raises:
        ValueError: n or latent_dim is below 1, or the generator is none or not on
            the CPU.

    >>> latent(3, 2, rng(0)).shape
    torch.Size([3, 2])
    """
    _require_whole(n, "n", smallest=1)
    _require_whole(latent_dim, "latent_dim", smallest=1)
    _require_generator(generator)
    z = torch.randn(n, latent_dim, generator=generator, dtype=torch.float32)
    return z.to(device)


def _require_generator(generator: torch.Generator) -> None:
    # None would silently draw from the global state.
    if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
        raise ValueError(
            f"generator must be a torch.Generator on the CPU, such as data.rng(0), "
            f"not {generator!r}"
        )


def _require_whole(value: int, name: str, *, smallest: int) -> None:
    if not isinstance(value, numbers.Integral) or value < smallest:
        raise ValueError(
            f"{name} must be a whole number of at least {smallest}, not {value!r}"
        )
