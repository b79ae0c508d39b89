"""Answers that the bank does not list: the nonsaturating loss and modes."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("nonsaturating_generator_loss", "passes", """
def nonsaturating_generator_loss(fake_probability):
    total = torch.zeros(())
    for p in fake_probability:
        total = total - torch.log(p)
    return (total / len(fake_probability)).to(fake_probability.dtype)
"""),
("nonsaturating_generator_loss", "passes", """
def nonsaturating_generator_loss(fake_probability):
    return torch.nn.functional.softplus(-torch.logit(fake_probability)).mean()
"""),
("nonsaturating_generator_loss", "at the edge", """
def nonsaturating_generator_loss(fake_probability):
    return -torch.log(fake_probability.clamp(3e-5, 1)).mean()
"""),
("nonsaturating_generator_loss", "at the edge", """
def nonsaturating_generator_loss(fake_probability):
    return -torch.log(fake_probability.half()).mean().to(fake_probability.dtype)
"""),
("nonsaturating_generator_loss", "refused", """
def nonsaturating_generator_loss(fake_probability):
    return -torch.log(fake_probability).median()
"""),
("flipped_target_loss", "refused", """
def flipped_target_loss(fake_probability):
    return losses.binary_cross_entropy(fake_probability, 1)
"""),
("flipped_target_loss", "refused", """
def flipped_target_loss(fake_probability):
    return losses.binary_cross_entropy(fake_probability, torch.ones(1))
"""),
("flipped_target_loss", "at the edge", """
def flipped_target_loss(fake_probability):
    target = torch.zeros_like(fake_probability)
    return losses.binary_cross_entropy(1 - fake_probability, target)
"""),
("flipped_target_loss", "passes", """
def flipped_target_loss(p):
    return F.cross_entropy(
        torch.stack([1 - p, p], 1).log(), torch.ones(len(p), dtype=torch.long)
    )
"""),
("slope_ratio", "passes", """
def slope_ratio(logit):
    l = logit.detach().clone().requires_grad_()
    (new,) = torch.autograd.grad(torch.nn.functional.softplus(-l).sum(), l)
    (old,) = torch.autograd.grad(-torch.nn.functional.softplus(l).sum(), l)
    return new / old
"""),
("slope_ratio", "at the edge", """
def slope_ratio(logit):
    D = torch.sigmoid(logit)
    return -(1 - D) / -D
"""),
("slope_ratio", "refused", """
def slope_ratio(logit):
    return 2.0**-logit
"""),
("modes_covered", "passes", """
def modes_covered(samples, centers, radius):
    squared = ((samples[:, None, :] - centers[None, :, :]) ** 2).sum(dim=-1)
    return sum(bool(column.min() <= radius**2) for column in squared.T)
"""),
("modes_covered", "refused", """
def modes_covered(samples, centers, radius):
    return evaluation.modes_covered(samples, centers[:-1], radius)
"""),
("modes_covered", "refused", """
def modes_covered(samples, centers, radius):
    return evaluation.modes_covered(samples, centers, 0.5)
"""),
("nonsaturating_gradient_1d", "passes", """
def nonsaturating_gradient_1d(theta):
    def height(moved):
        cost = torch.nn.functional.softplus(theta * (moved + eps) - theta**2 / 2)
        return (cost * weight).sum()

    return ((height(theta + 1e-4) - height(theta - 1e-4)) / 2e-4).item()
"""),
("nonsaturating_gradient_1d", "refused", """
def nonsaturating_gradient_1d(theta):
    x = theta + torch.randn(100)
    return (theta * torch.sigmoid(theta * x - theta**2 / 2)).mean().item()
"""),
("nonsaturating_gradient_1d", "refused", """
def nonsaturating_gradient_1d(t):
    return t / (1 + math.exp(-(t**2) / 2))
"""),
("smoothed_targets", "passes", """
def smoothed_targets(n, smoothing):
    return torch.empty(n).fill_(1 - smoothing)
"""),
("smoothed_targets", "refused", """
def smoothed_targets(n, smoothing):
    return torch.ones(n) * round(1 - smoothing, 1)
"""),
("smoothed_targets", "refused", """
def smoothed_targets(n, s):
    return torch.linspace(1 - s, 1, n)
"""),
("smoothed_optimal_discriminator", "passes", """
def smoothed_optimal_discriminator(p_data, p_g, real_target, fake_target):
    D = losses.optimal_discriminator(p_data, p_g)
    return real_target * D + fake_target * (1 - D)
"""),
("smoothed_optimal_discriminator", "at the edge", """
def smoothed_optimal_discriminator(p_data, p_g, real_target, fake_target):
    return (real_target * p_data + fake_target * p_g) / (p_data + p_g + 1e-8)
"""),
("smoothed_optimal_discriminator", "refused", """
def smoothed_optimal_discriminator(p, q, a, b):
    return 0.9 * p / (p + q)
"""),
]
