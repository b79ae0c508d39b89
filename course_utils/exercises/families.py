"""Mistakes that many exercises share; each applies wherever its edits fit the answer.

An exercise takes families with `families=MEANS + LOGS` and leaves out what is no
mistake there with `without=(...)`. A mistake of the same name in its own text goes
first.
"""

MEANS = r"""
* no mean: One number for each sample. A loss is one number: their mean over the batch.
    .mean() ->
~ sum in place of mean: A sum grows with the batch: twice the batch gives twice the loss
  and twice the step. An expectation is estimated by the mean.
    .mean() -> .sum()
* divided twice: The mean has divided by the batch size already; this divides again.
    /\b(\w+)\)\.mean\(\)/ -> \1).mean() / len(\1)
    /\b(\w+)\.mean\(\)/ -> \1.mean() / len(\1)
~ half: Right up to a factor 1/2. This course leaves it out.
    /return (.+)$/ -> return (\1) / 2
* sign turned: Every number is right and its sign is turned.
    /return (.+)$/ -> return -(\1)
"""

LOGS = r"""
~ another base: Right up to the base of the logarithm. Losses here are in nats: base e.
    torch.log( -> torch.{log2|log10}(
    .log() -> .{log2|log10}()
* log of the mean: The log of an average is not the average of logs: take each sample's
  log first, then the mean.
    /log\(([^()]+)\)\.mean\(\)/ -> log((\1).mean())
* no log: There is no logarithm in it. The game is played in log-probabilities.
    /torch\.log\((1 - )?([^()]+)\)/ -> (\1\2)
* one minus is missing: The probability of `generated` is 1 - D, and its log is wanted:
  log(1 - D).
    1 - ->
* one minus outside the log: The 1 stands outside the log. The probability of
  `generated` is 1 - D, and its log is wanted: log(1 - D).
    /torch\.log\(1 - ([^()]+)\)/ -> (1 - torch.log(\1))
    /torch\.log\(1 - ([^()]+)\)/ -> (1 + torch.log(\1))
* a second sigmoid: The input is a probability already, and here it goes through one
  more sigmoid.
    /torch\.log\((1 - )?([^()]+)\)/ -> torch.log(\1torch.sigmoid(\2))
* log of the product: On paper the log of a product is the sum of logs. In float32 the
  product of many probabilities is 0, and its log minus infinity. Take each sample's log
  first.
    /log\(([^()]*?)(\w+)\)\.mean\(\)/ -> log((\1\2).prod()) / len(\2)
"""

TYPES = r"""
* a Python number: `.item()` or `float(...)` makes a Python number, and no gradient can
  flow back through it. Return the tensor.
    /return (.+)$/ -> return (\1).item()
    /return (.+)$/ -> return float(\1)
* cut off from its input: The result is cut off from its input, so no gradient can flow
  back. Look for `.detach()`, `.item()`, NumPy or `torch.tensor(...)`.
    /return (.+)$/ -> return (\1).detach()
    /return (.+)$/ -> return torch.tensor((\1).tolist())
* nothing returned: Your function returned nothing. Is there a `return`?
    /return / ->
"""

# Of steps that write `.zero_grad()`, `.backward()` and `.step()` in a line each.
STEPS = r"""
* nobody steps: Nothing moved: `backward()` only fills `.grad`; the optimizer's
  `step()`, right after it, does the moving.
    /^ *\w+\.step\(\)\n?/ ->
* gradients pile up: What stood in `.grad` before was added to this step's gradient.
  Clear it with the optimizer's `zero_grad()` before `backward()`.
    /^ *\w+\.zero_grad\(\)\n?/ ->
* cleared before the step: The gradients are cleared between `backward()` and `step()`,
  so the step finds none. Clear before `backward()`.
    /^ *\w+\.zero_grad\(\)\n?/ ->
      && /^( *)(\w+)\.step\(\)/ -> \1\2.zero_grad()\n\1\2.step()
* cleared at the end: Gradients are cleared at the end, too late for what was there when
  the step began. Clear right before `backward()`.
    /^ *\w+\.zero_grad\(\)\n?/ ->
      && /^( *)(\w+)\.step\(\)/ -> \1\2.step()\n\1\2.zero_grad()
* no backward: Nothing was differentiated: `loss.backward()` fills `.grad`, and `step()`
  reads it.
    /^ *\w+\.backward\(\)\n?/ ->
* two steps: The player moved twice as far as one step takes it: `step()` ran twice.
    /^( *)(\w+)\.step\(\)/ -> \1\2.step()\n\1\2.step()
+ the graph kept: Right. The returned loss holds its whole graph: who collects losses
  fills the memory. Return `loss.detach()` or `loss.item()`.
    .detach(), -> , && /return (.+)\.detach\(\)/ -> return \1
    /return ([^\n,]+)\.detach\(\)/ -> return \1
"""

# Of steps that write `G(z)` and an optimizer's `.zero_grad()`.
PLAYERS = r"""
* own optimizer: This is not the step of the optimizer that was handed in: one of your
  own has another rate, and forgets at each step what the other remembers.
    /^( *)(\w+)(\.zero_grad\(\))/ -> \1\2 = torch.optim.Adam(
      \2.param_groups[0]["params"], {2e-4|1e-3}); \2\3
    /^( *)(\w+)(\.zero_grad\(\))/ -> \1\2 = torch.optim.SGD(
      \2.param_groups[0]["params"], {0.01|0.1|\2.param_groups[0]["lr"]}); \2\3
* own latents: The fakes come from latents that you drew yourself. Use the `z` handed
  in, so that the loop decides what is drawn.
    G(z) -> G(torch.{randn|rand}_like(z))
"""
