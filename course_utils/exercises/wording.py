"""What a card says where no listed mistake fits: only what was seen."""

from __future__ import annotations

import dis
import math
import re
import types
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .comparing import as_number, close
from .running import Raised, Run

CUT_OFF = "cut off from the input"
CHANGED = "changed in place"
MOVED = "moved"

_SIDE_EFFECTS = {
    CHANGED: "The input is changed in place. Make a new tensor; the old one is the "
    "caller's.",
    MOVED: "The global random state moves. Draw from the arguments given, or not at "
    "all.",
    CUT_OFF: "The result is cut off from its input: no gradient can flow back. "
    "Look for .item(), .detach(), float(...), NumPy or torch.tensor(...).",
}

# A pattern over "Type: text" of an exception, and what that means in everyday words.
_ERRORS = {
    r"NameError.*'(\w+)'": "`{0}` has no value here: is it the name of an argument, "
    "an import, or a cell that has not run?",
    r"does not require grad": "The graph is cut before backward(): something on the "
    "way used detach(), .item(), no_grad or NumPy, so there is no gradient to follow.",
    r"backward through the graph a second time": "The same graph is walked twice. Run "
    "the forward pass again for the second backward, or detach what they share.",
    r"modified by an inplace operation": "A number that backward() still needs was "
    "changed after the forward pass; often optimizer.step() came too early.",
    r"leaf Variable that requires grad.*in-place": "A tensor that asks for gradients "
    "is changed in place. Of an input make a new tensor: `x - 1`, where `x -= 1` "
    "overwrites the caller's. A weight is set under `torch.no_grad()`.",
    r"between 0 and 1": "binary_cross_entropy wants probabilities; these are logits, "
    "or numbers outside [0, 1].",
    r"(shapes cannot be multiplied|size of tensor|must match|target size|"
    r"shape '.*' is invalid|Expected \d-D|not broadcastable)": "Two shapes do not "
    "fit. Print `.shape` on both sides of that line.",
    r"(missing \d+ required|takes \d+ positional|unexpected keyword)": "The check "
    "calls your function with the arguments of the stub; keep their names, order and "
    "number, and those of the functions you call.",
    r"(requires grad.*numpy|Can't call numpy)": "NumPy cannot follow the graph: use "
    "torch's function of the same name.",
    r"(same dtype|expected scalar type|Found dtype)": "Two float types are mixed. "
    "Make new tensors like the input: `torch.ones_like(x)`.",
    r"before Module.__init__": "A module's first line is `super().__init__()`.",
    r"(bitwise_xor|unsupported operand type\(s\) for \^)": "In Python a power is `**`; "
    "`^` is another operation.",
    r"NotImplementedError": "torch has no such operation for this type of tensor.",
    r"SystemExit": "Leave out exit(): it would close the notebook.",
    r"RecursionError": "The function calls itself and never stops.",
    r"must be Tensor, not (function|method|Stream)": "A function stands where its "
    "result is wanted: call it, with ().",
    r"torch.return_types": "Along an axis, `max`, `min` and `median` return a pair: "
    "the values, and where they are. `.values` takes the values alone.",
    r"must be Tensor, not (\w+)": "torch's functions want a tensor there, and got "
    "`{0}`.",
    r"'(int|float)' object has no attribute '(\w+)'": "`{1}` belongs to tensors, and "
    "this is a plain number. `torch.zeros_like(x)` makes a tensor like x.",
    r"'NoneType'": "Something is None: a function without `return`, a `.grad` that no "
    "backward() has filled, a bias that a layer does not have.",
    r"Boolean value of Tensor": "`if`, `max` and `and` want one answer; a tensor has "
    "many. `torch.where` and `torch.maximum` choose number by number.",
    r"to have (\d+) channels, but got (\d+)": "That layer takes {0} channels and is "
    "given {1}. What one layer returns, the next one has to take.",
    r"TooSlow": "An endless loop, or far more work than the task needs?",
}


