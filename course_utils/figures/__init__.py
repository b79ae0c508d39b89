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
from .lesson02 import (
    discriminator_losses,
    game_moments,
    optimal_answer,
    spinning_paths,
    value_against_shift,
)
from .lesson03 import (
    down_to_zero,
    flat_divergence,
    heard_against_distance,
    learned_and_bayes,
    starvation,
)
from .lesson04 import (
    Row,
    deaf_sides,
    pull_at_distance,
    side_by_side,
    soft_answers,
    two_wishes,
)
from .lesson05 import (
    corner_and_tail,
    deaf_from,
    games,
    room,
    staircase,
    survival,
)
from .lesson06 import (
    architecture,
    first_steps,
    overlaps,
    signal_through,
    silent_units,
    two_matrices,
)
from .lesson07 import (
    class_shares,
    dashboard,
    nearest_distances,
    walk_lengths,
)
from .lesson08 import (
    ablation,
    against_the_eye,
    cost_of_answers,
    hops,
    panels,
    shrinking_bias,
)
from .style import show

__all__ = [
    "Row", "ablation", "against_the_eye", "architecture", "before_and_after",
    "class_shares", "cloud", "corner_and_tail", "cost_of_answers", "dashboard",
    "deaf_from", "deaf_sides", "discriminator_losses", "down_to_zero",
    "draw_images", "first_steps", "flat_divergence", "game_moments", "games",
    "heard_against_distance", "hops", "image_grid", "learned_and_bayes",
    "nearest_distances", "optimal_answer", "overlaps", "panels", "pixel_values",
    "pull_at_distance", "push_forward", "room", "show", "shrinking_bias",
    "side_by_side", "signal_through", "silent_units", "soft_answers",
    "spinning_paths", "squared_error", "staircase", "starvation", "survival",
    "two_matrices", "two_readings", "two_wishes", "value_against_shift",
    "walk_and_jump", "walk_lengths",
]  # fmt: skip
