"""Data of the course: image sets, distributions with known densities, latents.

Images are float32 in [-1, 1], the range of a generator that ends in tanh. Every draw
comes from the `torch.Generator` that is passed in, on the CPU, so that a seed gives the
same numbers on every device.
"""

import difflib
import hashlib
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import sources
from course_utils.checks import DataError, require_whole

DATA_DIR = Path(__file__).resolve().parent.parent / "data"
DIGITS_SHA256 = "0c2aff3ad3efa4c983d74435f40847c3f2dea3c33f362c61616f7b067d84c8fe"
SETS = ("digits", *sources.MIRRORS)


# --- Images -------------------------------------------------------------------------


def load(
    name: str | os.PathLike,
    size: int = 32,
    channels: int = 1,
    *,
    split: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Images of a named set or of a folder and their labels, ready for a network.

    | name | images | recorded size | from |
    |---|---|---|---|
    | "digits" | 1,797 handwritten digits | 8 | comes with the course |
    | "mnist" | 60,000 and 10,000 handwritten digits | 28 | files, or a download |
    | "fashion-mnist" | 60,000 and 10,000 pieces of clothing | 28 | the same |
    | a path | png, jpg, jpeg, webp and bmp below that folder | any | your files |

    A pixel p of the digits (0 is paper, 16 is full ink) becomes p / 8 - 1, a pixel p
    of all others p / 127.5 - 1. Other sizes than the recorded one are made bicubically
    and clamped, because the bicubic curve overshoots beside a sharp edge.
    `sources.read_idx_set` says where files are looked for, `sources.read_folder` how a
    folder's images are cropped and labeled, `left_out` which files it does not read.

    Args:
        name: the set, or the path of a folder; a folder named mnist is "./mnist".
        size: height and width in pixels, at least 8.
        channels: 1, or 3; a gray set gives three equal channels.
        split: "train" (None means that, too) or "test", for mnist and fashion-mnist.
    Returns: (n, channels, size, size) float32 images in [-1, 1] and (n,) int64 labels.
    Raises: ValueError: the name, size, number of channels or split is not offered;
        DataError: files are missing, broken or too few, or memory is too small.
    Source: Alpaydin and Kaynak 1998, doi:10.24432/C50P49; LeCun, Cortes and Burges,
        The MNIST database; Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747.

    The top row of the first image is 0 0 5 13 9 1 0 0, and 5 / 8 - 1 = -0.375:
    >>> images, labels = load("digits", size=8)
    >>> images[0, 0, 0, :4].tolist()
    [-1.0, -1.0, -0.375, 0.625]
    """
    require_whole(8, size=size)
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, not {channels!r}")
    try:
        pixels, labels = _read(name, size, channels, split)
        return _fit(pixels, size, channels), labels
    except (MemoryError, RuntimeError) as error:  # torch's is a RuntimeError
        if isinstance(error, DataError) or "memory" not in f"{error!r}".lower():
            raise
        raise DataError(
            f"There is not enough memory for {str(name)!r} as "
            f"{channels}x{size}x{size} numbers an image. Take a smaller size, one "
            "channel, or fewer images."
        ) from error


def left_out(name: str | os.PathLike) -> str:
    """Which files of a folder `load` does not read, counted by kind, in a sentence.

    Such as "70 images used; left out: 1,000 .heic, 3 .gif"; "" if it reads them all.

    >>> left_out("digits")
    ''
    """
    is_folder = name not in SETS and is_path(name)
    return sources.left_out(Path(os.path.expanduser(name))) if is_folder else ""


def to_tanh_range(pixels: Tensor) -> Tensor:
    """Recorded pixels in the range of tanh: x / 127.5 - 1.

    Args: pixels, uint8 of any shape, 0 to 255.
    Returns: float32 of the same shape in [-1, 1], a new tensor on the same device.
    Raises: ValueError: the pixels are not uint8, and so of unknown range.

    Black is -1, white 1, and 51 / 127.5 = 0.4:
    >>> to_tanh_range(torch.tensor([0, 51, 255], dtype=torch.uint8))
    tensor([-1.0000, -0.6000,  1.0000])
    """
    kind = getattr(pixels, "dtype", type(pixels).__name__)
    if not isinstance(pixels, Tensor) or kind != torch.uint8:
        raise ValueError(
            f"pixels must be a uint8 tensor, whole numbers from 0 to 255, not {kind}"
        )
    return pixels.to(torch.float32).div_(127.5).sub_(1)


def split(
    images: Tensor, labels: Tensor, *, heldout: int = 297, seed: int = 0
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A part to train on and a part held out, with every class in both.

    Each class gives the same share of its images, to within one image; which ones is
    drawn from the seed. Both parts keep the order of the input.

    Args: images (n, ...), labels (n,); heldout, how many of the n; seed, of the draw.
    Returns: (images, labels) to train on, and those held out.
    Raises: ValueError: numbers differ, or a class would be missing from a part.

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
    require_whole(1, heldout=heldout)
    shuffled = torch.randperm(n, generator=rng(seed))
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    # Evenly spaced places in a list sorted by class take an even share of each class.
    places = ((torch.arange(heldout, dtype=torch.float64) + 0.5) * n / heldout).long()
    is_heldout = torch.zeros(n, dtype=torch.bool)
    is_heldout[by_class[places]] = True
    train, test = ((images[part], labels[part]) for part in (~is_heldout, is_heldout))
    n_classes = len(labels.unique())
    if min(len(train[1].unique()), len(test[1].unique())) < n_classes:
        raise ValueError(
            f"heldout={heldout} of {n} images leaves a part without one of the "
            f"{n_classes} classes"
        )
    return train, test


def is_path(name: object) -> bool:
    """Whether a path is meant: by its type, its form, or because it is there."""
    if isinstance(name, os.PathLike):
        return True
    if not isinstance(name, str) or not name:
        return False
    return "/" in name or os.sep in name or name[0] in "~." or os.path.exists(name)


def read_checked(path: Path, sha256: str) -> bytes:
    """The bytes of a file that comes with the course; DataError if they are others."""
    try:
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        problem = f"its {len(content):,} bytes have the SHA-256 {found[:12]}..."
    except OSError as error:
        found, problem = "", error.strerror
    if found != sha256:
        raise DataError(
            f"{path} is missing or broken ({problem}). Restore it from the course's "
            f"repository: git checkout data/{path.name}"
        )
    return content


def _read(
    name: str | os.PathLike, size: int, channels: int, split: str | None
) -> tuple[Tensor, Tensor]:
    """Pixels (n, 1 or channels, height, width), uint8 or in [-1, 1], and labels."""
    if isinstance(name, str) and name in sources.MIRRORS:
        return sources.read_idx_set(name, "train" if split is None else split)
    if name != "digits" and not is_path(name):
        near = difflib.get_close_matches(str(name).lower(), SETS, n=1)
        raise ValueError(
            f"there is no image set {name!r}; there is {str(SETS)[1:-1]}, or the path "
            "of a folder of images" + (f". Did you mean {near[0]!r}?" if near else "")
        )
    if split is not None:
        raise ValueError(
            f"{str(name)!r} comes in one piece, without a split {split!r}: leave split "
            "out, and hold a part out with data.split"
        )
    if name == "digits":
        return _read_digits()
    return sources.read_folder(Path(os.path.expanduser(name)), size, channels)


def _read_digits() -> tuple[Tensor, Tensor]:
    """(1797, 1, 8, 8) float32 in [-1, 1] and (1797,) int64."""
    content = read_checked(DATA_DIR / "digits.npz", DIGITS_SHA256)
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    pixels = torch.from_numpy(images).float() / 8 - 1
    return pixels[:, None], torch.from_numpy(labels).long()


def _fit(pixels: Tensor, size: int, channels: int) -> Tensor:
    """(n, 1 or channels, h, h) -> (n, channels, size, size) float32 in [-1, 1]."""
    images = to_tanh_range(pixels) if pixels.dtype == torch.uint8 else pixels
    side = images.shape[-1]
    if side != size:
        images = F.interpolate(
            images, (size, size), mode="bicubic", antialias=size < side
        ).clamp_(-1, 1)
    return images.expand(-1, channels, -1, -1).contiguous()


# --- Distributions with known densities ---------------------------------------------


class GaussianMixture:
    """A mixture of round Gaussians in d dimensions: samples and density.

    p(x) = sum_i w_i (2 pi s_i^2)^(-d/2) exp(-|x - m_i|^2 / (2 s_i^2)).

    Args:
        means: (k, d) centers m_i.
        std: standard deviation s > 0 of all, or one for each of the k.
        weights: k shares w_i > 0 that sum to 1; equal ones if None.
    Raises: ValueError: a shape, a standard deviation or a weight is not as above.

    A standard normal has density 1 / sqrt(2 pi) = 0.3989 at 0:
    >>> normal = GaussianMixture([[0.0]], std=1.0)
    >>> round(normal.density(torch.zeros(1)).item(), 4)
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
            raise ValueError(
                f"means must have shape (k, d), not {tuple(self.means.shape)}"
            )
        k, self.d = self.means.shape
        self.std = _one_per_component("std", std, k)  # (k,)
        shares = 1 / k if weights is None else weights
        self.weights = _one_per_component("weights", shares, k)  # (k,)
        total = self.weights.sum().item()
        if abs(total - 1) > 1e-6:
            raise ValueError(f"weights must sum to 1, not {total:.6g}")

    @property
    def centers(self) -> Tensor:
        """The means in the type of the samples: (k, d) float32."""
        return self.means.float()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n independent draws, (n, d) float32; the generator is on the CPU."""
        require_whole(1, n=n)
        _require_generator(generator)
        which = torch.multinomial(
            self.weights, n, replacement=True, generator=generator
        )
        spread = torch.randn(n, self.d, generator=generator, dtype=torch.float32)
        return self.centers[which] + self.std.float()[which, None] * spread

    def log_density(self, x: Tensor) -> Tensor:
        """Natural logarithm of the density, finite where the density underflows.

        Args: x (..., d), points; the result has their type and device.
        Returns: (...) log p(x) in nats for each d-dimensional unit of volume.
        Raises: ValueError: the last dimension of x is not d.

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
        """Probability for each unit of volume: `log_density` without the logarithm."""
        return self.log_density(x).exp()


def gaussian(mean: float | Sequence[float], std: float) -> GaussianMixture:
    """One Gaussian N(mean, std^2), round in d dimensions if mean has d numbers."""
    center = torch.as_tensor(mean, dtype=torch.float64).reshape(1, -1)
    return GaussianMixture(center, std)


def two_gaussians(
    left: float = -1.5, right: float = 1.5, std: float = 0.4
) -> GaussianMixture:
    """Two equal Gaussians on a line: 1/2 N(left, std^2) + 1/2 N(right, std^2)."""
    return GaussianMixture([[left], [right]], std)


def ring(n_modes: int = 8, radius: float = 2.0, std: float = 0.05) -> GaussianMixture:
    """Equal Gaussians in the plane, evenly spaced on a circle around the origin.

    >>> [[round(v, 4) + 0.0 for v in c] for c in ring(4).centers.tolist()]
    [[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]]
    """
    require_whole(1, n_modes=n_modes)
    angle = 2 * math.pi * torch.arange(n_modes, dtype=torch.float64) / n_modes
    return GaussianMixture(radius * torch.stack([angle.cos(), angle.sin()], 1), std)


def _one_per_component(name: str, values: float | Sequence[float], k: int) -> Tensor:
    """(k,) positive float64 numbers, from k of them or from one for all."""
    value = torch.as_tensor(values, dtype=torch.float64)
    if value.shape not in ((), (k,)) or not (value > 0).all() or value.isinf().any():
        raise ValueError(
            f"{name} must be one positive number or {k} of them, not {value.tolist()}"
        )
    return value.expand(k).clone()


# --- Draws --------------------------------------------------------------------------


def rng(seed: int) -> torch.Generator:
    """A new random number generator on the CPU that starts at the seed."""
    return torch.Generator().manual_seed(seed)


def latent(
    n: int,
    latent_dim: int,
    generator: torch.Generator,
    *,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Latents z ~ N(0, I), the generator network's input: (n, latent_dim) float32.

    Drawn on the CPU and then moved, so that a seed means the same on every device.

    Raises: ValueError: a number is below 1, or the generator is not one on the CPU.

    >>> latent(3, 2, rng(0)).shape
    torch.Size([3, 2])
    """
    require_whole(1, n=n, latent_dim=latent_dim)
    _require_generator(generator)
    z = torch.randn(n, latent_dim, generator=generator, dtype=torch.float32)
    return z.to(device)


def spherical_interpolation(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    """A walk from one latent to another that keeps to typical lengths.

    With w the angle between z0 and z1, and t = 0, ..., 1 in n even steps: the direction
    is (sin((1 - t) w) z0 / |z0| + sin(t w) z1 / |z1|) / sin(w), on the great circle at
    even angles, and the length (1 - t) |z0| + t |z1|. Where no great circle is singled
    out (parallel or opposite vectors, or a zero) the walk is the straight line.

    Args: z0, z1 (d,), the ends; n, the number of points, at least 2.
    Returns: (n, d), from z0 to z1, both included exactly, in their type and on their
        device.
    Raises: ValueError: z0 and z1 are not two vectors of equal length, or n is below 2.
    Source: Shoemake 1985, section 3.3, for unit vectors; White 2016, arXiv:1609.04468.

    Halfway from (1, 0) to (0, 3) lies the direction of 45 degrees at length 2,
    2 / sqrt(2) = 1.4142 on each axis:
    >>> z0, z1 = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    >>> spherical_interpolation(z0, z1, 3)[1]
    tensor([1.4142, 1.4142])
    """
    if z0.ndim != 1 or z0.shape != z1.shape or not z0.numel():
        raise ValueError(
            "z0 and z1 must have one shape (d,), not "
            f"{tuple(z0.shape)} and {tuple(z1.shape)}"
        )
    require_whole(2, n=n)
    kind = torch.promote_types(z0.dtype, z1.dtype)
    if not kind.is_floating_point:
        raise ValueError(f"z0 and z1 must be of a floating type, not {kind}")
    a, b = z0.cpu().double(), z1.cpu().double()  # not every device has float64
    t = torch.linspace(0, 1, n, dtype=torch.float64)[:, None]
    walk = (1 - t) * a + t * b
    unit_a, unit_b = (v / v.norm().clamp_min(1e-300) for v in (a, b))
    # Exact for small angles, where the arccosine of a dot product is not.
    angle = 2 * torch.atan2((unit_a - unit_b).norm(), (unit_a + unit_b).norm())
    if a.any() and b.any() and angle.sin() > 1e-6:
        arc = ((1 - t) * angle).sin() * unit_a + (t * angle).sin() * unit_b
        walk = arc / angle.sin() * ((1 - t) * a.norm() + t * b.norm())
    return torch.cat([a[None], walk[1:-1], b[None]]).to(z0.device, kind)


def _require_generator(generator: torch.Generator) -> None:
    # None would silently draw from the global state.
    if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
        raise ValueError(
            f"generator must be a torch.Generator on the CPU, such as data.rng(0), "
            f"not {generator!r}"
        )
