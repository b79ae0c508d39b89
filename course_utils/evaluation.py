"""How good are samples? Numbers that compare what G makes with the data."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from course_utils import gaussians
from course_utils.checks import require_whole

_PAIRS = 5_000_000  # distances at once: 40 MB

# --- On a line and in the plane -------------------------------------------------------


def wasserstein_1d(a: Tensor, b: Tensor) -> Tensor:
    """How far a sample must move, on average, to turn one set into the other.

    Both sets are sorted and paired; on a line no other pairing is shorter.

    Args: a, b (n,), samples of two distributions, equally many.
    Returns: () mean distance, in the samples' own unit.
    Raises: ValueError: the two are not one-dimensional, or not equally many.
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

    Args: samples (n,), grid (m,) points; width, the standard deviation of each.
    Returns: (m,) probability per unit of length.

    One sample is one Gaussian, of density 1 / sqrt(2 pi) = 0.3989 at its center:
    >>> smoothed_density(torch.zeros(1), torch.zeros(1), width=1.0).round(decimals=4)
    tensor([0.3989])
    """
    distance = (grid[:, None] - samples) / width  # (m, n)
    height = 1 / (width * math.sqrt(2 * math.pi))
    return height * torch.exp(-distance.square() / 2).mean(dim=1)


def modes_covered(samples: Tensor, centers: Tensor, radius: float) -> int:
    """How many modes of a distribution are met by at least one sample.

    Args: samples (n, 2); centers (k, 2); radius, within which a sample meets a mode.
    Returns: From 0 to k. One sample is enough, so it does not tell the modes' shares.
    Source: the ring of eight modes is that of Metz et al. 2016, arXiv:1611.02163.

    Two samples near the first center, none near the second:
    >>> samples = torch.tensor([[0.1, 0.0], [0.0, 0.2], [3.0, 3.0]])
    >>> modes_covered(samples, torch.tensor([[0.0, 0.0], [5.0, 5.0]]), radius=0.5)
    1
    """
    met = torch.cdist(samples, centers) <= radius  # (n, k)
    return int(met.any(dim=0).sum())


# --- Between sets of features ---------------------------------------------------------


def frechet_distance(features_a: Tensor, features_b: Tensor) -> float:
    """Squared Fréchet distance of two sets, each taken for a Gaussian.

    |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), with the means m and unbiased
    covariances S (divided by n - 1). Only means and covariances count, so 0 does not
    mean equal distributions; and two samples of one distribution score above 0, the
    more the smaller they are: compare scores of equally large sets alone.

    Args: features_a (m, d), features_b (n, d), m and n at least 2; fewer than d is
        fine, as is a feature that never changes (singular covariances).
    Returns: The distance squared, in the features' unit squared, computed in float64.
    Raises: ValueError: a shape is not as above, or a feature is NaN or infinite.
    Source: Dowson and Landau 1982, doi:10.1016/0047-259X(82)90077-X, for Gaussians;
        Heusel et al. 2017, arXiv:1706.08500, equation 6, as a score.

    Means 0 and 3, standard deviations sqrt(2) and 2 sqrt(2): 3^2 + (sqrt(2))^2 = 11.
    >>> a, b = torch.tensor([[-1.0], [1.0]]), torch.tensor([[1.0], [5.0]])
    >>> round(frechet_distance(a, b), 6)
    11.0
    """
    a, b = _rows(features_a, features_b, at_least=2)
    shift = (a.mean(0) - b.mean(0)).square().sum()
    a, b = _covariance_factor(a), _covariance_factor(b)
    # With S_a = A^T A and S_b = B^T B, the eigenvalues of S_a S_b are the squares of
    # the singular values of A B^T: no root is taken of a rounding error, as it would
    # be where a covariance is singular.
    overlap = torch.linalg.svdvals(a @ b.T).sum()
    squared = shift + a.square().sum() + b.square().sum() - 2 * overlap
    return max(squared.item(), 0.0)


def precision_recall(
    real_features: Tensor, fake_features: Tensor, k: int = 3
) -> tuple[float, float]:
    """How many samples look real, and how much of the data is reached.

    Around each point of a set lies a ball that ends at its k-th nearest neighbor in
    that set, itself not counted; the balls together stand for the set's support.
    Precision is the share of fakes inside the balls of the reals, recall the share of
    reals inside the balls of the fakes; a point on the rim is inside.

    Args: real_features (m, d), fake_features (n, d); k, a whole number below m and n.
    Returns: precision and recall, shares from 0 to 1.
    Raises: ValueError: a shape or k is not as above, or a feature is NaN or infinite.
    Source: Kynkäänniemi et al. 2019, arXiv:1904.06991, equations 1 and 2.

    With k = 1 the balls of the reals 0, 1, 4 have radii 1, 1, 3 and cover [-1, 7]: two
    of three fakes. Those of the fakes 2, 6, 9 have radii 4, 3, 3: [-2, 12], everything.
    >>> real, fake = torch.tensor([[0.0, 1, 4], [2, 6, 9]])[:, :, None]
    >>> precision, recall = precision_recall(real, fake, k=1)
    >>> round(precision, 4), recall
    (0.6667, 1.0)
    """
    real, fake = _rows(real_features, fake_features, at_least=1)
    smaller = min(len(real), len(fake))
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k < smaller:
        raise ValueError(
            f"k must be a whole number from 1 to {smaller - 1}, below the size of the "
            f"smaller set ({smaller}), not {k!r}"
        )
    return _share_inside(fake, real, k), _share_inside(real, fake, k)


def nearest_neighbors(samples: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
    """For each sample the nearest of the data, to see whether it is a copy.

    Euclidean distance over all numbers of an image, |s - x|_2, from the differences
    themselves: |s|^2 + |x|^2 - 2 s x is quicker and loses the digits of near copies.

    Args: samples (n, ...), data (m, ...), m at least 1.
    Returns: (n,) distances, not squared, in the samples' unit and type, 0 for a copy;
        (n,) int64 places in the data, the first among equals.
    Raises: ValueError: a shape is not as above, or a number is NaN or infinite.

    (0, 0) is 5 away from (3, 4), and (9, 9) is there itself:
    >>> data = torch.tensor([[3.0, 4.0], [9.0, 9.0]])
    >>> nearest_neighbors(torch.tensor([[0.0, 0.0], [9.0, 9.0]]), data)
    (tensor([5., 0.]), tensor([0, 1]))
    """
    distances, indices = _nearest(*_images(samples, data))
    dtype = samples.dtype if samples.is_floating_point() else torch.float32
    return distances.to(samples.device, dtype), indices.to(samples.device)


def memorization_score(samples: Tensor, train: Tensor, heldout: Tensor) -> float:
    """Share of samples that lie nearer to the training set than to unseen data.

    Mean of [d(s, train) < d(s, heldout)], d the Euclidean distance to the nearest one.
    New draws of the data's distribution are as near to either set: 1/2. Copies of
    training images score 1, a Gaussian per class, fit to 599 digits, 0.6.

    Args:
        samples: (n, ...), n at least 1.
        train: (m, ...) all data that the generator was trained on: a share of it misses
            the copies of the rest.
        heldout: (m, ...) data of the same kind that it has never seen; equally many,
            because the nearest of many is nearer.
    Returns: A share from 0 to 1; without copying it varies around 1/2 by about
        sqrt(1 / (4 n)), and more where the same few data are nearest to many.
    Raises: ValueError: a shape is not as above, or a number is NaN or infinite.
    Source: the two-sample idea of Meehan et al. 2020, arXiv:2004.05675, section 3.

    0.1 and 0.9 lie nearer to 0 than to 2; 1.6 does not; 1 lies in the middle:
    >>> samples = torch.tensor([[0.1], [0.9], [1.6], [1.0]])
    >>> memorization_score(samples, torch.tensor([[0.0]]), torch.tensor([[2.0]]))
    0.5
    """
    if train.shape != heldout.shape or not len(samples):
        raise ValueError(
            "at least one sample, and training and held-out data of equal number and "
            f"size are wanted, not {len(samples)} samples, {tuple(train.shape)} and "
            f"{tuple(heldout.shape)}"
        )
    to_train, _ = _nearest(*_images(samples, train))
    to_heldout, _ = _nearest(*_images(samples, heldout))
    return (to_train < to_heldout).double().mean().item()


# --- Labels of samples ----------------------------------------------------------------


def mode_coverage(labels: Tensor, n_classes: int) -> float:
    """Share of the classes that a classifier sees at least once among the samples.

    Args: labels (n,) whole numbers from 0 to n_classes - 1; n may be 0.
    Returns: A share from 0 to 1; a single sample is enough for its class.
    Raises: ValueError: the labels or n_classes are not as above.

    Classes 0 and 2 of four:
    >>> mode_coverage(torch.tensor([2, 0, 2]), n_classes=4)
    0.5
    """
    return int((_counts(labels, n_classes) > 0).sum()) / n_classes


def class_histogram_kl(labels: Tensor, n_classes: int) -> float:
    """How far the shares of the classes are from equal ones.

    KL(p || uniform) = sum_c p_c log(p_c n_classes), p_c the share of class c among the
    samples; 0 log 0 = 0 and nothing is smoothed.

    Args: labels (n,) whole numbers from 0 to n_classes - 1, n at least 1.
    Returns: Nats, from 0 (equal shares) to log n_classes (one class alone). A finite
        sample of equal shares scores about (n_classes - 1) / (2 n).
    Raises: ValueError: the labels or n_classes are not as above.
    Source: Kullback and Leibler 1951, doi:10.1214/aoms/1177729694, equation 2.4.

    All in one of two classes is log 2:
    >>> round(class_histogram_kl(torch.tensor([1, 1, 1]), n_classes=2), 4)
    0.6931
    """
    counts = _counts(labels, n_classes)
    if not counts.sum():
        raise ValueError("labels are empty: a histogram needs at least one")
    share = counts.double() / counts.sum()
    return torch.xlogy(share, share * n_classes).sum().item()


class Scores(NamedTuple):
    """Numbers about one set of samples, none of them enough by itself."""

    frechet: float  # squared, in the classifier's unit; lower is better
    precision: float  # share of samples that look real
    recall: float  # share of the data that is reached
    coverage: float  # share of the classes that is seen
    histogram_kl: float  # nats away from equal shares of the classes
    memorization: float | None  # 1/2: nothing copied; None without held-out data


def scores(
    samples: Tensor,
    train: Tensor,
    *,
    classifier: torch.nn.Module,
    heldout: Tensor | None = None,
    k: int = 3,
) -> Scores:
    """Every score of samples against the data that the generator was trained on.

    Memorization compares pixels, all others the classifier's features.

    Args:
        samples: (n, c, h, w) in [-1, 1].
        train: (m, c, h, w), all that the generator has seen; as many as the samples
            where scores of several generators are compared.
        classifier: a `classifier.Classifier`, such as `classifier.load("digits")`.
        heldout: (m, c, h, w) unseen data, as many as in train, for memorization.
        k: neighbor that ends a ball of `precision_recall`.
    Raises: ValueError: samples and data differ in shape, are too few or not finite.
    """
    _images(samples, train)
    fake, real = classifier.features(samples), classifier.features(train)
    labels = classifier.decide(fake)
    return Scores(
        frechet_distance(fake, real),
        *precision_recall(real, fake, k),
        mode_coverage(labels, classifier.n_classes),
        class_histogram_kl(labels, classifier.n_classes),
        None if heldout is None else memorization_score(samples, train, heldout),
    )


# --- Two generators without training, to stand beside every score ---------------------


def copies(train: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n training images (n, ...), drawn with replacement from train (m, ...).

    Every score but memorization takes them for the work of an excellent generator.
    """
    return train[torch.randint(len(train), (n,), generator=generator)]


