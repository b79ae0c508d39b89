"""Explorers: sliders and buttons over figures, with no arithmetic of their own."""

from course_utils.widgets.canvas import Canvas
from course_utils.widgets.controls import checkbox, dropdown, slider
from course_utils.widgets.explorer import Explorer, Player
from course_utils.widgets.lesson01 import shrinkage_explorer
from course_utils.widgets.lesson03 import saturation_explorer

__all__ = [
    "Canvas", "Explorer", "Player", "checkbox", "dropdown", "saturation_explorer",
    "shrinkage_explorer", "slider",
]  # fmt: skip
