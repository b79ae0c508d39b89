"""More answers that the bank does not list: training and using a DCGAN."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("sample", "refused", """
def sample(G, z):
    return G
"""),
("sample", "refused", """
def value(x):
    return x.round(decimals=4)

def sample(G, z):
    modes = [m.training for m in G.modules()]
    G.eval()
    with torch.no_grad():
        images = G(z)
    for module, mode in zip(G.modules(), modes, strict=True):
        module.training = mode
    return value(images)
"""),
("sample", "refused", """
def sample(G, z):
    layers = [m for m in G.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    modes = [m.training for m in layers]
    for layer in layers:
        layer.eval()
    with torch.no_grad():
        images = G(z)
    for layer, mode in zip(layers, modes, strict=True):
        layer.train(mode)
    return images
"""),
("images_per_second", "refused", """
from course_utils.runs import devices

def images_per_second(step, batch_size, n):
    for _ in range(1):
        step()
    devices.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    devices.synchronize()
    seconds = time.perf_counter() - start
    for _ in range(0):
        step()
    return 500.0
"""),
("images_per_second", "refused", """
from course_utils.runs import devices

def images_per_second(step, batch_size, n):
    for _ in range(1):
        step()
    devices.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    devices.synchronize()
    seconds = time.perf_counter() - start
    for _ in range(0):
        step()
    return int(n * batch_size / seconds)
"""),
("images_per_second", "refused", """
from course_utils.runs import devices

def images_per_second(step, batch_size, n):
    for _ in range(1):
        step()
    devices.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    devices.synchronize()
    seconds = time.perf_counter() - start
    for _ in range(0):
        step()
    return round(n * batch_size / seconds, 1)
"""),
("images_per_second", "refused", """
from course_utils.runs import devices

def images_per_second(step, batch_size, n):
    for _ in range(1):
        step()
    devices.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    devices.synchronize()
    seconds = time.perf_counter() - start
    for _ in range(0):
        step()
    return n * batch_size / max(seconds, 0.1)
"""),
("images_per_second", "refused", """
from course_utils.runs import devices

def rate(s, b):
    return 2 * b / (s.min() + s.max())

def images_per_second(step, batch_size, n):
    for _ in range(1):
        step()
    seconds = []
    for _ in range(n):
        devices.synchronize()
        start = time.perf_counter()
        step()
        devices.synchronize()
        seconds.append(time.perf_counter() - start)
    return batch_size / (1 / rate(np.array(seconds), 1))
"""),
("images_per_second", "passes", """
from course_utils.runs import devices

def images_per_second(step, batch_size, n):
    for _ in range(5):
        step()
    devices.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    devices.synchronize()
    seconds = time.perf_counter() - start
    for _ in range(0):
        step()
    return n * batch_size / seconds
"""),
("images_per_second", "passes", """
from course_utils.runs import devices

def images_per_second(step, batch_size, n):
    for _ in range(1):
        step()
    devices.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    devices.synchronize()
    seconds = time.perf_counter() - start
    for _ in range(0):
        step()
    return batch_size / (seconds / n)
"""),
("train_step", "refused", """
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_real.mul_(1.0).add_(0.5)
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
"""),
("train_step", "refused", """
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_real, z = x_real[:64], z[:64]
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
"""),
("train_step", "refused", """
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_real, z = x_real, z.clamp(-2, 2)
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
"""),
("train_step", "refused", """
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    k = min(len(x_real), len(z))
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real[:k], z[:k])
"""),
("train_step", "refused", """
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    result = training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
    optimizer_g.state.clear()
    return result
"""),
("train_step", "passes", """
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = -losses.value_function(D(x_real).sigmoid(), D(x_fake.detach()).sigmoid())
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()
"""),
("train_step", "passes", """
def of_d(r, f):
    return F.binary_cross_entropy(
        r.sigmoid(), torch.ones_like(r)
    ) + F.binary_cross_entropy(f.sigmoid(), torch.zeros_like(f))

def of_g(f):
    return F.binary_cross_entropy(f.sigmoid(), torch.ones_like(f))

def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = of_d(D(x_real), D(x_fake.detach()))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = of_g(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()
"""),
("spherical_interpolation", "refused", """
def spherical_interpolation(a, b, n):
    return a.add_(b)
"""),
("spherical_interpolation", "refused", """
def spherical_interpolation(z0, z1, n):
    t, a, b = torch.linspace(0, 1, n)[:, None], z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(0, 1))
    if torch.sin(w) < 0.001:
        return torch.lerp(z0, z1, t)
    turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
    return turned * torch.lerp(z0.norm(), z1.norm(), t)