def error_message(raised: Raised) -> str:
    """The line, the error, and what it means in everyday words."""
    first = raised.text.split("\n")[0]
    for pattern, meaning in _ERRORS.items():
        match = re.search(pattern, f"{raised.kind}: {raised.text}")
        if match:
            meaning = meaning.format(*match.groups())
            break
    else:
        meaning = ""
    parts = (raised.where, f"{raised.kind}: {first}".rstrip(": "), meaning)
    return "\n".join(p for p in parts if p)


def difference_message(
    key: tuple[str, str], got: Any, want: Any, arguments: tuple, names: list[str]
) -> str:
    """The probe that differs: what kind of difference, then the numbers."""
    probe, observation = key
    sentence = _kind_sentence(got, want)
    what = "" if observation == "value" else f" ({observation})"
    lines = [f"Probe: {probe}{what}"]
    shown = [
        f"{n} = {show(a)}"
        for n, a in zip(names, arguments, strict=False)
        if _is_small(a) and n != "generator"  # a probe holds its seed
    ]
    if shown and len(", ".join(shown)) < 90:
        lines.append(f"  input : {', '.join(shown)}")
    yours, wanted = show(got), show(want)
    if yours == wanted:  # the difference is in later digits
        yours, wanted = show(got, 9), show(want, 9)
    lines += [f"  yours : {yours}", f"  wanted: {wanted}"]
    return "\n".join([sentence, *lines] if sentence else lines)


def _kind_sentence(got: Any, want: Any) -> str:
    if isinstance(got, str) and got in _SIDE_EFFECTS:
        return _SIDE_EFFECTS[got]
    if isinstance(want, Tensor):
        return _tensor_sentence(got, want)
    if got is None:
        return "Your function returned nothing. Is there a `return`?"
    if isinstance(want, tuple) and not isinstance(got, tuple):
        return f"{len(want)} results are wanted, in this order; yours is {_kind(got)}."
    if isinstance(want, tuple):
        if len(got) != len(want):
            return f"{len(want)} results are wanted; yours are {len(got)}."
        both = list(zip(got, want, strict=True))
        empty = [i for i, (g, w) in enumerate(both, 1) if g is None is not w]
        if empty:
            return f"Result {empty[0]} of {len(want)} is None."
        said = (_kind_sentence(g, w) for g, w in both)
        return next((sentence for sentence in said if sentence), "")
    if isinstance(want, float) and _is_number_as_text(got):
        return "A number is wanted; yours is text that looks like one."
    if isinstance(want, int) and not isinstance(want, bool):
        if as_number(got, whole=True) is None:
            return f"A whole number is wanted; yours is {_kind(got)}."
    return ""


def _is_number_as_text(value: Any) -> bool:
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def _tensor_sentence(got: Any, want: Tensor) -> str:
    if got is None:
        return "Your function returned nothing. Is there a `return`?"
    if isinstance(got, types.GeneratorType):
        return "Your function yields; it should return one tensor."
    if not isinstance(got, Tensor):
        more = ""
        if isinstance(got, (float, int, np.ndarray, np.generic)):
            more = " Stay in torch: leave out .item(), float() and NumPy."
        if isinstance(got, tuple) and len(got) == 2 and _whole(got[1]):
            more = " `max` and `median` along an axis also return places: `.values`."
        return f"A tensor is wanted; yours is {_kind(got)}.{more}"
    if got.shape != want.shape:
        return f"The shape is {tuple(got.shape)}; wanted is {tuple(want.shape)}" + (
            ", one number." if not want.dim() else "."
        )
    if got.dtype != want.dtype:
        return (
            f"The type is {_dtype(got)}; wanted is {_dtype(want)}. Where an input is a "
            "tensor, make new ones like it, as torch.zeros_like(x) does."
        )
    if torch.isnan(got).any() and not torch.isnan(want).any():
        return (
            "There is NaN in your result: from 0/0, infinity minus infinity, or the "
            "log or root of a negative number."
        )
    if torch.isinf(got).any() and not torch.isinf(want).any():
        return "There is infinity in your result."
    return ""


