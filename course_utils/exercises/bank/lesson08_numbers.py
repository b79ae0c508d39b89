"""Lesson 8, numbers for samples: distances of two sets, classes counted, copies."""

import math
from unittest import mock

import torch
import torch.nn.functional as F

from course_utils import evaluation

from .. import observers
from ..text import entry

NAMES = {"math": math, "torch": torch, "F": F, "evaluation": evaluation}
EIGVALS = torch.linalg.eigvals


def draws(seed):
    """A generator of its own for each probe."""
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------ Fréchet distance


def correlated(seed, m, n, d, *, shift=1.0, offset=0.0, scale=1.0):
    """A probe: two sets of correlated rows whose covariances do not commute."""

    def make():
        rng = draws(seed)
        mix_a, mix_b = torch.randn(2, d, d, generator=rng)
        a = torch.randn(m, d, generator=rng) @ mix_a + offset
        b = torch.randn(n, d, generator=rng) @ mix_b + offset + shift
        return scale * a, scale * b

    return make


def two_squares():
    """By hand: covariances 4/3 and 16/3 times the identity, means 3 apart; 35/3."""
    corners = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    return corners, 2 * corners + torch.tensor([3.0, 0.0])


def with_nan():
    """Two sets, NaN in the second."""
    a, b = correlated(6, 8, 9, 3)()
    b[2, 1] = math.nan
    return a, b


def one_image():
    """A single image against a set."""
    return torch.ones(1, 3), correlated(8, 9, 9, 3)()[1]


def eigvals(matrix, **options):
    """On NaN torch's own can end the whole process, the kernel with it."""
    if matrix.isfinite().all():
        return EIGVALS(matrix, **options)
    return matrix[..., 0] * complex(math.nan)


@mock.patch.object(torch.linalg, "eigvals", eigvals)
def watch_distance(function, a, b):
    """A number; or, for sets that have none, whether the function says so."""
    if min(len(a), len(b)) >= 2 and torch.cat([a, b]).isfinite().all():
        return list(observers.numbers(function, a, b))
    try:
        function(a, b)
    except NotImplementedError:
        raise
    except Exception:
        return [("what becomes of it", "an error")]
    return [("what becomes of it", "a number, as if nothing were wrong")]


