"""Every number for samples, against values that a person can work out."""

import math

import pytest
import torch

from course_utils import data, evaluation

KL = evaluation.class_histogram_kl


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=data.rng(seed), dtype=torch.float64)


# --- On a line and in the plane -------------------------------------------------------


def test_wasserstein_pairs_the_sorted_samples_and_agrees_with_scipy():
    a, b = torch.tensor([4.0, 0.0, 1.0]), torch.tensor([2.0, 6.0, 1.0])
    assert evaluation.wasserstein_1d(a, b).item() == pytest.approx(4 / 3)
    x = normal(1000, 1, 0)[:, 0]
    shifted = x[torch.randperm(1000, generator=data.rng(1))] + 0.7
    assert evaluation.wasserstein_1d(x, shifted).item() == pytest.approx(0.7)
    stats, y = pytest.importorskip("scipy.stats"), normal(1000, 1, 2)[:, 0] * 2
    want = stats.wasserstein_distance(x.numpy(), y.numpy())
    assert evaluation.wasserstein_1d(x, y).item() == pytest.approx(want)
    with pytest.raises(ValueError, match=r"not \(3,\) and \(2,\)"):
        evaluation.wasserstein_1d(torch.zeros(3), torch.zeros(2))


def test_a_smoothed_density_integrates_to_one_and_adds_its_width_to_the_spread():
    samples, grid = 1 + 0.5 * normal(50_000, 1, 0)[:, 0], torch.linspace(-6, 8, 141)
    density = evaluation.smoothed_density(samples, grid.double(), 0.5)
    assert density.sum().item() * 0.1 == pytest.approx(1, abs=1e-6)
    peak = 1 / math.sqrt(2 * math.pi * (0.5**2 + 0.5**2))
    assert density[70].item() == pytest.approx(peak, rel=0.01)


def test_modes_are_counted_not_samples_and_a_sample_on_the_rim_counts():
    ring = data.ring()
    samples = torch.cat([ring.centers[:3], ring.centers[:3] + 0.01, torch.zeros(5, 2)])
    assert evaluation.modes_covered(samples, ring.centers, 0.25) == 3
    at_5, origin = torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2)
    assert [evaluation.modes_covered(at_5, origin, r) for r in (5.0, 4.99)] == [1, 0]


# --- Fréchet distance -----------------------------------------------------------------


def whitened(n: int, d: int, seed: int) -> torch.Tensor:
    """Rows whose mean is 0 and whose unbiased covariance is I, to rounding."""
    x = normal(n, d, seed)
    return torch.linalg.qr(x - x.mean(0)).Q * math.sqrt(n - 1)


def known_pairs():
    """(features, features, Fréchet distance by hand)."""
    x, shift = normal(200, 5, 0), torch.tensor([3.0, 0, -4, 0, 12]).double()
    yield x, x[torch.randperm(200, generator=data.rng(1))], 0
    yield x, x + shift, 169
    # S_b = c^2 S_a: (c - 1)^2 tr S, here c = 3 and tr S = 6.
    yield whitened(100, 6, 0), 3 * whitened(100, 6, 0), 24
    # Diagonal covariances: |shift|^2 + sum of (s_a - s_b)^2, whatever the rotation.
    turn = torch.linalg.qr(normal(3, 3, 9)).Q
    a = whitened(50, 3, 0) * torch.tensor([1.0, 2, 3]) @ turn
    b = (
        whitened(70, 3, 1) * torch.tensor([4.0, 2, 1]) + torch.tensor([0, 0, 2])
    ) @ turn
    yield a, b, 4 + 9 + 0 + 4
    # Singular covariances: 3 of 20 directions, fewer samples than features, a point.
    flat = normal(100, 3, 0) @ normal(3, 20, 1)
    yield flat, flat + 2, 80
    yield normal(4, 20, 2), normal(4, 20, 2), 0
    yield torch.zeros(5, 20), whitened(60, 20, 3), 20
    # Two lines at a right angle share no variance: 1 + 1 - 0.
    line, zero = whitened(30, 1, 4), torch.zeros(30, 1)
    yield torch.cat([line, zero], 1), torch.cat([zero, line], 1), 2
    yield torch.tensor([[0], [2], [1]]), torch.tensor([[3], [5], [4]]), 9


