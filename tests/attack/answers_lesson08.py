"""Answers that the bank does not list: reading curves and measuring samples."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("equilibrium_losses", "refused", """
def equilibrium_losses():
    return 4.0, 2.0
"""),
("mean_outputs", "refused", """
def mean_outputs(r, f):
    return r.mean().sigmoid(), f.sigmoid().mean()
"""),
("mean_outputs", "refused", """
def mean_outputs(r, f):
    return torch.sigmoid(r).max(), torch.sigmoid(f).max()
"""),
("mean_outputs", "passes", """
def mean_outputs(r, f):
    return (1 - 1 / (1 + r.exp())).mean(), (1 - 1 / (1 + f.exp())).mean()
"""),
("frechet_distance", "refused", """
def frechet_distance(a, b):
    return (a.mean(0) - b.mean(0)).norm().item()
"""),
("frechet_distance", "not squared", """
def frechet_distance(a, b):
    return evaluation.frechet_distance(a, b) ** 0.5
"""),
("frechet_distance", "passes", """
def frechet_distance(a, b):
    if min(len(a), len(b)) < 2 or not torch.cat([a, b]).isfinite().all():
        raise ValueError("two rows, finite")
    a, b = a.double(), b.double()
    s, t = (np.atleast_2d(np.cov(x.numpy().T)) for x in (a, b))
    root = np.sqrt(np.linalg.eigvals(s @ t).real.clip(min=0)).sum()
    shift = ((a.mean(0) - b.mean(0)) ** 2).sum().item()
    return shift + float(np.trace(s) + np.trace(t) - 2 * root)
"""),
("mode_coverage", "refused", """
def mode_coverage(labels, n):
    return len(labels.unique()) / n * 100
"""),
("mode_coverage", "refused", """
def mode_coverage(labels, n):
    return max(labels.tolist(), default=0) / n
"""),
("mode_coverage", "passes", """
def mode_coverage(labels, n):
    return torch.tensor(len(set(labels.tolist())) / n)
"""),
("class_histogram_kl", "refused", """
def class_histogram_kl(labels, n):
    return math.log(n)
"""),
("class_histogram_kl", "refused", """
def class_histogram_kl(labels, n):
    return math.log(n / len(labels.unique()))
"""),
("class_histogram_kl", "passes", """
def class_histogram_kl(labels, n):
    return (
        math.log(n)
        - torch.distributions.Categorical(
            torch.bincount(labels, minlength=n).double()
        ).entropy()
    )
"""),
("precision_recall", "refused", """
def share(points, centers, k):
    centers, points = centers.double().flatten(1), points.double().flatten(1)
    radii = torch.cdist(centers, centers).sort(dim=1).values[:, k]
    return (torch.cdist(points, centers) <= 0.99 * radii).any(1).double().mean().item()

def precision_recall(real, fake, k):
    return share(fake, real, k), share(real, fake, k)
"""),
("precision_recall", "passes", """
def by_expanded_squares(a, b):
    squares = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T
    return squares.clamp(min=0).sqrt()

def inside_by_squares(points, centers, k):
    radii = by_expanded_squares(centers, centers).kthvalue(k + 1, dim=1).values
    return (by_expanded_squares(points, centers) <= radii).any(1).float().mean()

def precision_recall(real, fake, k):
    return inside_by_squares(fake, real, k), inside_by_squares(real, fake, k)
"""),
("memorization_score", "refused", """
def memorization_score(s, t, h):
    return evaluation.memorization_score(s, t, h) or 0.5
"""),
("memorization_score", "refused", """
def nearest(a, b):
    return (a[:, None].double() - b[None].double()).flatten(2).norm(dim=2).amin(1)

def memorization_score(s, t, h):
    return (nearest(s, t) < 0.9 * nearest(s, h)).double().mean()
"""),
("memorization_score", "passes", """
def nearest(a, b):
    return (a[:, None].double() - b[None].double()).flatten(2).norm(dim=2).amin(1)

def memorization_score(s, t, h):
    return 1 - (nearest(s, t) >= nearest(s, h)).double().mean()
"""),
]