entry(
    r"""
    frechet_distance(features_a, features_b)
        a, b = features_a.double(), features_b.double()
        if min(len(a), len(b)) < 2 or not torch.cat([a, b]).isfinite().all():
            raise ValueError("wanted: two rows or more each, all finite")
        s_a, s_b = torch.cov(a.T), torch.cov(b.T)
        values, vectors = torch.linalg.eigh(s_a)
        root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T
        values = torch.linalg.eigvalsh(root_a @ s_b @ root_a).clamp(min=0)
        root = values.sqrt().sum()
        shift = (a.mean(0) - b.mean(0)).square().sum()
        return shift + s_a.trace() + s_b.trace() - 2 * root

    because: Both sets are taken for Gaussians; this is their distance squared.
    praise: With an Inception network's features it is the FID of the papers.
    hint: Four parts: |m_a - m_b|^2 and three traces. Which of them is a root of a
      matrix? `torch.cov` wants features in rows. Which inputs deserve a ValueError?
    hint: The trace of the root of a matrix is the sum of the roots of its eigenvalues.
      R S_b R has those of S_a S_b, with R the root of S_a; it is symmetric:
      `torch.linalg.eigvalsh`. For R: `values, vectors = torch.linalg.eigh(s_a)`, roots
      of the values (clamped at 0), put together again.
    edge: Right for ordinary features, and off where they are small, large, constant or
      few. There the covariance is singular, and rounding makes an eigenvalue a hair
      less than 0: clamp it at 0 before its root. Add no small number, take no root by
      iteration or Cholesky, and work in `.double()`.
    right: /root = .+/ -> root =
      torch.linalg.eigvals(s_a @ s_b).real.clamp(min=0).sqrt().sum()
    right: /root = .+/ -> root = torch.linalg.eigvals(s_b @ s_a).sqrt().real.sum()

    ~ not squared: The root was taken at the end. What is reported under the names
      Fréchet distance and FID is the distance *squared*: leave it.
        /return (.+)/ -> return (\1).clamp(min=0).sqrt()
    ~ covariance over n: The covariances are divided by n. The unbiased ones, divided by
      n - 1, are wanted; `torch.cov` makes them.
        .T), -> .T, correction=0), && (b.T) -> (b.T, correction=0)
    * means alone: Only the means are compared: one image over and over, the mean of the
      data, would score 0. Add what differs in the covariances.
        /return .+/ -> return shift
    * means left out: Only the covariances are compared; a shift of every feature
      changes nothing. Add the squared distance of the means.
        shift + ->
    * distance of means not squared: The means enter by a sum of squares, |m_a - m_b|^2.
        /shift = (.+).square.+/ -> shift = \1.{norm()|abs().sum()|square().mean()}
    * without the 2: Twice the root's trace comes off: a set has distance 0 from itself.
        - 2 * root -> {- root|+ 2 * root|}
    * root entry by entry: The root of a matrix is not the root of its entries. Its
      trace is the sum of the roots of the *eigenvalues* of S_a S_b.
        /root = .+/ -> root = {(s_a @ s_b).trace().sqrt()|(s_a @
          s_b).diagonal().clamp(min=0).sqrt().sum()}
        /root = .+/ -> root = (s_a.diagonal() * s_b.diagonal()).sqrt().sum()
    * symmetric routine: `eigh` and `eigvalsh` take a matrix for symmetric. S_a S_b is
      not; R S_b R, with R the root of S_a, is, and has its eigenvalues.
        root_a @ s_b @ root_a -> {s_a @ s_b|(s_a @ s_b).T}
    * across the rows: The covariance was taken between images, not between features.
      `torch.cov` wants a *row* for each feature: hand it the transpose.
        .T), -> ), && (b.T) -> (b) && /root = .+/ -> root = 0
          && /(?s)values, vec.+clamp\(min=0\)\n/ ->
    * no complaint: A set of fewer than two images, or with NaN among its features, has
      no such distance: raise a ValueError. Whatever is returned gets into a table.
        {min(len(a), len(b)) < 2 or| or not torch.cat([a, b]).isfinite().all()} ->
          && /(?s)values, v.+?root = .+?\n/ -> root =
          torch.linalg.eigvals(s_a @ s_b).real.clamp(min=0).sqrt().sum()\n
    """,
    names=NAMES,
    lesson=8,
    reference=evaluation.frechet_distance,
    observe=watch_distance,
    probes={
        "two squares": two_squares,
        "another shape of cloud": correlated(2, 30, 50, 4, shift=0.5),
    },
    later={
        "one image": one_image,
        "one in the second set": lambda: one_image()[::-1],
        "NaN among the features": with_nan,
        "NaN in the first set": lambda: with_nan()[::-1],
    },
    edge={
        "fewer images than features": correlated(4, 4, 5, 8),
        "two images": correlated(9, 2, 9, 3),
        "a set with itself": lambda: (correlated(3, 20, 20, 3)()[0],) * 2,
        "small features": correlated(10, 20, 30, 3, scale=0.02),
        "features near 30,000": correlated(7, 30, 30, 3, offset=30_000.0),
        "10 images against 300, of 64 features": correlated(11, 10, 300, 64),
    },
    rtol=1e-4,
    atol=1e-8,
    same=1e-4,
)


# ------------------------------------------------------------------ precision, recall

FIVE = ((0.0, 0.0), (3.0, 4.0), (6.0, 8.0), (0.0, 5.0), (9.0, 1.0))


def line(real, fake, k):
    """A probe: numbers on a line."""
    return lambda: (*(torch.tensor(x).float()[:, None] for x in (real, fake)), k)


def clouds():
    """A probe: two clouds of points."""
    real, fake = torch.randn(2, 30, 3, generator=draws(1))
    return real, 0.7 * fake[:24] + 0.6, 3


def copied():
    """Fakes that are copies of reals."""
    real = torch.tensor(FIVE)
    return real, real[[0, 0, 1, 3]], 2


def each_twice():
    """By hand: equal fakes have balls of radius 0, and the far one is no copy."""
    real = torch.tensor(FIVE)
    return real, torch.cat([real[[0, 0, 2, 2]], torch.tensor([[30.0, 30.0]])]), 1


