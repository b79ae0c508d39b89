"""Answers that the bank does not list: what a DCGAN is made of."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("conv_output_size", "refused", """
def conv_output_size(size, kernel, stride=1, padding=0):
    return np.floor((size + 2 * padding - kernel) / stride) + 1
"""),
("conv_output_size", "refused", """
def conv_output_size(n, k, s=1, p=0):
    return (n + 2 * p) // s - k + 1
"""),
("conv_output_size", "passes", """
class Method:
    def size(self, size, kernel, stride=1, padding=0):
        return int(np.floor((size + 2 * padding - kernel) / stride)) + 1

conv_output_size = Method().size
"""),
("transposed_conv_output_size", "refused", """
def transposed_conv_output_size(size, kernel, stride=1, padding=0):
    return (size - 1) * stride - 2 * padding + kernel
"""),
("transposed_conv_output_size", "refused", """
def transposed_conv_output_size(n, k, s=1, p=0, o=0):
    return (n - 1) * s + k - 2 * (p + o)
"""),
("transposed_conv_output_size", "passes", """
def transposed_conv_output_size(n, k, s=1, p=0, o=0):
    return np.int64(s * (n - 1) + k - 2 * p + o)
"""),
("conv_matrix", "passes", """
def conv_matrix(kernel, size, stride):
    rows = (size - len(kernel)) // stride + 1
    i = torch.arange(rows)[:, None]
    j = i * stride + torch.arange(len(kernel))
    matrix = torch.zeros(rows, size, dtype=kernel.dtype)
    return matrix.scatter(1, j, kernel.expand(rows, -1))
"""),
("conv_matrix", "refused", """
def conv_matrix(k, n, s):
    return torch.eye(n, dtype=k.dtype)[::s] * k[0]
"""),
("conv_matrix", "refused", """
def conv_matrix(kernel, size, stride):
    matrix = torch.empty((size - len(kernel)) // stride + 1, size, dtype=kernel.dtype)
    for i, row in enumerate(matrix):
        row[i * stride : i * stride + len(kernel)] = kernel
    return matrix
"""),
("overlap_count", "passes", """
def overlap_count(size, kernel, stride):
    places = (stride * torch.arange(size)[:, None] + torch.arange(kernel)).flatten()
    return torch.bincount(places, minlength=(size - 1) * stride + kernel)
"""),
("overlap_count", "refused", """
def overlap_count(size, kernel, stride):
    counts = [0] * ((size - 1) * stride + kernel)
    for i in range(size):
        for j in range(kernel):
            counts[i * stride + j] += 1
    return counts
"""),
("overlap_count", "refused", """
def overlaps(size, kernel, stride):
    ones = torch.ones(1, 1, size), torch.ones(1, 1, kernel)
    return F.conv_transpose1d(*ones, stride=stride).flatten()

def overlap_count(n, k, s):
    return overlaps(min(n, 5), k, s)
"""),
("batch_norm", "passes", """
def batch_norm(x, weight, bias, eps):
    out = torch.empty_like(x)
    for c in range(x.shape[1]):
        part = x[:, c]
        variance = ((part - part.mean()) ** 2).mean()
        normalized = (part - part.mean()) / torch.sqrt(variance + eps)
        out[:, c] = weight[c] * normalized + bias[c]
    return out
"""),
("batch_norm", "refused", """
def batch_norm(x, w, b, e):
    return F.instance_norm(x, None, None, w, b, eps=e)
"""),
("batch_norm", "refused", """
def batch_norm(x, w, b, e):
    return F.batch_norm(x, None, None, w.abs(), b, True, 0.1, e)
"""),
("leaky_relu", "refused", """
def leaky_relu(x, slope):
    return torch.tensor([v if v > 0 else slope * v for v in x.flatten()]).view(x.shape)
"""),
("leaky_relu", "refused", """
def leaky_relu(x, slope):
    return F.relu(x) - slope
"""),
("leaky_relu", "passes", """
def leaky_relu(x, slope):
    return x - (1 - slope) * x.clamp(max=0)
"""),
("adam_step", "passes", """
def adam_step(parameter, gradient, state, lr, betas, eps):
    if "m" not in state:
        state["m"], state["v"] = torch.zeros_like(gradient), torch.zeros_like(gradient)
        state["t"] = torch.tensor(0)
    state["t"] = state["t"] + 1
    state["m"] = state["m"] + (1 - betas[0]) * (gradient - state["m"])
    state["v"] = state["v"] + (1 - betas[1]) * (gradient * gradient - state["v"])
    m = state["m"] / (1 - betas[0] ** state["t"])
    v = state["v"] / (1 - betas[1] ** state["t"])
    return torch.addcdiv(parameter, m, v.sqrt() + eps, value=-lr)
"""),
("adam_step", "refused", """
def adam_step(parameter, gradient, state, lr, betas, eps):
    if not state:
        state.update(t=0, m=gradient, v=gradient**2)
    state["t"] += 1
    state["m"].mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    state["v"].mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    return parameter - lr * state["m"] / (state["v"].sqrt() + eps)
"""),
("adam_step", "refused", """
def adam_step(parameter, gradient, state, lr, betas, eps):
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * gradient
    v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * gradient**2
    most = state["most"] = torch.maximum(state.get("most", v), v)
    size = (most / (1 - betas[1] ** t)).sqrt() + eps
    return parameter - lr * m / (1 - betas[0] ** t) / size
"""),
("init_weights", "refused", """
def init_weights(module):
    if "Conv" in type(module).__name__:
        with torch.no_grad():
            module.weight.normal_(0, 0.02).abs_()
"""),
("init_weights", "refused", """
def init_weights(module):
    if isinstance(module, nn.Sequential):
        nn.init.normal_(module[0].weight, 0, 0.02)
"""),
("init_weights", "passes", """
def init_weights(module):
    torch.randn(6)
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            torch.nn.init.normal_(module.weight.data, std=0.02)
        case nn.BatchNorm2d():
            torch.nn.init.constant_(module.weight.data, 1.0)
            torch.nn.init.constant_(module.bias.data, 0)
"""),
("Generator", "refused", """
class Generator(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        w = [latent_dim] + [base_channels * k for k in (8, 4, 2, 1)] + [channels]
        how = [(4, 1, 0)] + 4 * [(4, 2, 1)]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, *h, bias=False) for a, b, h in zip(w, w[1:], how)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in w[1:-1])

    def forward(self, z):
        x = z[:, :, None, None]
        for up in self.ups[:-1]:
            x = torch.relu(up(x))
        return torch.tanh(self.ups[-1](x))
