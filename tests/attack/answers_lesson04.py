"""Answers to lesson 4 that the bank does not list: (exercise, outcome, source)."""

NON_SATURATING = "nonsaturating_generator_loss"
TARGET, RATIO, MODES = "flipped_target_loss", "slope_ratio", "modes_covered"
PULL, SOFT = "nonsaturating_gradient_1d", "smoothed_targets"
SOFT_D = "smoothed_optimal_discriminator"

ANSWERS = [
    (NON_SATURATING, "passes", '''
def nonsaturating_generator_loss(fake_probability):
    total = torch.zeros(())
    for p in fake_probability:
        total = total - torch.log(p)
    return (total / len(fake_probability)).to(fake_probability.dtype)
'''),
    (NON_SATURATING, "passes", '''
def nonsaturating_generator_loss(fake_probability):
    return torch.nn.functional.softplus(-torch.logit(fake_probability)).mean()
'''),
    (NON_SATURATING, "log of the product", '''
def nonsaturating_generator_loss(fake_probability):
    return -torch.log(torch.prod(fake_probability)) / fake_probability.numel()
'''),
    (NON_SATURATING, "at the edge", '''
def nonsaturating_generator_loss(fake_probability):
    return -torch.log(fake_probability.clamp(3e-5, 1)).mean()
'''),
    (NON_SATURATING, "at the edge", '''
def nonsaturating_generator_loss(fake_probability):
    return -torch.log(fake_probability.half()).mean().to(fake_probability.dtype)
'''),
    (NON_SATURATING, "refused", '''
def nonsaturating_generator_loss(fake_probability):
    return -torch.log(fake_probability).median()
'''),
    (TARGET, "passes", '''
def flipped_target_loss(fake_probability):
    loss = torch.nn.BCELoss()
    return loss(fake_probability, fake_probability.new_ones(fake_probability.shape))
'''),
    (TARGET, "passes", '''
def flipped_target_loss(fake_probability):
    return nonsaturating_generator_loss(fake_probability)
'''),
    (TARGET, "refused", '''
def flipped_target_loss(fake_probability):
    return losses.binary_cross_entropy(fake_probability, 1)
'''),
    (TARGET, "refused", '''
def flipped_target_loss(fake_probability):
    return losses.binary_cross_entropy(fake_probability, torch.ones(1))
'''),
    (TARGET, "at the edge", '''
def flipped_target_loss(fake_probability):
    target = torch.zeros_like(fake_probability)
    return losses.binary_cross_entropy(1 - fake_probability, target)
'''),
    (RATIO, "passes", '''
def slope_ratio(logit):
    l = logit.detach().clone().requires_grad_()
    (new,) = torch.autograd.grad(torch.nn.functional.softplus(-l).sum(), l)
    (old,) = torch.autograd.grad(-torch.nn.functional.softplus(l).sum(), l)
    return new / old
'''),
    (RATIO, "at the edge", '''
def slope_ratio(logit):
    D = torch.sigmoid(logit)
    return -(1 - D) / -D
'''),
    (RATIO, "refused", '''
def slope_ratio(logit):
    return 2.0 ** -logit
'''),
    (MODES, "passes", '''
def modes_covered(samples, centers, radius):
    squared = ((samples[:, None, :] - centers[None, :, :]) ** 2).sum(dim=-1)
    return sum(bool(column.min() <= radius**2) for column in squared.T)
'''),
    (MODES, "passes", '''
def modes_covered(samples, centers, radius):
    covered = set()
    for x, y in samples.tolist():
        for i, (a, b) in enumerate(centers.tolist()):
            if math.hypot(x - a, y - b) <= radius:
                covered.add(i)
    return len(covered)
'''),
    (MODES, "each sample counts once", '''
def modes_covered(samples, centers, radius):
    covered = set()
    for sample in samples:
        distances = (centers - sample).norm(dim=1)
        if distances.min() <= radius:
            covered.add(distances.argmin().item())
    return len(covered)
'''),
    (MODES, "refused", '''
def modes_covered(samples, centers, radius):
    return evaluation.modes_covered(samples, centers[:-1], radius)
'''),
    (MODES, "refused", '''
def modes_covered(samples, centers, radius):
    return evaluation.modes_covered(samples, centers, 0.5)
'''),
    (PULL, "passes", '''
def nonsaturating_gradient_1d(theta):
    def height(moved):
        cost = torch.nn.functional.softplus(theta * (moved + eps) - theta**2 / 2)
        return (cost * weight).sum()

    return ((height(theta + 1e-4) - height(theta - 1e-4)) / 2e-4).item()
'''),
    (PULL, "theta forgotten", '''
def nonsaturating_gradient_1d(theta):
    x = theta + eps
    D = torch.sigmoid(theta**2 / 2 - theta * x)
    return ((1 - D) * weight).sum().item()
'''),
    (PULL, "sign", '''
def nonsaturating_gradient_1d(theta):
    x = theta + eps
    D = torch.sigmoid(theta**2 / 2 - theta * x)
    return float(torch.sum(-theta * (1 - D) * weight))
'''),
    (PULL, "refused", '''
def nonsaturating_gradient_1d(theta):
    x = theta + torch.randn(100)
    return (theta * torch.sigmoid(theta * x - theta**2 / 2)).mean().item()
'''),
    (SOFT, "passes", '''
def smoothed_targets(n, smoothing):
    return torch.empty(n).fill_(1 - smoothing)
'''),
    (SOFT, "a fixed smoothing", '''
def smoothed_targets(n, smoothing=0.1):
    return 0.9 * torch.ones(n)
'''),
    (SOFT, "refused", '''
def smoothed_targets(n, smoothing):
    return torch.ones(n) * round(1 - smoothing, 1)
'''),
    (SOFT_D, "passes", '''
def smoothed_optimal_discriminator(p_data, p_g, real_target, fake_target):
    D = losses.optimal_discriminator(p_data, p_g)
    return real_target * D + fake_target * (1 - D)
'''),
    (SOFT_D, "does not run from target to target", '''
def smoothed_optimal_discriminator(p_data, p_g, real_target, fake_target):
    return fake_target + real_target * losses.optimal_discriminator(p_data, p_g)
'''),
    (SOFT_D, "at the edge", '''
def smoothed_optimal_discriminator(p_data, p_g, real_target, fake_target):
    return (real_target * p_data + fake_target * p_g) / (p_data + p_g + 1e-8)
'''),
    (SOFT_D, "does not run from target to target", '''
def smoothed_optimal_discriminator(p_data, p_g, real_target, fake_target):
    return real_target * p_data / (p_data + p_g)
'''),
]  # fmt: skip
