"""Mistakes that many exercises share; each applies wherever its edits fit the answer.

An exercise takes families with `families=MEANS + LOGS` and leaves out what is no
mistake there with `without=(...)`. A mistake of the same name in its own text goes
first.
"""

MEANS = r"""
* no mean
    .mean() ->
  One number for each sample. A loss is one number: their mean over the batch.
~ sum in place of mean
    .mean() -> .sum()
  A sum grows with the batch: twice the batch gives twice the loss and twice the step.
  An expectation is estimated by the mean.
* divided twice
    /\b(\w+)\)\.mean\(\)/ -> \1).mean() / len(\1)
    /\b(\w+)\.mean\(\)/ -> \1.mean() / len(\1)
  The mean has divided by the batch size already; this divides again.
~ half
    /return (.+)$/ -> return (\1) / 2
  Right up to a factor 1/2. This course leaves it out.
* sign turned
    /return (.+)$/ -> return -(\1)
  Every number is right and its sign is turned.
"""

LOGS = r"""
~ another base
    torch.log( -> torch.{log2|log10}(
    .log() -> .{log2|log10}()
  Right up to the base of the logarithm. Losses here are in nats: base e.
* log of the mean
    /log\(([^()]+)\)\.mean\(\)/ -> log((\1).mean())
  The log of an average is not the average of logs: take each sample's log first, then
  the mean.
* no log
    /torch\.log\((1 - )?([^()]+)\)/ -> (\1\2)
  There is no logarithm in it. The game is played in log-probabilities.
* one minus is missing
    1 - ->
  The probability of `generated` is 1 - D, and its log is wanted: log(1 - D).
* one minus outside the log
    /torch\.log\(1 - ([^()]+)\)/ -> (1 - torch.log(\1))
    /torch\.log\(1 - ([^()]+)\)/ -> (1 + torch.log(\1))
  The 1 stands outside the log. The probability of `generated` is 1 - D, and its log is
  wanted: log(1 - D).
* a second sigmoid
    /torch\.log\((1 - )?([^()]+)\)/ -> torch.log(\1torch.sigmoid(\2))
  The input is a probability already, and here it goes through one more sigmoid.
* log of the product
    /log\(([^()]*?)(\w+)\)\.mean\(\)/ -> log((\1\2).prod()) / len(\2)
  On paper the log of a product is the sum of logs. In float32 the product of many
  probabilities is 0, and its log minus infinity. Take each sample's log first.
"""

TYPES = r"""
* a Python number
    /return (.+)$/ -> return (\1).item()
    /return (.+)$/ -> return float(\1)
  `.item()` or `float(...)` makes a Python number, and no gradient can flow back through
  it. Return the tensor.
* cut off from its input
    /return (.+)$/ -> return (\1).detach()
    /return (.+)$/ -> return torch.tensor((\1).tolist())
  The result is cut off from its input, so no gradient can flow back. Look for
  `.detach()`, `.item()`, NumPy or `torch.tensor(...)`.
* nothing returned
    /return / ->
  Your function returned nothing. Is there a `return`?
"""

# Of steps that write `.zero_grad()`, `.backward()` and `.step()` in a line each.
STEPS = r"""
* nobody steps
    /^ *\w+\.step\(\)\n?/ ->
  Nothing moved: `backward()` only fills `.grad`; the optimizer's `step()`, right after
  it, does the moving.
* gradients pile up
    /^ *\w+\.zero_grad\(\)\n?/ ->
  What stood in `.grad` before was added to this step's gradient. Clear it with the
  optimizer's `zero_grad()` before `backward()`.
* cleared before the step
    /^ *\w+\.zero_grad\(\)\n?/ ->
      && /^( *)(\w+)\.step\(\)/ -> \1\2.zero_grad()\n\1\2.step()
  The gradients are cleared between `backward()` and `step()`, so the step finds none.
  Clear before `backward()`.
* cleared at the end
    /^ *\w+\.zero_grad\(\)\n?/ ->
      && /^( *)(\w+)\.step\(\)/ -> \1\2.step()\n\1\2.zero_grad()
  Gradients are cleared at the end, too late for what was there when the step began.
  Clear right before `backward()`.
* no backward
    /^ *\w+\.backward\(\)\n?/ ->
  Nothing was differentiated: `loss.backward()` fills `.grad`, and `step()` reads it.
* two steps
    /^( *)(\w+)\.step\(\)/ -> \1\2.step()\n\1\2.step()
  The player moved twice as far as one step takes it: `step()` ran twice.
+ the graph kept
    .detach(), -> , && /return (.+)\.detach\(\)/ -> return \1
    /return ([^\n,]+)\.detach\(\)/ -> return \1
  Right. The returned loss holds its whole graph: who collects losses fills the memory.
  Return `loss.detach()` or `loss.item()`.
"""

# Of steps that write `G(z)` and an optimizer's `.zero_grad()`.
PLAYERS = r"""
* own optimizer
    /^( *)(\w+)(\.zero_grad\(\))/ -> \1\2 = torch.optim.Adam(
      \2.param_groups[0]["params"], {2e-4|1e-3}); \2\3
    /^( *)(\w+)(\.zero_grad\(\))/ -> \1\2 = torch.optim.SGD(
      \2.param_groups[0]["params"], {0.01|0.1|\2.param_groups[0]["lr"]}); \2\3
  This is not the step of the optimizer that was handed in: one of your own has another
  rate, and forgets at each step what the other remembers.
* own latents
    G(z) -> G(torch.{randn|rand}_like(z))
  The fakes come from latents that you drew yourself. Use the `z` handed in, so that the
  loop decides what is drawn.
"""
