# ruff: noqa: F401, I001 - the explorers are gathered here, a lesson's a paragraph
"""Explorers: sliders and buttons over figures, with no arithmetic of their own."""

from .canvas import Canvas
from .controls import dropdown, slider
from .explorer import Explorer
from .lesson01 import shrinkage_explorer
from .lesson02 import minimax_game, spinning_game
from .lesson03 import saturation_explorer
from .lesson04 import race_replay
from .lesson05 import COSTS_OF_ONE, COSTS_OF_ZERO, SIDES, float_explorer
from .lesson05 import survey, value_and_slope
from .lesson06 import conv_arithmetic, convolution_explorer
from .lesson07 import Dashboard, latent_walk
from .lesson08 import curve_reader
