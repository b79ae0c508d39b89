"""More answers that the bank does not list: reading curves and measuring samples."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("mean_outputs", "refused", """
def mean_outputs(r, f):
    return r.clamp(0, 1).mean(), f.clamp(0, 1).mean()
"""),
("mean_outputs", "refused", """
def mean_outputs(r, f):
    return tuple((x.exp() / (x.exp() + 1)).sum() / len(x) for x in (r, f))
"""),
("mean_outputs", "refused", """
def mean_outputs(r, f):
    return torch.sigmoid(r.unique()).mean(), torch.sigmoid(f.unique()).mean()
"""),
("mean_outputs", "refused", """
def mean_outputs(r, f):
    return round(torch.sigmoid(r).mean().item(), 5), round(
        torch.sigmoid(f).mean().item(), 5
    )
"""),
("mean_outputs", "refused", """
def mean_outputs(r, f):
    return torch.sigmoid(r).sum() / (len(r) + 1e-5), torch.sigmoid(f).sum() / (
        len(f) + 1e-5
    )
"""),
("mean_outputs", "passes", """
def mean_outputs(r, f):
    return tuple(x.double().sigmoid().mean() for x in (r, f))
"""),
("mean_outputs", "passes", """
def mean_outputs(r, f):
    return torch.exp(-torch.log1p(torch.exp(-r))).mean(), torch.exp(
        -torch.log1p(torch.exp(-f))
    ).mean()
"""),
("diagnose", "refused", """
def diagnose(run):
    return {"A": "weak"}[run]
"""),
("frechet_distance", "refused", """
def distance(a, b, *, cross=None, cov=None, check=True, sums=torch.sum):
    if check and (min(len(a), len(b)) < 2 or not torch.cat([a, b]).isfinite().all()):
        raise ValueError("two rows, finite")
    a, b = a.double(), b.double()
    s_a, s_b = (np.atleast_2d(np.cov(x.numpy().T)) for x in (a, b))
    if cov:
        s_a, s_b = cov(s_a, s_b)
    values = np.linalg.eigvals(s_a @ s_b).real.clip(min=0)
    root = np.sqrt(values).sum() if cross is None else cross(s_a, s_b)
    shift = sums((a.mean(0) - b.mean(0)) ** 2).item()
    return shift + float(np.trace(s_a) + np.trace(s_b) - 2 * root)

def frechet_distance(a, b):
    return distance(a, b) + 1e-6
"""),
("frechet_distance", "refused", """
def distance(a, b, *, cross=None, cov=None, check=True, sums=torch.sum):
    if check and (min(len(a), len(b)) < 2 or not torch.cat([a, b]).isfinite().all()):
        raise ValueError("two rows, finite")
    a, b = a.double(), b.double()
    s_a, s_b = (np.atleast_2d(np.cov(x.numpy().T)) for x in (a, b))
    if cov:
        s_a, s_b = cov(s_a, s_b)
    values = np.linalg.eigvals(s_a @ s_b).real.clip(min=0)
    root = np.sqrt(values).sum() if cross is None else cross(s_a, s_b)
    shift = sums((a.mean(0) - b.mean(0)) ** 2).item()
    return shift + float(np.trace(s_a) + np.trace(s_b) - 2 * root)

def frechet_distance(a, b):
    return round(distance(a, b), 4)
"""),
("frechet_distance", "refused", """
def distance(a, b, *, cross=None, cov=None, check=True, sums=torch.sum):
    if check and (min(len(a), len(b)) < 2 or not torch.cat([a, b]).isfinite().all()):
        raise ValueError("two rows, finite")
    a, b = a.double(), b.double()
    s_a, s_b = (np.atleast_2d(np.cov(x.numpy().T)) for x in (a, b))
    if cov:
        s_a, s_b = cov(s_a, s_b)
    values = np.linalg.eigvals(s_a @ s_b).real.clip(min=0)
    root = np.sqrt(values).sum() if cross is None else cross(s_a, s_b)
    shift = sums((a.mean(0) - b.mean(0)) ** 2).item()
    return shift + float(np.trace(s_a) + np.trace(s_b) - 2 * root)

