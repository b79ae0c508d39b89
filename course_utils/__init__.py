"""Helper package of the course: data, networks, losses, training, figures, exercises."""

__version__ = "0.1.0"
