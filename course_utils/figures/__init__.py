# ruff: noqa: F401, I001 - the figures are gathered here, a lesson's a paragraph
"""Every figure of the course, by name; style.py holds the palette and the grammar."""

from .images import draw_images, image_grid
from .lesson00 import before_and_after
from .lesson01 import cloud, pixel_values, push_forward, squared_error
from .lesson01 import two_readings, walk_and_jump
from .lesson02 import discriminator_losses, game_moments, optimal_answer
from .lesson02 import spinning_paths, value_against_shift
from .lesson03 import down_to_zero, flat_divergence, heard_against_distance
from .lesson03 import learned_and_bayes, starvation
from .lesson04 import Row, deaf_sides, pull_at_distance, side_by_side
from .lesson04 import soft_answers, two_wishes
from .lesson05 import corner_and_tail, deaf_from, games, room, staircase, survival
from .lesson06 import architecture, first_steps, overlaps, signal_through
from .lesson06 import silent_units, two_matrices
from .lesson07 import class_shares, nearest_distances, walk_lengths
from .lesson08 import ablation, against_the_eye, cost_of_answers, hops, panels
from .lesson08 import shrinking_bias
from .style import show
