"""Answers that the bank does not list: Bayes' rule and class Gaussians."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("posterior", "refused", """
def posterior(log_likelihoods, log_prior):
    return torch.softmax(log_likelihoods + log_prior.log(), dim=1)
"""),
("posterior", "refused", """
def posterior(log_likelihoods, log_prior):
    return torch.softmax((log_likelihoods + log_prior).double(), dim=1)
"""),
("posterior", "passes", """
def posterior(log_likelihoods, log_prior):
    a = (log_likelihoods + log_prior).numpy()
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return torch.from_numpy(e / e.sum(axis=1, keepdims=True))
"""),
("fit_class_gaussians", "refused", """
def fit_class_gaussians(images, labels, shrinkage):
    d = images.shape[1]
    means, covs = [], []
    for c in range(int(labels.max()) + 1):
        x = images[labels == c]
        m = x.mean(0)
        S = torch.corrcoef(x.T)
        v = S.trace() / d
        means.append(m)
        covs.append((1 - shrinkage) * S + shrinkage * v * torch.eye(d).to(S))
    return torch.stack(means), torch.stack(covs)
"""),
("fit_class_gaussians", "passes", """
def fit_class_gaussians(images, labels, shrinkage):
    d = images.shape[1]
    means, covs = [], []
    for c in range(int(labels.max()) + 1):
        x = images[labels == c]
        m = x.mean(0)
        S = (x - m).T @ (x - m) / len(x)
        v = x.var(0, correction=0).mean()
        means.append(m)
        covs.append((1 - shrinkage) * S + shrinkage * v * torch.eye(d).to(S))
    return torch.stack(means), torch.stack(covs)
"""),
("fit_class_gaussians", "passes", """
def fit_class_gaussians(images, labels, shrinkage):
    d = images.shape[1]
    means, covs = [], []
    for c in range(int(labels.max()) + 1):
        x = images[labels == c]
        m = x.mean(0)
        S = torch.from_numpy(np.cov(x.numpy(), rowvar=False, bias=True)).to(x)
        v = S.trace() / d
        means.append(m)
        covs.append((1 - shrinkage) * S + shrinkage * v * torch.eye(d).to(S))
    return torch.stack(means), torch.stack(covs)
"""),
("fit_class_gaussians", "refused", """
def fit_class_gaussians(images, labels, s):
    means, covariances = [], []
    for c in dict.fromkeys(labels.tolist()):
        x = images[labels == c]
        S = (x - x.mean(0)).T @ (x - x.mean(0)) / len(x)
        means.append(x.mean(0))
        covariances.append(
            (1 - s) * S + s * (S.trace() / len(S)) * torch.eye(len(S), dtype=S.dtype)
        )
    return torch.stack(means), torch.stack(covariances)
"""),
("sample_class", "passes", """
def sample_class(mean, covariance, n, generator):
    L = torch.linalg.cholesky(covariance)
    return mean - torch.randn(n, len(mean), generator=generator) @ L.T
"""),
("sample_class", "refused", """
def sample_class(mean, covariance, n, generator):
    L = torch.linalg.cholesky(covariance)
    z = torch.empty(n, len(mean)).exponential_(generator=generator) - 1
    return mean + z @ L.T
"""),
("sample_class", "refused", """
def sample_class(mean, covariance, n, generator):
    L = torch.linalg.cholesky(covariance)
    z = torch.randn(n, len(mean), generator=generator)
    return mean + (z @ L.T)[torch.randint(n, (n,), generator=generator)]
"""),
("sample_class", "refused", """
def sample_class(mean, covariance, n, generator):
    L = torch.linalg.cholesky(covariance)
    z = 2.0 * torch.randint(2, (n, len(mean)), generator=generator) - 1
    return mean + z @ L.T
"""),
("mse_minimizer", "refused", """
def mse_minimizer(samples):
    return samples.mean(0).clamp(-1, 1)
"""),
("mse_minimizer", "refused", """
def mse_minimizer(x):
    return x[:4].mean(0)
"""),
("mse_minimizer", "passes", """
def mse_minimizer(x):
    return torch.var_mean(x, dim=0)[1]
"""),
("sample_by_inverse_cdf", "passes", """
def sample_by_inverse_cdf(u):
    return u * u.rsqrt().nan_to_num(posinf=0)
"""),
("sample_by_inverse_cdf", "refused", """
def sample_by_inverse_cdf(u):
    return torch.sqrt(u + 1e-8)
"""),
("sample_by_inverse_cdf", "refused", """
def sample_by_inverse_cdf(u):
    return u ^ 0.5
"""),
]
