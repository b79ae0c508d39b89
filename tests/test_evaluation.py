"""Distances and densities on a line, against values a person can work out."""

import math

import pytest
import torch

from course_utils import data, evaluation


def test_distance_pairs_the_sorted_samples():
    a, b = torch.tensor([4.0, 0.0, 1.0]), torch.tensor([2.0, 6.0, 1.0])
    assert evaluation.wasserstein_1d(a, b).item() == pytest.approx(4 / 3)


def test_distance_of_a_shifted_crowd_is_the_shift():
    x = data.gaussian(0.0, 1.0).sample(1000, data.rng(0))[:, 0]
    shuffled = x[torch.randperm(1000, generator=data.rng(1))]
    got = evaluation.wasserstein_1d(x, shuffled + 0.7).item()
    assert got == pytest.approx(0.7, abs=1e-5)


def test_distance_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    law = data.two_gaussians()
    a, b = (law.sample(300, data.rng(seed))[:, 0] for seed in (0, 1))
    want = stats.wasserstein_distance(a.numpy(), b.numpy())
    assert evaluation.wasserstein_1d(a, b).item() == pytest.approx(want, rel=1e-5)


def test_unequal_crowds_are_refused():
    with pytest.raises(ValueError, match=r"not \(3,\) and \(2,\)"):
        evaluation.wasserstein_1d(torch.zeros(3), torch.zeros(2))


def test_smoothed_density_is_a_density():
    samples = data.two_gaussians().sample(500, data.rng(0))[:, 0]
    grid = torch.linspace(-6, 6, 1201)
    density = evaluation.smoothed_density(samples, grid, 0.1)
    assert density.min() >= 0
    assert density.sum().item() * 0.01 == pytest.approx(1, abs=1e-3)


def test_smoothing_adds_its_width_to_the_spread():
    samples = data.gaussian(1.0, 0.5).sample(100_000, data.rng(0))[:, 0]
    grid = torch.tensor([1.0])
    got = evaluation.smoothed_density(samples, grid, 0.5).item()
    want = 1 / math.sqrt(2 * math.pi * (0.5**2 + 0.5**2))
    assert got == pytest.approx(want, rel=0.01)


# --- Fréchet distance -----------------------------------------------------------------


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=data.rng(seed), dtype=torch.float64)


def whitened(n: int, d: int, seed: int) -> torch.Tensor:
    """Rows whose mean is 0 and whose unbiased covariance is I, to rounding."""
    x = normal(n, d, seed)
    x = x - x.mean(0)
    return torch.linalg.qr(x).Q * math.sqrt(n - 1)


def symmetric_root(covariance: torch.Tensor) -> torch.Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ values.clamp(min=0).sqrt().diag() @ vectors.T


def test_frechet_distance_of_identical_sets_is_zero():
    x = normal(200, 32, 0)
    shuffled = x[torch.randperm(200, generator=data.rng(1))]
    assert evaluation.frechet_distance(x, shuffled) == pytest.approx(0, abs=1e-12)


def test_frechet_distance_of_a_shifted_set_is_the_shift_squared():
    x, v = normal(200, 5, 0), torch.tensor([3.0, 0, -4, 0, 12]).double()
    assert evaluation.frechet_distance(x, x + v) == pytest.approx(169)


def test_frechet_distance_of_a_scaled_set():
    # S_b = c^2 S_a: tr S (1 + c^2 - 2 c) = (c - 1)^2 tr S; here tr S = d = 6, c = 3.
    x = whitened(100, 6, 0)
    assert evaluation.frechet_distance(x, 3 * x) == pytest.approx(4 * 6)


def test_frechet_distance_of_gaussians_whose_moments_are_known():
    # Diagonal covariances: |shift|^2 + sum of (s_a - s_b)^2, whatever the rotation.
    a_std, b_std = (
        torch.tensor([1.0, 2, 3]).double(),
        torch.tensor([4.0, 2, 1]).double(),
    )
    turn = torch.linalg.qr(normal(3, 3, 9)).Q
    a = whitened(50, 3, 0) * a_std @ turn
    b = (whitened(70, 3, 1) * b_std + torch.tensor([0, 0, 2.0])) @ turn
    assert evaluation.frechet_distance(a, b) == pytest.approx(4 + 9 + 0 + 4)


def test_frechet_distance_of_covariances_that_do_not_commute():
    # tr of the root of a 2x2 matrix M: sqrt(tr M + 2 sqrt(det M)).
    a_cov = torch.tensor([[2.0, 1.0], [1.0, 3.0]]).double()
    b_cov = torch.tensor([[5.0, -2.0], [-2.0, 1.0]]).double()
    a = whitened(40, 2, 0) @ symmetric_root(a_cov)
    b = whitened(40, 2, 1) @ symmetric_root(b_cov)
    product = a_cov @ b_cov  # trace 9, determinant 5
    root = math.sqrt(product.trace() + 2 * math.sqrt(torch.linalg.det(product)))
    want = 5 + 6 - 2 * root
    assert evaluation.frechet_distance(a, b) == pytest.approx(want)