entry(
    r"""
    precision_recall(real_features, fake_features, k)
        real, fake = real_features.double(), fake_features.double()

        def share_inside(points, centers):
            radii = torch.cdist(centers, centers).sort(dim=1).values[:, k]
            inside = torch.cdist(points, centers) <= radii
            return inside.any(dim=1).double().mean()

        return share_inside(fake, real), share_inside(real, fake)

    because: The balls of a set stand for its support; each asks of the other set.
    praise: Two numbers, since blurry and incomplete are different faults.
    hint: `torch.cdist(a, b)` has all distances. Sort the rows of a set's distances to
      itself: what stands at place 0, and what at place k?
    hint: A ball belongs to a center: compare each column with its own radius. Does a
      point need one ball or all? `.any(dim=1)`.
    right: .sort(dim=1).values[:, k] -> .kthvalue(k + 1, dim=1).values
    right: .sort(dim=1).values[:, k] -> .topk(k + 1, largest=False).values[:, -1]
    right: /inside = .+/ -> inside = torch.stack(
      [(points - c).norm(dim=1) <= r for c, r in zip(centers, radii)], 1)

    * counts itself: Each point was counted as its own nearest neighbor, at distance 0:
      look at place k, not k - 1, of the sorted distances.
        [:, k] -> [:, k - 1]
    * swapped: Precision, which asks of the *fakes* whether they look real, comes first.
        /return (share.+), (share.+)$/ -> return \2, \1
    * rim left out: A point on the rim of a ball counts as inside: `<=`. With `<`, k
      copies of one point would have empty balls.
        <= radii -> < radii
    * balls of the judged: The balls are drawn around the points you ask about. For
      precision they belong to the reals, for recall to the fakes.
        (centers, centers) -> (points, points) && <= radii -> <= radii[:, None]
    * one radius for all: Every ball got the same radius. Each has its own, so that
      balls are small where points are dense.
        <= radii -> <= radii.{mean|median|max}()
    * in all balls: A point is in if it lies in *any* ball, and it counts once.
        .any(dim=1) -> {.all(dim=1)|}
    * along the other axis: You counted the *balls* that hold a point. Count the points
      that lie in a ball: `any` over the centers.
        .any(dim=1) -> .any(dim=0)
    * farthest for nearest: The radii are those of the *farthest* neighbors: `topk`
      takes the largest unless told `largest=False`.
        .sort(dim=1).values[:, k] -> .topk({k + 1|k}).values[:, -1]
    * precision twice: Recall asks which *reals* lie in the balls of the fakes.
        , share_inside(real, fake) -> {, share_inside(fake, real)|}
        , share_inside(real, fake) -> , 1 - share_inside(fake, real)
    ~ counts: These are counts; shares are wanted, from 0 to 1.
        .mean() -> .sum()
    """,
    names=NAMES,
    lesson=8,
    reference=evaluation.precision_recall,
    observe=observers.numbers,
    probes={
        "six numbers on a line": line([0, 1, 4], [2, 6, 9], 1),
        "a fake on the rim": line([0, 2, 20, 22], [4, 8, 30, 34, 50], 1),
        "distances below 1": line([0, 0.13, 0.47], [0.2, 0.61, 0.95], 1),
        "k = 2": line([0, 1, 3, 7, 20], [5, 6, 13, 34], 2),
        "nearly on the rim": line([0, 1, 4], [6.99998, 7.00002, 7.5, 30], 1),
        "fakes that are copies": copied,
        "the same fake twice": each_twice,
        "two clouds": clouds,
    },
    rtol=1e-6,
    atol=1e-6,
    same=1e-4,
    seconds=10.0,  # loops in plain Python are right, too
)


# ------------------------------------------------------------------ classes, counted


def labels_of(labels, n_classes):
    """A probe: these labels."""
    return lambda: (torch.tensor(labels, dtype=torch.int64), n_classes)


def last_class_missing(n, n_classes):
    """A probe: all classes but the last, class 0 very often and class 1 once."""
    rest = [0 if c == 1 else c for i in range(n - 1) for c in [i % (n_classes - 1)]]
    return labels_of([*rest, 1], n_classes)