@pytest.mark.parametrize(("a", "b", "want"), list(known_pairs()))
def test_frechet_distance_where_it_is_known(a, b, want):
    assert evaluation.frechet_distance(a, b) == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_frechet_distance_agrees_with_scipys_matrix_root(seed):
    linalg = pytest.importorskip("scipy.linalg")
    a = normal(300, 12, seed) @ normal(12, 12, seed + 10) + 1
    b = normal(90, 12, seed + 20) @ normal(12, 12, seed + 30)
    root = linalg.sqrtm((a.T.cov() @ b.T.cov()).numpy()).real
    shift = (a.mean(0) - b.mean(0)).square().sum()
    want = shift + a.T.cov().trace() + b.T.cov().trace() - 2 * root.trace()
    got = evaluation.frechet_distance(a, b)
    assert got == pytest.approx(want.item(), rel=1e-8)
    assert evaluation.frechet_distance(b, a) == pytest.approx(got, rel=1e-10)
    far = evaluation.frechet_distance(a + 1e6, b + 1e6)  # keeps its digits
    assert far == pytest.approx(got, rel=1e-8)


# --- Precision, recall, neighbors, memorization ---------------------------------------


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_precision_and_recall_worked_out_on_a_line():
    # Balls of the reals 0, 1, 3, 10 at k = 1: radii 1, 1, 2, 7, so [-1, 5] and [3, 17].
    # Balls of the fakes -1, 0, 20: radii 1, 1, 20, so [-2, 1] and [0, 40].
    real, fake = column(0, 1, 3, 10), column(-1, 0, 20)
    assert evaluation.precision_recall(real, fake, k=1) == (pytest.approx(2 / 3), 1.0)
    # At k = 2 the balls of the reals end at 3, 2, 3, 9: [-3, 6] and [1, 19].
    # Those of the fakes at 21, 20, 21: everything.
    assert evaluation.precision_recall(real, fake, k=2) == (pytest.approx(2 / 3), 1.0)
    rim = column(0, 1)  # [-1, 1] and [0, 2]
    assert evaluation.precision_recall(rim, column(2, 90), k=1)[0] == 0.5
    assert evaluation.precision_recall(rim, column(2.001, 90), k=1)[0] == 0
    twins = column(0, 0, 5, 5)  # the twin is a neighbor at distance 0
    precision, _ = evaluation.precision_recall(twins, column(0, 1, 2), k=1)
    assert precision == pytest.approx(1 / 3)


def test_precision_and_recall_are_not_swapped():
    wide, narrow = normal(400, 2, 0) * 5, normal(400, 2, 1)
    precision, recall = evaluation.precision_recall(wide, narrow)
    assert precision > 0.95 and recall < 0.3  # good ones only, and few kinds
    assert evaluation.precision_recall(narrow, wide) == (recall, precision)
    assert evaluation.precision_recall(wide, wide + 1000) == (0.0, 0.0)


@pytest.mark.parametrize("pairs", [1000, 10**9])  # in many parts, and in one
def test_neighbors_and_balls_agree_with_scikit_learns(pairs, monkeypatch):
    neighbors = pytest.importorskip("sklearn.neighbors")
    monkeypatch.setattr(evaluation, "_PAIRS", pairs)
    real, fake = normal(150, 4, 0).numpy(), (0.8 * normal(90, 4, 1) + 0.5).numpy()

    def found(points, centers, k):
        model = neighbors.NearestNeighbors(n_neighbors=k, algorithm="brute")
        return model.fit(centers).kneighbors(points)

    def share(points, centers):
        radii = found(centers, centers, 4)[0][:, -1]
        gaps = ((points[:, None] - centers) ** 2).sum(-1) ** 0.5
        return (gaps <= radii).any(1).mean()

    a, b = torch.from_numpy(real), torch.from_numpy(fake)
    want = share(fake, real), share(real, fake)
    assert evaluation.precision_recall(a, b) == pytest.approx(want)
    distances, indices = evaluation.nearest_neighbors(b, a)
    far, places = found(fake, real, 1)
    assert distances.tolist() == pytest.approx(far[:, 0].tolist())
    assert indices.tolist() == places[:, 0].tolist()