def class_gaussians(
    images: Tensor,
    labels: Tensor,
    n: int,
    generator: torch.Generator,
    *,
    shrinkage: float = 0.1,
) -> Tensor:
    """Draws from a Gaussian for each class, in turn: a generator without a network.

    Pixels outside [-1, 1] are clamped. Fit to images at the size they were recorded in
    (8 for the digits) and enlarge afterwards, as `classifier.to_gray32` does: the
    shrinkage gives every pixel noise of its own, which enlarged images do not have.

    Args: images (m, c, h, w) in [-1, 1], labels (m,), every class present; n, how many
        draws, class i mod k is that of draw i; shrinkage, as in `gaussians`.
    Returns: (n, c, h, w) in [-1, 1].
    Raises: ValueError as `gaussians.fit_class_gaussians`; RuntimeError: all images of a
        class are the same.
    """
    flat = images.flatten(1).double()
    means, covariances = gaussians.fit_class_gaussians(flat, labels, shrinkage)
    draws = flat.new_empty(n, flat.shape[1])
    for c, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        mine = draws[c :: len(means)]
        mine[:] = gaussians.sample_class(mean, covariance, len(mine), generator)
    return draws.clamp(-1, 1).reshape(n, *images.shape[1:]).to(images.dtype)


# --- Parts ----------------------------------------------------------------------------