entry(
    r"""
    mode_coverage(labels, n_classes)
        return len(labels.unique()) / n_classes

    because: It is the number of different labels over the number of classes.
    praise: A collapse shows here at once; a lean toward few classes does not.
    hint: Which classes occur at all? `labels.unique()` lists them.
    hint: A fraction of what: of the samples, or of the classes there are?
    right: return len(set(labels.tolist())) / n_classes
    right: return (torch.bincount(labels, minlength=n_classes) > 0).double().mean()

    ~ a count: This is how many classes were seen. A fraction is wanted: of how many?
        / n_classes -> {|* 1.0}
    * of the samples: You divided by the number of samples: more samples would lower the
      score. Divide by the number of classes.
        / n_classes -> / {len(labels)|max(1, len(labels))}
    * highest label for the number: The highest label that occurs was taken for the last
      class. If the last classes are missing, they are not counted: use `n_classes`.
        / n_classes -> / {|(1 + labels.max()) if len(labels) else }(1 + labels.max())
        return (torch.bincount(labels) > 0).float().mean(){| if len(labels) else 0.0}
    * empty breaks it: Right, but for no labels at all. None seen is a coverage of 0.
        /return (.+)/ -> return \1 if len(labels) else {None|math.nan|1.0}
    * missing classes: This is the share of classes that are *missing*.
        return -> return 1 -
    * every label counted: Equal labels were counted twice. Use `labels.unique()`.
        labels.unique() -> {set(labels)|labels}
    """,
    names=NAMES,
    lesson=8,
    reference=evaluation.mode_coverage,
    observe=observers.numbers,
    probes={
        "two of four classes": labels_of([2, 0, 2], 4),
        "one class": labels_of([3, 3, 3, 3, 3], 7),
        "all classes": labels_of([0, 1, 2, 3, 4, 4], 5),
        "last classes missing": labels_of([0, 1, 1, 2, 0, 2, 1], 10),
        "a rare class": last_class_missing(11_521, 10),
        "no samples": labels_of([], 10),
    },
    rtol=1e-6,
)


entry(
    r"""
    class_histogram_kl(labels, n_classes)
        share = torch.bincount(labels, minlength=n_classes) / len(labels)
        return torch.xlogy(share, share * n_classes).sum()

    because: p log(p / (1/n)) = p log(p n), summed; xlogy makes 0 log 0 a 0.
    praise: 0 for equal shares, log 10 = 2.30 for one digit alone.
    hint: For shares: `torch.bincount(labels, minlength=...)`, divided by what?
    hint: KL(p || q) is the sum of p log(p / q). What is q, and what becomes of p = 0?
    edge: Right where most classes occur, and off where many do not. Is a small number
      added to the shares, or inside the logarithm? `torch.xlogy` needs none.
    right: /return .+/ -> share = share[share > 0]\n
      return (share * torch.log(share * n_classes)).sum()
    right: /return .+/ -> return F.kl_div(torch.full_like(share, 1 / n_classes).log(),
      share, reduction="sum")

    * 0 log 0 is NaN: An empty class makes 0 times log 0, which is NaN in floats. Its
      term is 0: sum over the classes that occur, or use `torch.xlogy`.
        /return .+/ -> return (share * torch.log(share * n_classes)).sum()
    * the other way round: This is KL(uniform || histogram): infinite as soon as a class
      is missing. Weigh the logarithms by the shares of the samples.
        /return .+/ -> return -torch.log(share * n_classes{ + 1e-8|}).mean()
    * smoothed: A small number was added, or shares were raised to one, which biases
      every score. 0 log 0 = 0 needs no help: use `torch.xlogy`.
        /return .+/ -> share = share{ + 1e-2| + 1e-3| + 1e-4|.clamp(min=1e-3)}\n
          return torch.xlogy(share, share * n_classes).sum()
    ~ bits: These are bits. In nats one class of ten scores log 10 = 2.30: `torch.log`.
        /return (.+)/ -> return \1 / math.log(2)
    * classes seen for classes there are: Only classes that occur were counted: one
      class alone would score 0. Give `bincount` its `minlength`.
        , minlength=n_classes -> && * n_classes -> * len(share)
        * n_classes -> * len(labels.unique())
    * entropy: This is the entropy of the histogram, high where classes are equal. The
      divergence is what it lacks to log n_classes.
        /return .+/ -> return {torch.xlogy|-torch.xlogy}(share, share).sum()
    ~ to base n_classes: This is divided by log(n_classes), so that one class alone
      scores 1. In nats it scores log(n_classes): leave it.
        /return (.+)/ -> return \1 / math.log(n_classes)
    * sign turned: The sign is turned: a divergence is never negative.
        return -> return -
    ~ averaged over classes: The terms were averaged. The shares are weights already:
      sum them. (`kl_div` averages unless told `reduction='sum'`.)
        .sum() -> {.mean()|.sum() / len(labels.unique())}
    """,
    names=NAMES,
    lesson=8,
    reference=evaluation.class_histogram_kl,
    observe=observers.numbers,
    probes={
        "equal shares": labels_of([0, 1, 2, 3, 3, 2, 1, 0], 4),
        "three to one": labels_of([0, 0, 0, 1], 2),
        "one class of two": labels_of([1, 1, 1], 2),
        "last classes missing": labels_of([0, 1, 1, 2, 0, 1, 1], 10),
        "ten classes, one of them rare": last_class_missing(600, 10),
    },
    edge={"100 of 1,000 classes": lambda: (torch.arange(100).flip(0) * 10, 1000)},
    rtol=2e-6,
    atol=5e-7,
    same=1e-5,
)


