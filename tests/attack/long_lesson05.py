"""More answers that the bank does not list, for `make attack`: losses on logits."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("largest_safe_exponent", "passes", """
def largest_safe_exponent(t):
    return math.log1p(torch.finfo(t).max)
"""),
("largest_safe_exponent", "passes", """
def largest_safe_exponent(t):
    return np.float32(math.log(torch.finfo(t).max))
"""),
("neg_log_sigmoid", "refused", """
def neg_log_sigmoid(x):
    return F.softplus(-x, beta=2)
"""),
("neg_log_sigmoid", "refused", """
def neg_log_sigmoid(x):
    return F.softplus(-x).detach()
"""),
("neg_log_sigmoid", "refused", """
def neg_log_sigmoid(x):
    return F.softplus(-x) * 1.00001
"""),
("neg_log_sigmoid", "refused", """
def neg_log_sigmoid(x):
    return F.softplus(-x, threshold=5)
"""),
("neg_log_sigmoid", "refused", """
def neg_log_sigmoid(x):
    return F.softplus(-x.clamp(max=70))
"""),
("neg_log_sigmoid", "passes", """
def neg_log_sigmoid(x):
    return F.softplus(-x, threshold=14)
"""),
("neg_log_sigmoid", "passes", """
def neg_log_sigmoid(x):
    return torch.logaddexp(torch.zeros_like(x).double(), -x.double()).float()
"""),
("neg_log_one_minus_sigmoid", "refused", """
def neg_log_one_minus_sigmoid(x):
    return F.softplus(x, threshold=11)
"""),
("neg_log_one_minus_sigmoid", "refused", """
def neg_log_one_minus_sigmoid(x):
    return x + torch.log1p(torch.exp(-x))
"""),
("neg_log_one_minus_sigmoid", "refused", """
def neg_log_one_minus_sigmoid(x):
    return -torch.log(1 - torch.sigmoid(x.double())).float()
"""),
("neg_log_one_minus_sigmoid", "refused", """
def neg_log_one_minus_sigmoid(x):
    return torch.maximum(x, torch.zeros_like(x)) + torch.log1p(torch.exp(-x))
"""),
("log_softmax", "over the rows", """
def log_softmax(x):
    return torch.softmax(x, 0).log()
"""),
("log_softmax", "refused", """
def log_softmax(x):
    return x / x.sum(-1, keepdim=True)
"""),
("log_softmax", "refused", """
def log_softmax(x):
    return x.double().softmax(-1).log().float()
"""),
("log_softmax", "refused", """
def log_softmax(x):
    return torch.log_softmax(x.half(), -1).float()
"""),
("log_softmax", "refused", """
def log_softmax(x):
    return x.clamp(max=80) - x.clamp(max=80).exp().sum(-1, True).log()
"""),
("log_softmax", "passes", """
def log_softmax(x):
    return x.double().log_softmax(1).to(x.dtype)
"""),
("log_softmax", "passes", """
def log_softmax(x):
    return -torch.logsumexp(x[:, None] - x[:, :, None], -1)
"""),
("discriminator_loss", "refused", """
def discriminator_loss(r, f):
    return F.softplus(f.mean() - r.mean())
"""),
("discriminator_loss", "refused", """
def discriminator_loss(r, f):
    return F.softplus(-r).mean() + F.softplus(f, threshold=9).mean()
"""),
("discriminator_loss", "sign turned", """
def discriminator_loss(r, f):
    return torch.log(torch.sigmoid(r)).mean() + torch.log(1 - torch.sigmoid(f)).mean()
"""),
("discriminator_loss", "roles swapped", """
def discriminator_loss(r, f):
    return -torch.log(torch.sigmoid(f)).mean() - torch.log(1 - torch.sigmoid(r)).mean()
"""),
("discriminator_loss", "passes", """
def discriminator_loss(r, f):
    return -torch.mean(F.logsigmoid(r)) + torch.mean(F.softplus(f))
"""),
("discriminator_loss", "passes", """
def two_safe_cases(x):
    positive = x > 0
    right, left = (
        torch.where(positive, x, torch.zeros_like(x)),
        torch.where(positive, torch.zeros_like(x), x),
    )
    far = torch.log1p(torch.exp(left)) - left
    return torch.where(positive, torch.log1p(torch.exp(-right)), far)

def discriminator_loss(r, f):
    return two_safe_cases(r).mean() + two_safe_cases(-f).mean()
"""),
("generator_loss", "refused", """
def generator_loss(s):
    return F.softplus(-s).mean() + 1e-5
"""),
("generator_loss", "refused", """
def generator_loss(s):
    return F.softplus(-s, threshold=12).mean()
"""),
("generator_loss", "passes", """
def generator_loss(s):
    return (F.softplus(s) - s).mean()
"""),
("generator_loss", "passes", """
def generator_loss(s):
    return F.softplus(-s.float()).mean()
"""),
("bce_with_logits", "refused", """
def bce_with_logits(x, t):
    return F.binary_cross_entropy_with_logits(x, t) * 1.001
"""),
("bce_with_logits", "refused", """
def bce_with_logits(x, t):
    return (F.softplus(-x, threshold=7) + (1 - t) * x).mean()
"""),
("bce_with_logits", "refused", """
def bce_with_logits(x, t):
    return F.binary_cross_entropy_with_logits(x, t.clamp(0.1, 0.9))
"""),
("bce_with_logits", "refused", """
def bce_with_logits(x, t):
    return (2 * t * F.softplus(-x) + (1 - t) * F.softplus(x)).mean()
"""),
("bce_with_logits", "refused", """
def bce_with_logits(x, t):
    return F.binary_cross_entropy_with_logits(x.half(), t.half()).float()
"""),
("bce_with_logits", "passes", """
def bce_with_logits(x, t):
    return F.softplus(x).mean() - t @ x / len(x)
"""),
("bce_with_logits", "passes", """
def bce_with_logits(x, t):
    return F.cross_entropy(
        torch.stack([torch.zeros_like(x), x], dim=1), torch.stack([1 - t, t], 1)
    )
"""),
("minimax_generator_loss_from_logits", "refused", """
def minimax_generator_loss_from_logits(s):
    return torch.log(1 - torch.sigmoid(s) * 0.9999).mean()
"""),
("minimax_generator_loss_from_logits", "refused", """
def minimax_generator_loss_from_logits(s):
    return torch.log1p(-torch.sigmoid(s)).clamp(min=-30).mean()
"""),
("minimax_generator_loss_from_logits", "refused", """
def minimax_generator_loss_from_logits(s):
    return torch.log(1 - torch.sigmoid(s.double())).mean().to(s.dtype)
"""),
("minimax_generator_loss_from_logits", "passes", """
def minimax_generator_loss_from_logits(s):
    return torch.mean(s.neg().sub(F.softplus(-s)))
"""),
]
