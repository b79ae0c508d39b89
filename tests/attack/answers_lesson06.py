"""Answers that the bank does not list: what a DCGAN is made of."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("conv_output_size", "passes", """
def conv_output_size(size, kernel, stride=1, padding=0):
    return divmod(size + 2 * padding - kernel, stride)[0] + 1
"""),
("conv_output_size", "refused", """
def conv_output_size(size, kernel, stride=1, padding=0):
    return np.floor((size + 2 * padding - kernel) / stride) + 1
"""),
("conv_output_size", "the padding", """
def conv_output_size(size, kernel, stride=1, padding=0):
    return (size - kernel) // stride + 1
"""),
("transposed_conv_output_size", "refused", """
def transposed_conv_output_size(size, kernel, stride=1, padding=0):
    return (size - 1) * stride - 2 * padding + kernel
"""),
("conv_matrix", "passes", """
def conv_matrix(kernel, size, stride):
    rows = (size - len(kernel)) // stride + 1
    i = torch.arange(rows)[:, None]
    j = i * stride + torch.arange(len(kernel))
    matrix = torch.zeros(rows, size, dtype=kernel.dtype)
    return matrix.scatter(1, j, kernel.expand(rows, -1))
"""),
("conv_matrix", "the number of rows", """
def conv_matrix(kernel, size, stride):
    k = len(kernel)
    M = torch.zeros(size // stride, size, dtype=kernel.dtype)
    for i in range(size // stride):
        M[i, i * stride : i * stride + k] = kernel
    return M
"""),
("conv_matrix", "stride forgotten", """
def conv_matrix(kernel, size, stride):
    k, out = len(kernel), (size - len(kernel)) // stride + 1
    M = torch.zeros(out, size, dtype=kernel.dtype)
    for i in range(out):
        for j in range(k):
            M[i, i + j] = kernel[j]
    return M
"""),
("overlap_count", "passes", """
def overlap_count(size, kernel, stride):
    places = (stride * torch.arange(size)[:, None] + torch.arange(kernel)).flatten()
    return torch.bincount(places, minlength=(size - 1) * stride + kernel)
"""),
("overlap_count", "reached or not", """
def overlap_count(size, kernel, stride):
    counts = torch.zeros((size - 1) * stride + kernel)
    counts[(stride * torch.arange(size)[:, None] + torch.arange(kernel)).flatten()] += 1
    return counts
"""),
("overlap_count", "inputs a kernel apart", """
def overlap_count(size, kernel, stride):
    counts = torch.zeros((size - 1) * stride + kernel)
    for i in range(size):
        for j in range(kernel):
            if i * kernel + j < len(counts):
                counts[i * kernel + j] += 1
    return counts
"""),
("overlap_count", "refused", """
def overlap_count(size, kernel, stride):
    counts = [0] * ((size - 1) * stride + kernel)
    for i in range(size):
        for j in range(kernel):
            counts[i * stride + j] += 1
    return counts
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
("batch_norm", "over other axes", """
def batch_norm(x, weight, bias, eps):
    mean = x.mean(1, keepdim=True)
    var = ((x - mean) ** 2).mean(1, keepdim=True)
    x_hat = (x - mean) / (var + eps).sqrt()
    return weight.view(1, -1, 1, 1) * x_hat + bias.view(1, -1, 1, 1)
"""),
("batch_norm", "keepdim forgotten", """
def batch_norm(x, weight, bias, eps):
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    return weight.view(1, -1, 1, 1) * x_hat + bias.view(1, -1, 1, 1)
"""),
("batch_norm", "over other axes", """
def batch_norm(x, weight, bias, eps):
    return F.group_norm(x, 1, weight, bias, eps)
"""),
("leaky_relu", "passes", """
def leaky_relu(x, slope):
    y = x.clone()
    y[x < 0] = slope * x[x < 0]
    return y
"""),
("leaky_relu", "passes", """
def leaky_relu(x, slope):
    return F.prelu(x, torch.tensor(slope, dtype=x.dtype))
"""),
("leaky_relu", "the positive side", """
def leaky_relu(x, slope):
    return torch.min(x, slope * x)
"""),
("leaky_relu", "refused", """
def leaky_relu(x, slope):
    return torch.tensor([v if v > 0 else slope * v for v in x.flatten()]).view(x.shape)
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
("adam_step", "nothing remembered", """
def adam_step(parameter, gradient, state, lr, betas, eps):
    m, v, t = state.get("m", 0), state.get("v", 0), state.get("t", 0) + 1
    m = betas[0] * m + (1 - betas[0]) * gradient
    v = betas[1] * v + (1 - betas[1]) * gradient**2
    state["t"] = t
    m, v = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return parameter - lr * m / (v.sqrt() + eps)
"""),
("adam_step", "squares and roots", """
def adam_step(parameter, gradient, state, lr, betas, eps):
    b1, b2 = betas
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = b1 * state.get("m", 0) + (1 - b1) * gradient
    v = state["v"] = b2 * state.get("v", 0) + (1 - b2) * gradient
    return parameter - lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)) ** 0.5 + eps)