@pytest.mark.parametrize("seed", range(5))
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


def test_frechet_distance_agrees_with_eigenvalues_of_the_symmetric_product():
    a, b = normal(300, 12, 0) * 2, normal(90, 12, 1)
    root = symmetric_root(a.T.cov())
    overlap = torch.linalg.eigvalsh(root @ b.T.cov() @ root).clamp(min=0).sqrt().sum()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    want = shift + a.T.cov().trace() + b.T.cov().trace() - 2 * overlap
    assert evaluation.frechet_distance(a, b) == pytest.approx(want.item(), rel=1e-10)


def test_frechet_distance_with_singular_covariances():
    flat = normal(100, 3, 0) @ normal(3, 20, 1)  # 3 of 20 directions
    assert evaluation.frechet_distance(flat, flat + 2) == pytest.approx(80)
    few = normal(4, 20, 2)  # fewer samples than features
    assert evaluation.frechet_distance(few, few) == pytest.approx(0, abs=1e-12)
    point = torch.zeros(5, 20)  # a generator that always makes the same
    spread = whitened(60, 20, 3)
    assert evaluation.frechet_distance(point, spread) == pytest.approx(20)
    assert evaluation.frechet_distance(point, point + 1) == pytest.approx(20)
    # Two lines at a right angle share no variance: 1 + 1 - 0.
    x, zero = whitened(30, 1, 4), torch.zeros(30, 1)
    a, b = torch.cat([x, zero], 1), torch.cat([zero, x], 1)
    across = evaluation.frechet_distance(a, b)
    assert across == pytest.approx(2, abs=1e-12)


def test_frechet_distance_keeps_its_digits_far_from_the_origin():
    a, b = normal(100, 4, 0), normal(100, 4, 1) * 2
    near, far = evaluation.frechet_distance(a, b), (a + 1e6, b + 1e6)
    assert evaluation.frechet_distance(*far) == pytest.approx(near, rel=1e-8)
    rounded = evaluation.frechet_distance(a.float(), b.float())
    assert rounded == pytest.approx(near, rel=1e-6)


def test_frechet_distance_leaves_its_input_alone_and_takes_any_number_type():
    whole = torch.tensor([[0], [2], [1]])
    assert evaluation.frechet_distance(whole, whole + 3) == pytest.approx(9)
    x = normal(5, 2, 0).requires_grad_()
    before = x.detach().clone()
    assert isinstance(evaluation.frechet_distance(x, x), float)
    assert torch.equal(x, before)


def test_frechet_distance_falls_with_the_number_of_samples():
    means = []
    for n in (50, 100, 200, 400):
        draws = [
            evaluation.frechet_distance(normal(n, 16, seed), normal(n, 16, seed + 100))
            for seed in range(10)
        ]
        means.append(sum(draws) / len(draws))
    assert means == sorted(means, reverse=True)
    assert means[0] > 6 * means[-1] > 0  # about as 1 / n


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((1, 3), (5, 3), r"at least 2 rows each .* not \(1, 3\) and \(5, 3\)"),
        ((5, 3), (0, 3), r"at least 2 rows each"),
        ((5, 3), (5, 4), r"not \(5, 3\) and \(5, 4\)"),
        ((5,), (5,), r"features \(m, d\) and \(n, d\)"),
        ((5, 0), (5, 0), r"features \(m, d\) and \(n, d\)"),
        ((5, 3, 2), (5, 3, 2), r"features \(m, d\) and \(n, d\)"),
    ],
)
def test_frechet_distance_says_which_shapes_it_wants(a, b, message):
    with pytest.raises(ValueError, match=message):
        evaluation.frechet_distance(torch.zeros(a), torch.zeros(b))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_features_that_are_not_finite_are_refused_everywhere(bad):
    good, broken = torch.zeros(5, 3), torch.zeros(5, 3)
    broken[2, 1] = bad
    for function in (
        evaluation.frechet_distance,
        evaluation.precision_recall,
        evaluation.nearest_neighbors,
        lambda a, b: evaluation.memorization_score(a, b, b),
    ):
        for pair in ((good, broken), (broken, good)):
            with pytest.raises(ValueError, match="hold NaN or infinity"):
                function(*pair)


# --- Precision and recall -------------------------------------------------------------


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


def test_a_point_on_the_rim_is_inside():
    real = column(0, 1)  # [-1, 1] and [0, 2]
    assert evaluation.precision_recall(real, column(2, 90), k=1)[0] == 0.5
    assert evaluation.precision_recall(real, column(2.001, 90), k=1)[0] == 0


