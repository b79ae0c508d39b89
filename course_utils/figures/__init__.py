"""Every figure of the course, by name; style.py holds the palette and the grammar."""

from .images import draw_images, image_grid
from .lesson00 import before_and_after
from .lesson01 import (
    cloud,
    pixel_values,
    push_forward,
    squared_error,
    two_readings,
    walk_and_jump,
)
from .lesson03 import (
    down_to_zero,
    flat_divergence,
    heard_against_distance,
    learned_and_bayes,
    starvation,
)
from .style import show

__all__ = [
    "before_and_after", "cloud", "down_to_zero", "draw_images", "flat_divergence",
    "heard_against_distance", "image_grid", "learned_and_bayes", "pixel_values",
    "push_forward", "show", "squared_error", "starvation", "two_readings",
    "walk_and_jump",
]  # fmt: skip
