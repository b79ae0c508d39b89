"""Helper package of the course: data, networks, losses, figures, exercises."""

__version__ = "0.1.0"
