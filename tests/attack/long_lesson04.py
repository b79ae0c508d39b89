"""More answers that the bank does not list: the nonsaturating loss and modes."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("nonsaturating_generator_loss", "refused", """
def nonsaturating_generator_loss(p):
    return (1 / p).mean()
"""),
("nonsaturating_generator_loss", "refused", """
def nonsaturating_generator_loss(p):
    return -torch.log(p).max()
"""),
("nonsaturating_generator_loss", "refused", """
def nonsaturating_generator_loss(p):
    return -torch.log1p(p - 1).mean()
"""),
("nonsaturating_generator_loss", "refused", """
def nonsaturating_generator_loss(p):
    return -torch.log(p + 1e-12).mean()
"""),
("nonsaturating_generator_loss", "refused", """
def nonsaturating_generator_loss(p):
    return -torch.log(p.double()).mean()
"""),
("nonsaturating_generator_loss", "passes", """
def nonsaturating_generator_loss(p):
    return torch.log(p ** (-1)).mean()
"""),
("nonsaturating_generator_loss", "passes", """
def nonsaturating_generator_loss(p):
    return -torch.log(p.double()).mean().to(p.dtype)
"""),
("flipped_target_loss", "refused", """
def flipped_target_loss(p):
    return F.relu(1 - p).mean()
"""),
("flipped_target_loss", "refused", """
def flipped_target_loss(p):
    return -torch.log(p.float()).mean()
"""),
("flipped_target_loss", "refused", """
def flipped_target_loss(p):
    return F.binary_cross_entropy(p, torch.tensor([1.0]))
"""),
("flipped_target_loss", "refused", """
def flipped_target_loss(p):
    return F.binary_cross_entropy(1 - p, torch.zeros_like(p))
"""),
("flipped_target_loss", "passes", """
def flipped_target_loss(p):
    return nn.BCEWithLogitsLoss()(torch.logit(p), torch.ones_like(p))
"""),
("slope_ratio", "refused", """
def slope_ratio(x):
    return torch.exp(-x) ** 2
"""),
("slope_ratio", "refused", """
def slope_ratio(x):
    return torch.exp(x.abs())
"""),
("slope_ratio", "refused", """
def slope_ratio(x):
    return torch.exp(-x) + 0.001
"""),
("slope_ratio", "refused", """
def slope_ratio(x):
    return torch.exp(-x).flatten()
"""),
("slope_ratio", "refused", """
def slope_ratio(x):
    return math.exp(-x.flatten()[0].item())
"""),
("modes_covered", "refused", """
def modes_covered(s, c, r):
    return evaluation.modes_covered(s, c, 0.6)
"""),
("modes_covered", "refused", """
def modes_covered(s, c, r):
    return evaluation.modes_covered(s, c, r / 2)
"""),
("modes_covered", "refused", """
def modes_covered(s, c, r):
    return evaluation.modes_covered(s, c, 1.1 * r)
"""),
("modes_covered", "refused", """
def modes_covered(s, c, r):
    return int((torch.cdist(s, c).mean(0) <= r).sum())
"""),
("modes_covered", "refused", """
def modes_covered(s, c, r):
    return int(((s[:, None] - c).abs().sum(2) <= r).any(0).sum())
"""),
("nonsaturating_gradient_1d", "passes", """
def nonsaturating_gradient_1d(theta):
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    slope = theta / (1 + np.exp(-(theta * (theta + nodes) - theta**2 / 2)))
    return float((slope * weights).sum() / weights.sum())
"""),
("smoothed_targets", "refused", """
def smoothed_targets(n, s):
    return [1 - s] * n
"""),
("smoothed_targets", "refused", """
def smoothed_targets(n, s):
    return torch.full((n,), max(0.5, 1 - s))
"""),
("smoothed_optimal_discriminator", "refused", """
def smoothed_optimal_discriminator(p, q, a, b):
    return (a * p + b * q) / (p + q + 0.01)
"""),
("smoothed_optimal_discriminator", "refused", """
def smoothed_optimal_discriminator(p, q, a, b):
    return (a * p + b * q) / (p + q).detach()
"""),
("smoothed_optimal_discriminator", "refused", """
def smoothed_optimal_discriminator(p, q, a, b):
    return ((a * p + b * q) / (p + q)).clamp(0.01, 0.99)
"""),
("smoothed_optimal_discriminator", "refused", """
def smoothed_optimal_discriminator(p, q, a, b):
    return torch.where(p + q > 1e-6, (a * p + b * q) / (p + q), 0.5)
"""),
("smoothed_optimal_discriminator", "passes", """
def smoothed_optimal_discriminator(p, q, a, b):
    return b + (a - b) * torch.stack([torch.log(p), torch.log(q)]).softmax(0)[0]
"""),
("smoothed_optimal_discriminator", "passes", """
def smoothed_optimal_discriminator(p, q, a, b):
    return torch.lerp(torch.full_like(p, b), torch.full_like(p, a), p / (p + q))
"""),
]