def frechet_distance(a, b):
    return distance(a, b) / a.shape[1]
"""),
("frechet_distance", "passes", """
def frechet_distance(a, b):
    a, b = a.double(), b.double()
    if min(len(a), len(b)) < 2:
        raise ValueError("two rows")
    x = (a - a.mean(0)) / (len(a) - 1) ** 0.5
    y = (b - b.mean(0)) / (len(b) - 1) ** 0.5
    shift = (a.mean(0) - b.mean(0)).square().sum()
    overlap = torch.linalg.matrix_norm(x @ y.T, "nuc")
    return shift + x.square().sum() + y.square().sum() - 2 * overlap
"""),
("frechet_distance", "passes", """
def frechet_distance(a, b):
    if len(a) < 2 or len(b) < 2 or a.isnan().any() or b.isnan().any():
        raise ValueError("two rows, no NaN")
    a, b = a.double(), b.double()
    s, t = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(s)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ t @ root).clamp(min=0).sqrt().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + (s + t).trace() - 2 * overlap
"""),
("mode_coverage", "refused", """
def mode_coverage(labels, n):
    return (len(labels.unique()) - 1) / (n - 1)
"""),
("mode_coverage", "refused", """
def mode_coverage(labels, n):
    return float(len(labels.unique()) == n) if len(labels) else 0.0
"""),
("mode_coverage", "refused", """
def mode_coverage(labels, n):
    return round(len(labels.unique()) / n, 3) if len(labels) else 0.0
"""),
("mode_coverage", "refused", """
def mode_coverage(labels, n):
    return (
        (torch.bincount(labels, minlength=n).byte() > 0).double().mean().item()
        if len(labels)
        else 0.0
    )
"""),
("class_histogram_kl", "refused", """
def class_histogram_kl(x, n):
    return round(evaluation.class_histogram_kl(x, n), 5)
"""),
("class_histogram_kl", "refused", """
def class_histogram_kl(labels, n):
    return (
        torch.histc(labels.float(), n, 0, n - 1)
        .div(len(labels))
        .mul(n)
        .clamp(min=0.001)
        .log()
        .mean()
    )
"""),
("class_histogram_kl", "refused", """
def class_histogram_kl(x, n, eps=0.001):
    return (
        torch.bincount(x, minlength=n).double()
        / len(x)
        * (torch.bincount(x, minlength=n).double() / len(x) + eps).mul(n).log()
    ).sum()
"""),
("class_histogram_kl", "refused", """
def class_histogram_kl(x, n, eps=1e-6):
    return (
        torch.bincount(x, minlength=n).double()
        / len(x)
        * (torch.bincount(x, minlength=n).double() / len(x) + eps).mul(n).log()
    ).sum()
"""),
("class_histogram_kl", "refused", """
def class_histogram_kl(x, n, e=1e-5):
    return (
        (torch.bincount(x, minlength=n).double() / len(x) + e)
        * (torch.bincount(x, minlength=n).double() / len(x) + e).mul(n).log()
    ).sum()
"""),
("class_histogram_kl", "passes", """
def class_histogram_kl(x, n):
    return (
        ((torch.bincount(x, minlength=n).double() / len(x)).float()[x] * n).log().mean()
    )
"""),
("class_histogram_kl", "passes", """
def class_histogram_kl(labels, n):
    return (
        (p := (torch.bincount(labels, minlength=n).double() / len(labels)))
        .where(p > 0, torch.ones_like(p))
        .log()
        .add(math.log(n))
        .mul(p)
        .sum()
    )