"""),
("adam_step", "one memory for all", """
def adam_step(parameter, gradient, state, lr, betas, eps, kept={}):
    b1, b2 = betas
    t = kept["t"] = kept.get("t", 0) + 1
    m = kept["m"] = b1 * kept.get("m", 0) + (1 - b1) * gradient
    v = kept["v"] = b2 * kept.get("v", 0) + (1 - b2) * gradient**2
    return parameter - lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)) ** 0.5 + eps)
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
("init_weights", "passes", """
def init_weights(module):
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            with torch.no_grad():
                module.weight.normal_(0, 0.02)
        case nn.BatchNorm2d():
            nn.init.constant_(module.weight, 1.0)
            nn.init.constant_(module.bias, 0.0)
"""),
("init_weights", "batch normalization left alone", """
def init_weights(module):
    weight = getattr(module, "weight", None)
    if weight is not None and weight.dim() == 4:
        weight.data = torch.normal(0.0, 0.02, weight.shape)
"""),
("init_weights", "nn.Linear drawn as well", """
def init_weights(m):
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        m.weight.data.normal_(0.0, 0.02)
    elif isinstance(m, nn.BatchNorm2d):
        m.weight.data.normal_(1.0, 0.02)
        m.bias.data.zero_()
"""),
("init_weights", "in place with a gradient", """
def init_weights(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        module.weight.normal_(0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        module.weight.fill_(1)
"""),
("init_weights", "batch norm centered at 0", """
def init_weights(module):
    if hasattr(module, "weight"):
        nn.init.normal_(module.weight, 0.0, 0.02)
"""),
("init_weights", "refused", """
def init_weights(module):
    if "Conv" in type(module).__name__:
        with torch.no_grad():
            module.weight.normal_(0, 0.02).abs_()
"""),
("init_weights", "not assigned", """
def init_weights(module):
    if type(module) in ("Conv2d", "ConvTranspose2d"):
        nn.init.normal_(module.weight, 0, 0.02)
"""),
("Generator", "passes", """
class Stage(nn.Module):
    def __init__(self, n_in, n_out, stride, padding):
        super().__init__()
        self.norm = nn.BatchNorm2d(n_out)
        self.up = nn.ConvTranspose2d(n_in, n_out, 4, stride, padding, bias=False)

    def forward(self, x):
        return torch.relu(self.norm(self.up(x)))

class Generator(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super(Generator, self).__init__()
        b = base_channels
        self.last = nn.ConvTranspose2d(b, channels, 4, 2, 1, bias=False)
        self.stages = nn.ModuleDict({
            "four": Stage(latent_dim, 8 * b, 1, 0), "eight": Stage(8 * b, 4 * b, 2, 1),
            "sixteen": Stage(4 * b, 2 * b, 2, 1), "all": Stage(2 * b, b, 2, 1),
        })

    def forward(self, z):
        x = z.unsqueeze(-1).unsqueeze(-1)
        for stage in self.stages.values():
            x = stage(x)
        return torch.tanh(self.last(x))
"""),
("Generator", "channels that do not fit", """
class Generator(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        self.main = nn.Sequential(
            nn.ConvTranspose2d(8 * b, latent_dim, 4, 1, 0, bias=False),
            nn.BatchNorm2d(8 * b), nn.ReLU(),
            nn.ConvTranspose2d(8 * b, 4 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4 * b), nn.ReLU(),
            nn.ConvTranspose2d(4 * b, 2 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * b), nn.ReLU(),
            nn.ConvTranspose2d(2 * b, b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(b), nn.ReLU(),
            nn.ConvTranspose2d(b, channels, 4, 2, 1, bias=False), nn.Tanh(),
        )

    def forward(self, z):
        return self.main(z[:, :, None, None])
"""),
("Generator", "sizes that do not double", """
class Generator(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        w = [latent_dim] + [base_channels * k for k in (8, 4, 2, 1)] + [channels]
        layers = []
        for a, b in zip(w[:-2], w[1:-1]):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(b), nn.ReLU()]
        layers += [nn.ConvTranspose2d(w[-2], w[-1], 4, 2, 1, bias=False), nn.Tanh()]
        self.net = nn.Sequential(*layers)

    def forward(self, z):
        return self.net(z.view(*z.shape, 1, 1))
"""),
("Generator", "layers in a plain list", """
class Generator(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        n = 8 * base_channels
        self.layers = [nn.ConvTranspose2d(latent_dim, n, 4, 1, 0, bias=False)]
        for _ in range(3):
            self.layers += [nn.BatchNorm2d(n), nn.ReLU()]
            self.layers += [nn.ConvTranspose2d(n, n // 2, 4, 2, 1, bias=False)]
            n = n // 2
        self.layers += [nn.BatchNorm2d(n), nn.ReLU()]
        self.layers += [nn.ConvTranspose2d(n, channels, 4, 2, 1, bias=False)]

    def forward(self, z):
        x = z[:, :, None, None]
        for layer in self.layers:
            x = layer(x)
        return torch.tanh(x)
"""),
("Generator", "refused", """
class Generator(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        w = [latent_dim] + [base_channels * k for k in (8, 4, 2, 1)] + [channels]
        how = [(4, 1, 0)] + 4 * [(4, 2, 1)]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, *h, bias=False) for a, b, h in zip(w, w[1:], how))
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in w[1:-1])

    def forward(self, z):
        x = z[:, :, None, None]
        for up in self.ups[:-1]:
            x = torch.relu(up(x))
        return torch.tanh(self.ups[-1](x))
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
("Discriminator", "passes", """
ACT = nn.LeakyReLU(0.2)  # one for all

class Discriminator(nn.Module):
    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        n, self.act = base_channels, ACT
        self.first = nn.Conv2d(channels, n, 4, 2, 1, bias=False)
        self.rest = nn.ModuleList()
        for i in range(3):
            conv = nn.Conv2d(n << i, n << i + 1, 4, 2, 1, bias=False)
            self.rest.append(nn.Sequential(conv, nn.BatchNorm2d(n << i + 1), self.act))
        self.score = nn.Linear(8 * n * 16, 1, bias=False)

    def forward(self, images):
        x = self.act(self.first(images))
        for part in self.rest:
            x = part(x)
        return self.score(x.flatten(1))[:, 0]
"""),
("Discriminator", "biases", """
class Discriminator(nn.Module):
    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        n = base_channels
        layers = [nn.Conv2d(channels, n, 4, 2, 1), nn.LeakyReLU(0.2)]
        for _ in range(3):
            layers += [nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(2 * n), nn.LeakyReLU(0.2)]
            n = 2 * n
        layers += [nn.Conv2d(n, 1, 4, 1, 0, bias=False), nn.Flatten(0)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images):
        return self.layers(images)
"""),
("Discriminator", "no batch normalization", """
class Discriminator(nn.Module):
    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        self.main = nn.Sequential(
            nn.Conv2d(channels, b, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
            nn.Conv2d(b, 2 * b, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * b, 4 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4 * b), nn.LeakyReLU(0.2),
            nn.Conv2d(4 * b, 8 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8 * b), nn.LeakyReLU(0.2),
            nn.Conv2d(8 * b, 1, 4, 1, 0, bias=False),
        )

    def forward(self, images):
        return self.main(images).view(-1)
"""),
("Discriminator", "refused", """
class Discriminator(nn.Module):
    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        self.main = nn.Sequential(
            nn.Conv2d(channels, b, 4, 2, 1, bias=False), nn.ELU(),
            nn.Conv2d(b, 2 * b, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * b), nn.ELU(),
            nn.Conv2d(2 * b, 4 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4 * b), nn.ELU(),
            nn.Conv2d(4 * b, 8 * b, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8 * b), nn.ELU(),
            nn.Conv2d(8 * b, 1, 4, 1, 0, bias=False), nn.Flatten(0),
        )

    def forward(self, images):
        return self.main(images).clamp(-0.1, 0.1)
"""),
]