def test_a_copy_is_at_distance_zero_and_a_near_copy_keeps_its_digits():
    images = 1000 + normal(60, 64, 0).float().reshape(60, 1, 8, 8)
    samples = images[[5, 40]].clone()
    samples[1, 0, 0, 0] += 2**-9  # exact beside 1000
    distances, indices = evaluation.nearest_neighbors(samples, images)
    assert distances.tolist() == [0.0, 2**-9] and indices.tolist() == [5, 40]
    assert distances.dtype == torch.float32
    none, _ = evaluation.nearest_neighbors(images[:0], images)
    assert none.shape == (0,)


def test_copies_are_found_out_and_unseen_data_are_not():
    images, labels = data.load("digits", size=8)
    train, heldout, unseen = images[torch.randperm(1797, generator=data.rng(0))].split(
        599
    )
    drawn = evaluation.copies(train, 500, data.rng(0))
    assert evaluation.memorization_score(drawn, train, heldout) > 0.99
    assert evaluation.memorization_score(heldout, train, heldout) < 0.01
    assert 0.4 < evaluation.memorization_score(unseen, train, heldout) < 0.6
    assert evaluation.memorization_score(train, train, train) == 0  # a tie is no copy


# --- Labels, baselines, errors --------------------------------------------------------


def test_labels_by_hand_and_by_scipy():
    assert evaluation.mode_coverage(torch.tensor([0, 0, 4, 9]), 10) == 0.3
    assert evaluation.mode_coverage(torch.tensor([]), 10) == 0
    assert KL(torch.arange(10).repeat(7), 10) == pytest.approx(0, abs=1e-12)
    assert KL(torch.full((9,), 3), 10) == pytest.approx(math.log(10))
    want = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert KL(torch.tensor([0, 1, 0, 0]), 2) == pytest.approx(want)
    stats = pytest.importorskip("scipy.stats")
    labels = torch.randint(0, 7, (50,), generator=data.rng(0))
    want = stats.entropy(labels.bincount(minlength=9).numpy(), [1 / 9] * 9)
    assert KL(labels, 9) == pytest.approx(want)


def test_class_gaussians_follow_their_classes_and_their_generator():
    images, labels = data.load("digits", size=8)
    drawn = evaluation.class_gaussians(images, labels, 2000, data.rng(0))
    assert drawn.shape == (2000, 1, 8, 8) and drawn.dtype == torch.float32
    assert drawn.abs().max() <= 1
    again = evaluation.class_gaussians(images, labels, 2000, data.rng(0))
    assert torch.equal(drawn, again)
    for digit in range(10):
        gap = drawn[digit::10].mean(0) - images[labels == digit].mean(0)
        assert gap.abs().max() < 0.2  # clamping moves the mean a little


def zeros(*shapes):
    return [torch.zeros(shape) for shape in shapes]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluation.frechet_distance(*zeros((1, 3), (5, 3))),
         r"at least 2 rows each .* not \(1, 3\) and \(5, 3\)"),
        (lambda: evaluation.frechet_distance(*zeros((5, 3), (5, 4))), r"and \(5, 4\)"),
        (lambda: evaluation.frechet_distance(*zeros(5, 5)), r"features \(m, d\) and"),
        (lambda: evaluation.precision_recall(*zeros((5, 2), (3, 2)), 3), "from 1 to 2"),
        (lambda: evaluation.precision_recall(*zeros((5, 2), (3, 2)), 0), "from 1 to 2"),
        (lambda: evaluation.nearest_neighbors(*zeros((2, 3), (0, 3))), r"not \(2, 3\)"),
        (lambda: evaluation.memorization_score(*zeros((5, 2), (4, 2), (3, 2))),
         "of equal number and size are wanted"),
        (lambda: KL(torch.tensor([]).long(), 10), "labels are empty"),
        (lambda: KL(torch.tensor([0, 10]), 10), "between 0 and 9, not between 0 and"),
        (lambda: KL(torch.tensor([0.5]), 10), "whole numbers, not torch.float32"),
        (lambda: KL(torch.tensor([[1]]), 10), r"shape \(n,\), not \(1, 1\)"),
        (lambda: evaluation.mode_coverage(torch.tensor([0]), 0), "n_classes must be a"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused_everywhere(bad):
    good, broken = torch.zeros(5, 3), torch.full((5, 3), bad)
    for function in (
        evaluation.frechet_distance,
        evaluation.precision_recall,
        evaluation.nearest_neighbors,
        lambda a, b: evaluation.memorization_score(a, b, b),
    ):
        for pair in ((good, broken), (broken, good)):
            with pytest.raises(ValueError, match="hold NaN or infinity"):
                function(*pair)