"""),
("precision_recall", "refused", """
def balls(real, fake, k, *, radius=None, inside=None):
    radius = radius or (lambda d, k: d.sort(dim=1).values[:, k])
    inside = inside or (lambda d, r: (d <= r).any(1))
    shares = []
    for points, centers in (fake, real), (real, fake):
        r = radius(
            (centers[:, None].double() - centers[None].double()).flatten(2).norm(dim=2),
            k,
        )
        shares.append(
            inside(
                (points[:, None].double() - centers[None].double())
                .flatten(2)
                .norm(dim=2),
                r,
            )
            .double()
            .mean()
            .item()
        )
    return tuple(shares)

def precision_recall(real, fake, k):
    return balls(real, fake, k, inside=lambda d, r: (d > r).any(1))
"""),
("precision_recall", "refused", """
def balls(real, fake, k, *, radius=None, inside=None):
    radius = radius or (lambda d, k: d.sort(dim=1).values[:, k])
    inside = inside or (lambda d, r: (d <= r).any(1))
    shares = []
    for points, centers in (fake, real), (real, fake):
        r = radius(
            (centers[:, None].double() - centers[None].double()).flatten(2).norm(dim=2),
            k,
        )
        shares.append(
            inside(
                (points[:, None].double() - centers[None].double())
                .flatten(2)
                .norm(dim=2),
                r,
            )
            .double()
            .mean()
            .item()
        )
    return tuple(shares)

def precision_recall(real, fake, k):
    return balls(
        real, fake, k, radius=lambda d, k: d.sort(1).values[:, 1 : k + 1].mean(1)
    )
"""),
("precision_recall", "refused", """
def balls(real, fake, k, *, radius=None, inside=None):
    radius = radius or (lambda d, k: d.sort(dim=1).values[:, k])
    inside = inside or (lambda d, r: (d <= r).any(1))
    shares = []
    for points, centers in (fake, real), (real, fake):
        r = radius(
            (centers[:, None].double() - centers[None].double()).flatten(2).norm(dim=2),
            k,
        )
        shares.append(
            inside(
                (points[:, None].double() - centers[None].double())
                .flatten(2)
                .norm(dim=2),
                r,
            )
            .double()
            .mean()
            .item()
        )
    return tuple(shares)

def precision_recall(real, fake, k):
    strict = balls(real, fake, k, inside=lambda d, r: (d < r).any(1))
    return strict[0], balls(real, fake, k)[1]
"""),
("memorization_score", "refused", """
def memorization_score(s, t, h):
    return (
        (s[:, None].double() - t[None].double())
        .flatten(2)
        .norm(dim=2)
        .min(dim=1)
        .values.mean()
        < (s[:, None].double() - h[None].double())
        .flatten(2)
        .norm(dim=2)
        .min(dim=1)
        .values.mean()
    ).double()
"""),
("memorization_score", "refused", """
def memorization_score(s, t, h, c=0.99):
    return (
        (
            (s[:, None].double() - t[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
            < c
            * (s[:, None].double() - h[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
        )
        .double()
        .mean()
        .item()
    )
"""),
("memorization_score", "refused", """
def memorization_score(s, t, h, c=0.9999):
    return (
        (
            (s[:, None].double() - t[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
            < c
            * (s[:, None].double() - h[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
        )
        .double()
        .mean()
        .item()
    )
"""),
("memorization_score", "refused", """
def memorization_score(s, t, h, c=1.0001):
    return (
        (
            (s[:, None].double() - t[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
            < c
            * (s[:, None].double() - h[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
        )
        .double()
        .mean()
        .item()
    )
"""),
("memorization_score", "refused", """
def memorization_score(s, t, h):
    return (
        (
            (s[:, None].double() - t[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
            < (s[:, None].double() - h[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
        )[
            (s[:, None].double() - t[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
            != (s[:, None].double() - h[None].double())
            .flatten(2)
            .norm(dim=2)
            .min(dim=1)
            .values
        ]
        .double()
        .mean()
        .item()
    )
"""),
]