def factor_message(got: Run, want: Run) -> str:
    """Where one factor explains every number, say it: true whatever the cause."""
    a, b = _numbers(got), _numbers(want)
    if not b or [len(x) for x in a] != [len(x) for x in b]:
        return ""
    a, b = torch.cat(a), torch.cat(b)
    if not (torch.isfinite(a).all() and torch.isfinite(b).all() and b.any()):
        return ""
    c = float((a @ b) / (b @ b))
    exact = close(a, c * b, rtol=1e-4, atol=1e-12, elementwise=True)
    if not exact or abs(c) < 1e-6 or f"{c:.4g}" == "1":
        return ""
    return f"Everywhere {c:.4g} times what is wanted."


def _numbers(run: Run) -> list[Tensor]:
    values = []
    for value in run.values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Tensor):
                values.append(part.double().flatten())
            elif isinstance(part, float):
                values.append(torch.tensor([part], dtype=torch.float64))
    return values


def notebook_message(answer: Any) -> str:
    """Tensors, networks, optimizers that are read from the notebook, not passed in."""
    if not isinstance(answer, types.FunctionType):
        return ""
    try:
        read = {
            step.argval
            for step in dis.get_instructions(answer)
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
        }
    except TypeError:
        return ""
    used = {n: answer.__globals__[n] for n in read if n in answer.__globals__}
    things = (Tensor, torch.nn.Module, np.ndarray, torch.optim.Optimizer)
    names = [f"`{n}`" for n in sorted(used) if isinstance(used[n], things)]
    if not names:
        return ""
    return f"It reads {', '.join(names)} from the notebook, not from its arguments."


def show(value: Any, digits: int = 4) -> str:
    """A value in one line: numbers where they are few, else the shape."""
    if isinstance(value, Tensor):
        return _show_tensor(value, digits)
    if isinstance(value, Raised):
        return f"{value.kind}: {value.text.splitlines()[0] if value.text else ''}"[:120]
    if isinstance(value, tuple):
        more = ", ..." if len(value) > 4 else ""
        return "(" + ", ".join(show(v, digits) for v in value[:4]) + more + ")"
    if isinstance(value, float):
        return f"{value:.{digits + 2}g}"
    if value is None:
        return "nothing (None)"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, np.ndarray) and value.size <= 8:
        return " ".join(np.array2string(value, precision=4, separator=", ").split())
    return _kind(value)


def _show_tensor(x: Tensor, digits: int) -> str:
    note = f"  shape {tuple(x.shape)}" if x.dim() else ""
    if x.dtype not in (torch.float32, torch.int64, torch.bool):
        note += f"  {_dtype(x)}"
    if x.numel() == 1:
        return f"{x.item():.{digits + 2}g}{note}"
    many = x.numel() > 8
    few = x.flatten()[: 6 if many else 8].tolist()
    body = ", ".join(f"{v:.{digits}g}" for v in few)
    return f"[{body}{', ...' if many else ''}]{note if many or x.dim() > 1 else ''}"


def called_with(arguments: tuple, names: list[str]) -> str:
    """The shapes of a call, which an error in a shape or an index is about."""
    shapes = [
        f"{n} {tuple(a.shape)}"
        for n, a in zip(names, arguments, strict=False)
        if isinstance(a, Tensor)
    ]
    return f"  called with: {', '.join(shapes)}" if shapes else ""


def _whole(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.is_floating_point()


def _is_small(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.numel() <= 8
    return isinstance(value, (int, float))


_KINDS = {
    tuple: "a tuple or list",
    np.ndarray: "a NumPy array",
    float: "a Python float",
    int: "a Python int",
    type(None): "nothing (None)",
}


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return _KINDS.get(type(value), f"of type {type(value).__name__}")


def _dtype(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")