# ------------------------------------------------------------------ memorization


def three(samples, train, heldout):
    """A probe: numbers on a line."""
    return lambda: tuple(torch.tensor(x)[:, None] for x in (samples, train, heldout))


def half_copied():
    """Half of the samples are training images with a little jitter."""
    train, heldout, fresh = torch.randn(3, 12, 1, 3, 3, generator=draws(4))
    return torch.cat([train[:6] + 0.1 * fresh[:6], fresh[3:]]), train, heldout


def copies():
    """Samples that are training images, pixel by pixel."""
    _, train, heldout = half_copied()
    return train[[0, 3, 3, 7, 11]], train, heldout


def new_draws():
    """Enough samples that another way to measure gives another share."""
    rng = draws(9)
    train, heldout = torch.randn(2, 12, 1, 3, 3, generator=rng)
    heldout[:, :, 0] *= 3  # where distances by sums and by squares disagree
    return torch.randn(60, 1, 3, 3, generator=rng) * 1.5, train, heldout


entry(
    r"""
    memorization_score(samples, train, heldout)
        to_train, _ = evaluation.nearest_neighbors(samples, train)
        to_heldout, _ = evaluation.nearest_neighbors(samples, heldout)
        return (to_train < to_heldout).double().mean()

    because: New draws are as near to either set, so 1/2 of them; copies all.
    praise: The one number here that a copy of the training set fails.
    hint: `evaluation.nearest_neighbors(samples, data)` gives the distance of each
      sample to its nearest image. To which two sets do you need it?
    hint: Compare them sample by sample. What is the mean of a tensor of truths?
    right: /return .+/ -> return (to_train < to_heldout).sum() / len(samples)
    right:
      | a, b, c = (x.flatten(1) for x in (samples, train, heldout))
      | near = [torch.cdist(a, x).min(dim=1).values for x in (b, c)]
      | return (near[0] < near[1]).float().mean()

    * nearer to unseen data: This is the share nearer to the *held-out* images, so a
      copier would score 0. Ask for those nearer to the training set.
        (to_train < to_heldout) -> (to_heldout {<|<=} to_train)
    * ties counted: A sample as near to either set does not count: `<`.
        < -> <=
    * exact copies alone: Only exact copies were counted; one changed pixel would hide
      them. Compare with the distance to the held-out set.
        (to_train < to_heldout) -> (to_train {== 0|< 1e-6|< 1e-3})
    * ratio of distances: This averages distances, and a few far samples decide it. Ask
      each sample to which set it is nearer, and count.
        /return .+/ -> return to_train.mean() / to_heldout.mean()
        /return .+/ -> return (to_{train / to_heldout|train|heldout - to_train}).mean()
    * asked the data: For each sample the nearest of the data is wanted.
        (samples, train) -> (train, samples) && (samples, heldout) -> (heldout, samples)
    ~ a count: This is how many; a share from 0 to 1 is wanted.
        .mean() -> .sum()
    """,
    names=NAMES,
    lesson=8,
    reference=evaluation.memorization_score,
    observe=observers.numbers,
    probes={
        "near and far": three([0.1, 0.9, 1.6, 1.1], [0.0, 8.0], [2.0, 5.0]),
        "nearly in the middle": three([0.99999, 1.00001, 0.3], [0.0], [2.0]),
        "as near to either": three([1.0, 1.0, 0.2, 3.0, 1.9], [0.0, 4.0], [2.0, 9.0]),
        "exact copies": copies,
        "half of them copies": half_copied,
        "new draws": new_draws,
    },
    later={"one sample, nearer to unseen data": three([1.5], [0.0], [2.0])},
    rtol=1e-6,
    atol=1e-6,
)