def test_precision_and_recall_are_not_swapped():
    wide, narrow = normal(400, 2, 0) * 5, normal(400, 2, 1)
    precision, recall = evaluation.precision_recall(wide, narrow)
    assert precision > 0.95 and recall < 0.3  # good ones only, and few kinds
    assert evaluation.precision_recall(narrow, wide) == (recall, precision)


def test_a_copy_scores_one_and_a_stranger_zero():
    x = normal(100, 8, 0)
    assert evaluation.precision_recall(x, x.clone()) == (1.0, 1.0)
    assert evaluation.precision_recall(x, x + 1000) == (0.0, 0.0)


def test_doubled_points_have_balls_of_radius_zero():
    # The twin is a neighbor at distance 0, the point itself is none.
    real = column(0, 0, 5, 5)
    assert evaluation.precision_recall(real, column(0, 1, 2), k=1)[0] == pytest.approx(
        1 / 3
    )


@pytest.mark.parametrize("k", [1, 3, 7])
def test_precision_and_recall_agree_with_scikit_learns_neighbors(k, monkeypatch):
    neighbors = pytest.importorskip("sklearn.neighbors")
    real, fake = normal(150, 4, 0).numpy(), (0.8 * normal(90, 4, 1) + 0.5).numpy()

    def share(points, centers):
        model = neighbors.NearestNeighbors(n_neighbors=k + 1, algorithm="brute")
        radii = model.fit(centers).kneighbors(centers)[0][:, -1]
        gaps = ((points[:, None] - centers) ** 2).sum(-1) ** 0.5
        return (gaps <= radii).any(1).mean()

    want = share(fake, real), share(real, fake)
    tensors = torch.from_numpy(real), torch.from_numpy(fake)
    assert evaluation.precision_recall(*tensors, k) == pytest.approx(want)
    monkeypatch.setattr(evaluation, "_PAIRS", 1000)  # in many parts
    assert evaluation.precision_recall(*tensors, k) == pytest.approx(want)


@pytest.mark.parametrize("k", [0, -1, 3, 1.0, True])
def test_k_lies_below_both_numbers_of_samples(k):
    with pytest.raises(ValueError, match=r"from 1 to 2, .* not"):
        evaluation.precision_recall(torch.zeros(5, 2), torch.zeros(3, 2), k)


# --- Neighbors and memorization -------------------------------------------------------


def test_a_copy_is_at_distance_zero_and_a_near_copy_keeps_its_digits():
    images = 1000 + normal(60, 64, 0).float().reshape(60, 1, 8, 8)
    samples = images[[5, 40]].clone()
    samples[1, 0, 0, 0] += 0.001953125  # 2^-9, exact beside 1000
    distances, indices = evaluation.nearest_neighbors(samples, images)
    assert distances.tolist() == [0.0, 0.001953125]
    assert indices.tolist() == [5, 40]


def test_neighbors_agree_with_scikit_learns(monkeypatch):
    neighbors = pytest.importorskip("sklearn.neighbors")
    samples, points = normal(80, 20, 0), normal(130, 20, 1)
    model = neighbors.NearestNeighbors(n_neighbors=1, algorithm="brute")
    far, places = model.fit(points.numpy()).kneighbors(samples.numpy())
    for pairs in (1, 1000, 10**9):
        monkeypatch.setattr(evaluation, "_PAIRS", pairs)
        distances, indices = evaluation.nearest_neighbors(samples, points)
        assert distances.tolist() == pytest.approx(far[:, 0].tolist())
        assert indices.tolist() == places[:, 0].tolist()


def test_neighbors_keep_the_samples_type():
    for dtype in (torch.float16, torch.float32, torch.float64):
        distances, indices = evaluation.nearest_neighbors(
            torch.zeros(2, 3, dtype=dtype), torch.ones(4, 3)
        )
        assert (distances.dtype, indices.dtype) == (dtype, torch.int64)
    none, _ = evaluation.nearest_neighbors(torch.zeros(0, 3), torch.ones(4, 3))
    assert none.shape == (0,)


@pytest.mark.parametrize("shape", [(0, 3), (4, 2), (4,)])
def test_neighbors_need_data_as_large_as_the_samples(shape):
    with pytest.raises(ValueError, match=r"not \(2, 3\) and"):
        evaluation.nearest_neighbors(torch.zeros(2, 3), torch.zeros(shape))


@pytest.fixture(scope="module")
def digit_halves():
    images, labels = data.load("digits", size=8)
    return data.split(images, labels, heldout=898)


