"""More answers that the bank does not list: Bayes' rule and class Gaussians."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("posterior", "refused", """
def posterior(ll, lp):
    return torch.softmax(2 * ll + lp, 1)
"""),
("posterior", "refused", """
def posterior(ll, lp):
    return torch.softmax(ll + lp, 1) + 1e-12
"""),
("posterior", "refused", """
def posterior(ll, lp):
    return torch.softmax((ll + lp).clamp(-200), 1)
"""),
("posterior", "always float32", """
def posterior(ll, lp):
    return torch.softmax((ll + lp).half(), 1).float()
"""),
("posterior", "refused", """
def posterior(ll, lp):
    return ll + lp - (ll + lp).max(dim=1, keepdim=True)
"""),
("posterior", "passes", """
def posterior(ll, lp):
    return torch.softmax((ll + lp).double(), 1).to(ll.dtype)
"""),
("posterior", "passes", """
def posterior(ll, lp):
    return torch.distributions.Categorical(logits=ll + lp).probs
"""),
("fit_class_gaussians", "refused", """
def fit_class_gaussians(images, labels, s):
    means, covariances = [], []
    for c in range(int(labels.max()) + 1):
        x = images[labels == c]
        S = (x - x.mean(0)).T @ (x - x.mean(0)) / len(x)
        means.append(x.mean(0))
        covariances.append((1 - s) * S + S.trace() / len(S) / 2)
    return torch.stack(means), torch.stack(covariances)
"""),
("fit_class_gaussians", "refused", """
def fit_class_gaussians(images, labels, s):
    means, covariances = [], []
    for c in range(int(labels.max()) + 1):
        x = images[labels == c]
        S = (x - x.mean(0)).T @ (x - x.mean(0)) / len(x)
        means.append(x.mean(0))
        covariances.append(
            (1 - s) * S
            + s * (S.trace() / len(S)) * torch.eye(len(S), dtype=S.dtype)
            + 1e-8
        )
    return torch.stack(means), torch.stack(covariances)
"""),
("fit_class_gaussians", "passes", """
def fit_class_gaussians(images, labels, s):
    means, covariances = [], []
    for c in range(int(labels.max()) + 1):
        x = images[labels == c]
        S = (x - x.mean(0)).T @ (x - x.mean(0)) / len(x)
        means.append(x.mean(0))
        covariances.append(
            torch.lerp(S, S.trace() / len(S) * torch.eye(len(S)).to(S), s)
        )
    return torch.stack(means), torch.stack(covariances)
"""),
("fit_class_gaussians", "passes", """
def fit_class_gaussians(images, labels, s):
    means, covariances = [], []
    for c in range(int(labels.max()) + 1):
        x = images[labels == c]
        S = (x - x.mean(0)).T @ (x - x.mean(0)) / len(x)
        means.append(x.mean(0))
        covariances.append(
            S - s * S + torch.diag(s * (S.trace() / len(S)).expand(len(S)))
        )
    return torch.stack(means), torch.stack(covariances)
"""),
("sample_class", "refused", """
def sample_class(mean, covariance, n, generator):
    return (
        mean
        + torch.randn(n, len(mean), generator=generator, dtype=mean.dtype)
        @ torch.linalg.cholesky(covariance).T
    ).T
"""),
("sample_class", "refused", """
def drawn(mean, covariance, n, generator):
    return (
        mean
        + torch.randn(n, len(mean), generator=generator, dtype=mean.dtype)
        @ torch.linalg.cholesky(covariance).T
    )

def sample_class(mean, covariance, n, generator):
    return drawn(mean.clamp_(-0.5, 0.5), covariance, n, generator)
"""),
("sample_class", "passes", """
def sample_class(mean, covariance, n, generator):
    u, s, _ = torch.linalg.svd(covariance)
    return (
        mean
        + torch.randn(n, len(mean), generator=generator, dtype=mean.dtype)
        * s.sqrt()
        @ u.T
    )
"""),
("sample_class", "passes", """
def sample_class(mean, covariance, n, generator):
    z = torch.randn(n, len(mean), generator=generator, dtype=torch.float64)
    return (mean + z @ torch.linalg.cholesky(covariance.double()).T).to(mean.dtype)
"""),
("mse_minimizer", "refused", """
def mse_minimizer(x):
    return x.mean(0).round(decimals=2)
"""),
("sample_by_inverse_cdf", "refused", """
def sample_by_inverse_cdf(u):
    return u.float().sqrt()
"""),
("sample_by_inverse_cdf", "refused", """
def sample_by_inverse_cdf(u):
    return u.clamp(min=0.1).sqrt()
"""),
("sample_by_inverse_cdf", "passes", """
def sample_by_inverse_cdf(u):
    low, high = torch.zeros_like(u), torch.ones_like(u)
    for _ in range(60):
        middle = (low + high) / 2
        below = middle**2 < u
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return high
"""),
]