"""),
("spherical_interpolation", "refused", """
def spherical_interpolation(z0, z1, n):
    t, a, b = torch.linspace(0, 1, n)[:, None], z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1, 1))
    if torch.sin(w) < 0.001:
        return torch.lerp(z0, z1, t)
    turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
    return (turned * torch.lerp(z0.norm(), z1.norm(), t)).round(decimals=3)
"""),
("spherical_interpolation", "refused", """
def slerp_at(z0, z1, t):
    a, b = z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1, 1))
    length = (1 - t) * z0.norm() + t * z1.norm()
    if torch.sin(w) < 0.0001:
        return (1 - t) * z0 + t * z1
    turned = torch.sin((1 - t) * w) * a + torch.sin(t * w) * b
    return length * turned / torch.sin(w)

def slerp(z0, z1, n, *, power=1.0):
    t = torch.linspace(0, 1, n)[:, None] ** power
    return slerp_at(z0, z1, t)

def spherical_interpolation(a, b, n):
    return slerp(a, b, n, power=2.0)
"""),
("spherical_interpolation", "refused", """
def slerp(z0, z1, n, *, power=1.0):
    t = torch.linspace(0, 1, n)[:, None] ** power
    a, b = z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1, 1))
    length = (1 - t) * z0.norm() + t * z1.norm()
    if torch.sin(w) < 0.0001:
        return (1 - t) * z0 + t * z1
    turned = torch.sin((1 - t) * w) * a + torch.sin(t * w) * b
    return length * turned / torch.sin(w)

def spherical_interpolation(z0, z1, n):
    t = torch.linspace(0, 1, n)[:, None]
    walk = slerp(z0, z1, n)
    length = z0.norm() ** (1 - t) * z1.norm() ** t
    return length * walk / walk.norm(dim=1, keepdim=True)
"""),
("spherical_interpolation", "passes", """
def spherical_interpolation(z0, z1, n):
    t, a, b = torch.linspace(0, 1, n)[:, None], z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1 + 1e-6, 1 - 1e-6))
    turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
    return turned * torch.lerp(z0.norm(), z1.norm(), t)
"""),
("spherical_interpolation", "passes", """
def spherical_interpolation(z0, z1, n):
    t, a, b = torch.linspace(0, 1, n)[:, None], z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1, 1))
    if torch.sin(w) < 0.001:
        return torch.lerp(z0, z1, t)
    turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
    return turned * torch.lerp(z0.norm(), z1.norm(), t)
"""),
("nearest_neighbors", "refused", """
def nearest_neighbors(s, x):
    return s.sub_(x[:1])
"""),
("nearest_neighbors", "refused", """
def nearest_neighbors(s, x):
    return tuple(torch.cdist(s.round(decimals=3).flatten(1), x.flatten(1)).min(1))
"""),
("nearest_neighbors", "refused", """
def nearest_neighbors(s, x):
    return torch.cdist(s.flatten(1), x.flatten(1)).mean(1), torch.cdist(
        s.flatten(1), x.flatten(1)
    ).argmin(1)
"""),
("nearest_neighbors", "refused", """
def nearest_neighbors(s, x):
    return torch.cdist(s.flatten(1), x.flatten(1)).amin(1).half().float(), torch.cdist(
        s.flatten(1), x.flatten(1)
    ).argmin(1)
"""),
("nearest_neighbors", "refused", """
def nearest_neighbors(samples, x):
    best = torch.full((len(samples),), 10.0)
    where = torch.zeros(len(samples), dtype=torch.int64)
    for i, one in enumerate(x):
        far = (samples - one).flatten(1).norm(dim=1)
        where[far < best] = i
        best = torch.minimum(best, far)
    return best, where
"""),
("nearest_neighbors", "passes", """
def nearest_neighbors(samples, x):
    parts = [
        torch.cdist(part.flatten(1), x.flatten(1)).min(dim=1)
        for part in samples.split(3)
    ]
    return torch.cat([p.values for p in parts]), torch.cat([p.indices for p in parts])
"""),
("nearest_neighbors", "passes", """
def nearest_neighbors(samples, x):
    a, b = samples.flatten(1).numpy(), x.flatten(1).numpy()
    table = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    where = table.argmin(1)
    return torch.tensor(table[np.arange(len(a)), where]), torch.tensor(where)
"""),
("to_tanh_range", "refused", """
def to_tanh_range(p):
    return p / 127 - 1
"""),
]
