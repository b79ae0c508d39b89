"""Every figure of the course, by name; style.py holds the palette and the grammar."""

from .style import show

__all__ = ["show"]