def _rows(a: Tensor, b: Tensor, *, at_least: int) -> tuple[Tensor, Tensor]:
    """Two checked sets of rows in float64."""
    fits = a.ndim == b.ndim == 2 and a.shape[1:] == b.shape[1:] and 0 not in a.shape[1:]
    if not fits or min(len(a), len(b)) < at_least:
        raise ValueError(
            f"features (m, d) and (n, d) with at least {at_least} rows each are "
            f"wanted, not {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return _wide(a, "features"), _wide(b, "features")


def _images(samples: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
    """Samples and data, checked, as rows in float64."""
    if samples.ndim < 2 or samples.shape[1:] != data.shape[1:] or not len(data):
        raise ValueError(
            "samples (n, ...) and at least one of the data (m, ...) of the same size "
            f"are wanted, not {tuple(samples.shape)} and {tuple(data.shape)}"
        )
    return _wide(samples.flatten(1), "samples"), _wide(data.flatten(1), "data")


def _wide(rows: Tensor, name: str) -> Tensor:
    """The same numbers in float64, on the CPU where a device has no such type."""
    if not rows.isfinite().all():
        raise ValueError(f"{name} hold NaN or infinity; every number must be finite")
    rows = rows.detach()
    return rows.cpu().double() if rows.device.type == "mps" else rows.double()


def _covariance_factor(rows: Tensor) -> Tensor:
    """R with R^T R = the unbiased covariance of the rows (n, d)."""
    centered = rows - rows.mean(0)
    return torch.linalg.qr(centered, mode="r").R / math.sqrt(len(rows) - 1)


def _distances(rows: Tensor, others: Tensor) -> Iterator[Tensor]:
    """Distances (part, m), 0 between equal rows, in parts that fit into memory."""
    for part in rows.split(max(1, _PAIRS // len(others))):
        yield torch.cdist(part, others, compute_mode="donot_use_mm_for_euclid_dist")


def _nearest(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest of the others, and its place; (n,) each."""
    found = [d.min(dim=1) for d in _distances(rows, others)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def _share_inside(points: Tensor, centers: Tensor, k: int) -> float:
    """Share of points within the k-neighbor ball of at least one center."""
    # The nearest to a center is itself, at 0; it is not counted.
    near = [d.topk(k + 1, largest=False).values for d in _distances(centers, centers)]
    radii = torch.cat(near)[:, -1]
    inside = [(d <= radii).any(dim=1) for d in _distances(points, centers)]
    return torch.cat(inside).double().mean().item()


def _counts(labels: Tensor, n_classes: int) -> Tensor:
    """(n_classes,) how many labels each class has."""
    require_whole(1, n_classes=n_classes)
    if labels.ndim != 1:
        raise ValueError(f"labels must have shape (n,), not {tuple(labels.shape)}")
    if len(labels) and (labels.is_floating_point() or labels.is_complex()):
        raise ValueError(f"labels must be whole numbers, not {labels.dtype}")
    labels = labels.long()
    if len(labels) and not 0 <= labels.min() <= labels.max() < n_classes:
        raise ValueError(
            f"labels must lie between 0 and {n_classes - 1}, not between "
            f"{labels.min()} and {labels.max()}"
        )
    return torch.bincount(labels, minlength=n_classes)
