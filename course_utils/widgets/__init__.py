"""Explorers: sliders and buttons over figures, with no arithmetic of their own."""

from course_utils.widgets.canvas import Canvas
from course_utils.widgets.controls import checkbox, dropdown, slider
from course_utils.widgets.explorer import Explorer, Player
from course_utils.widgets.lesson01 import shrinkage_explorer
from course_utils.widgets.lesson02 import minimax_game, spinning_game
from course_utils.widgets.lesson03 import saturation_explorer
from course_utils.widgets.lesson04 import race_replay
from course_utils.widgets.lesson05 import (
    COSTS_OF_ONE,
    COSTS_OF_ZERO,
    SIDES,
    float_explorer,
    survey,
    value_and_slope,
)
from course_utils.widgets.lesson06 import conv_arithmetic, convolution_explorer
from course_utils.widgets.lesson07 import Dashboard, latent_walk, walk_images
from course_utils.widgets.lesson08 import curve_reader

__all__ = [
    "COSTS_OF_ONE", "COSTS_OF_ZERO", "Canvas", "Dashboard", "Explorer", "Player",
    "SIDES", "checkbox", "conv_arithmetic", "convolution_explorer", "curve_reader",
    "dropdown", "float_explorer", "latent_walk", "minimax_game", "race_replay",
    "saturation_explorer", "shrinkage_explorer", "slider", "spinning_game",
    "survey", "value_and_slope", "walk_images",
]  # fmt: skip
