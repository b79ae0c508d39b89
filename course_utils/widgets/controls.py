"""What a learner moves: sliders and dropdowns with labels that are not cut off."""

import math
from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

_LOOKS: dict[str, Any] = {
    "style": {"description_width": "initial"},
    "layout": {"width": "370px", "max_width": "100%"},  # two in a row
}


def slider(
    low: float, high: float, value: float, *, step: float | None = None,
    label: str = "", log: bool = False,
) -> widgets.Widget:  # fmt: skip
    """A labelled slider: of whole numbers where low, high, value and step are int.

    The step is 1 for whole numbers, else a hundredth of the range. On a `log` slider
    equal ways are equal ratios, as for a learning rate, and low is above 0. Without a
    label its name among the explorer's controls stands before it.
    """
    if not low < high or not low <= value <= high or (log and low <= 0):
        wanted = "0 < low < high" if log else "low < high"
        raise ValueError(
            f"slider({low}, {high}, {value}): wanted {wanted} and value between them"
        )
    looks: dict[str, Any] = _LOOKS | {"value": value, "description": label}
    if log:
        ends = {"min": math.log10(low), "max": math.log10(high)}
        return widgets.FloatLogSlider(**looks, **ends, step=0.05, readout_format=".2g")
    looks |= {"min": low, "max": high}
    if all(isinstance(x, int) for x in (low, high, value, step or 1)):
        return widgets.IntSlider(**looks, step=step or 1)
    step = step or (high - low) / 100
    decimals = max(0, math.ceil(-math.log10(step)))  # as many as the step needs
    return widgets.FloatSlider(**looks, step=step, readout_format=f".{decimals}f")


def dropdown(
    options: Sequence[Any], value: Any = None, *, label: str = ""
) -> widgets.Widget:
    """One of several choices, the first where no value is given; label as above."""
    value = options[0] if value is None else value
    return widgets.Dropdown(**_LOOKS, options=options, value=value, description=label)