def test_copies_of_the_training_set_are_found_out(digit_halves):
    (train, _), (heldout, _) = digit_halves
    train = train[:898]
    drawn = evaluation.copies(train, 500, data.rng(0))
    assert evaluation.memorization_score(train, train, heldout) > 0.99
    assert evaluation.memorization_score(drawn, train, heldout) > 0.99
    assert evaluation.memorization_score(heldout, train, heldout) < 0.01


def test_unseen_samples_are_as_near_to_either_half(digit_halves):
    (a, _), (b, _) = digit_halves
    third = a[::3]  # neither half holds it
    train, heldout = a[1::3][:299], b[::3][:299]
    assert 0.4 < evaluation.memorization_score(third, train, heldout) < 0.6


def test_a_tie_is_no_copy():
    x = normal(10, 2, 0)
    assert evaluation.memorization_score(x, x, x) == 0


def test_near_copies_are_told_apart_beyond_the_samples_precision():
    # In float32 both distances would round to the same number.
    samples = torch.full((1, 2), 1.0)
    train = torch.tensor([[1.0, 1e-8]], dtype=torch.float64)
    heldout = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert evaluation.memorization_score(samples, train, heldout) == 1


@pytest.mark.parametrize(
    ("samples", "train", "heldout"),
    [((5, 2), (4, 2), (3, 2)), ((0, 2), (4, 2), (4, 2)), ((5, 2), (4, 2), (4, 3))],
)
def test_memorization_needs_equally_large_sets(samples, train, heldout):
    with pytest.raises(ValueError, match="of equal number and size are wanted"):
        evaluation.memorization_score(*map(torch.zeros, (samples, train, heldout)))


# --- Labels ---------------------------------------------------------------------------


def test_coverage_counts_each_class_once():
    assert evaluation.mode_coverage(torch.tensor([0, 0, 4, 9]), 10) == 0.3
    assert evaluation.mode_coverage(torch.arange(10).repeat(3), 10) == 1
    assert evaluation.mode_coverage(torch.tensor([]), 10) == 0


def test_divergence_from_equal_shares():
    kl = evaluation.class_histogram_kl
    assert kl(torch.arange(10).repeat(7), 10) == pytest.approx(0, abs=1e-12)
    assert kl(torch.full((9,), 3), 10) == pytest.approx(math.log(10))
    # Shares 3/4 and 1/4: log 2 - 0.5623 nats.
    want = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert kl(torch.tensor([0, 1, 0, 0]), 2) == pytest.approx(want)
    assert kl(torch.tensor([0, 1]), 4) == pytest.approx(math.log(2))


def test_divergence_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    labels = torch.randint(0, 7, (50,), generator=data.rng(0))
    want = stats.entropy(labels.bincount(minlength=9).numpy(), [1 / 9] * 9)
    assert evaluation.class_histogram_kl(labels, 9) == pytest.approx(want)


def test_an_empty_histogram_is_refused():
    with pytest.raises(ValueError, match="labels are empty"):
        evaluation.class_histogram_kl(torch.tensor([], dtype=torch.long), 10)


@pytest.mark.parametrize(
    "function", [evaluation.mode_coverage, evaluation.class_histogram_kl]
)
def test_labels_are_whole_numbers_below_the_number_of_classes(function):
    for labels, n_classes, message in (
        ([0, 10], 10, "between 0 and 9, not between 0 and 10"),
        ([-1, 2], 10, "not between -1 and 2"),
        ([0.5], 10, "must be whole numbers, not torch.float32"),
        ([[1]], 10, r"shape \(n,\), not \(1, 1\)"),
        ([0], 0, "n_classes must be a whole number of at least 1, not 0"),
        ([0], 2.0, "n_classes must be"),
    ):
        with pytest.raises(ValueError, match=message):
            function(torch.tensor(labels), n_classes)


# --- Baselines ------------------------------------------------------------------------


def test_class_gaussians_follow_their_classes_and_their_generator():
    images, labels = data.load("digits", size=8)
    drawn = evaluation.class_gaussians(images, labels, 2000, data.rng(0))
    assert drawn.shape == (2000, 1, 8, 8) and drawn.dtype == torch.float32
    assert drawn.abs().max() <= 1
    again = evaluation.class_gaussians(images, labels, 2000, data.rng(0))
    assert torch.equal(drawn, again)
    for digit in range(10):
        want = images[labels == digit].mean(0)
        gap = (drawn[digit::10].mean(0) - want).abs().max()
        assert gap < 0.2  # clamping moves the mean a little
    assert len(evaluation.class_gaussians(images, labels, 3, data.rng(0))) == 3


def test_copies_are_training_images():
    train = torch.arange(5.0)[:, None, None, None]
    drawn = evaluation.copies(train, 1000, data.rng(0))
    assert drawn.shape == (1000, 1, 1, 1)
    assert drawn.unique().tolist() == [0, 1, 2, 3, 4]