"""),
("Generator", "refused", """
class Base(nn.Module):
    last, first_bn, act = staticmethod(torch.tanh), True, staticmethod(F.relu)
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        for i, (n_in, n_out) in enumerate(
            [
                (latent_dim, 8 * b),
                (8 * b, 4 * b),
                (4 * b, 2 * b),
                (2 * b, b),
                (b, channels),
            ]
        ):
            how = (4, 2, 1) if i else (4, 1, 0)
            setattr(self, f"up{i}", nn.ConvTranspose2d(n_in, n_out, *how, bias=False))
            if i < 4:
                setattr(self, f"bn{i}", nn.BatchNorm2d(n_out))

    def forward(self, z):
        x = z.reshape(*z.shape, 1, 1)
        for i in range(4):
            x = self.act(getattr(self, f"bn{i}")(getattr(self, f"up{i}")(x)))
        return self.last(self.up4(x))

class Generator(Base):
    act = staticmethod(F.gelu)
"""),
("Generator", "passes", """
class Stage(nn.Module):
    def __init__(self, n_in, n_out, *how):
        super().__init__()
        self.bn = nn.BatchNorm2d(n_out)
        self.conv = nn.ConvTranspose2d(n_in, n_out, 4, *how, bias=False)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()

class Generator(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        w = [latent_dim, *(base_channels * k for k in (8, 4, 2, 1))]
        self.last = nn.ConvTranspose2d(w[-1], channels, 4, 2, 1, bias=False)
        self.rest = nn.ModuleDict(
            {
                str(i): Stage(w[i], w[i + 1], *((2, 1) if i else (1, 0)))
                for i in range(4)
            }
        )

    def forward(self, z):
        x = z.view(z.size(0), z.size(1), 1, 1)
        for i in range(4):
            x = self.rest[str(i)](x)
        return 2 * torch.sigmoid(2 * self.last(x)) - 1
"""),
("Discriminator", "passes", """
class Discriminator(nn.Module):
    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        self.conv1 = nn.Conv2d(channels, b, 4, 2, 1, bias=False)
        self.conv2 = nn.Conv2d(b, 2 * b, 4, 2, 1, bias=False)
        self.conv3 = nn.Conv2d(2 * b, 4 * b, 4, 2, 1, bias=False)
        self.conv4 = nn.Conv2d(4 * b, 8 * b, 4, 2, 1, bias=False)
        self.bn2, self.bn3 = nn.BatchNorm2d(2 * b), nn.BatchNorm2d(4 * b)
        self.bn4 = nn.BatchNorm2d(8 * b)
        self.conv5 = nn.Conv2d(8 * b, 1, 4, bias=False)

    def forward(self, x):
        x = F.leaky_relu(self.conv1(x), 0.2)
        x = F.leaky_relu(self.bn2(self.conv2(x)), 0.2)
        x = F.leaky_relu(self.bn3(self.conv3(x)), 0.2)
        x = F.leaky_relu(self.bn4(self.conv4(x)), 0.2)
        return self.conv5(x).squeeze(3).squeeze(2).squeeze(1)
"""),
("Discriminator", "refused", """
class Discriminator(nn.Module):
    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        self.main = nn.Sequential(
            nn.Conv2d(channels, b, 4, 2, 1, bias=False),
            nn.ELU(),
            nn.Conv2d(b, 2 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * b),
            nn.ELU(),
            nn.Conv2d(2 * b, 4 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4 * b),
            nn.ELU(),
            nn.Conv2d(4 * b, 8 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8 * b),
            nn.ELU(),
            nn.Conv2d(8 * b, 1, 4, 1, 0, bias=False),
            nn.Flatten(0),
        )

    def forward(self, images):
        return self.main(images).clamp(-0.1, 0.1)
"""),
("Discriminator", "refused", """
class Layered(nn.Sequential):
    def __init__(self, base_channels=64, channels=3):
        b = base_channels
        super().__init__(
            nn.Conv2d(channels, b, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            *(
                part
                for n in (b, 2 * b, 4 * b)
                for part in (
                    nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(2 * n),
                    nn.LeakyReLU(0.2, inplace=True),
                )
            ),
            nn.Flatten(),
            nn.Linear(8 * b * 16, 1, bias=False),
            nn.Flatten(0),
        )

class Discriminator(Layered):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        parts = self

    def forward(self, x):
        result = super().forward(x)
        return result.half().float()
"""),
]
