"""What a training of the tables is worth, as numbers."""

from torch import Tensor

from course_utils import classifier, evaluation
from course_utils.runs import trainer

CURVES = ("loss_d", "loss_g", "d_real", "d_fake")


def numbers(run: trainer.Trainer, images: Tensor, n: int, digits: int) -> dict:
    """The ends of a training's curves, over its last quarter, and its scores.

    Args:
        run: a finished training.
        images: (m, 1, 32, 32) that it was trained on.
        n: samples to score.
        digits: to which every number is rounded.
    """
    last = run.history[-max(1, len(run.history) // 4) :]
    ends = {c: sum(getattr(r, c) for r in last) / len(last) for c in CURVES}
    found = evaluation.scores(
        run.samples(n, seed=99), images, classifier=classifier.load()
    )
    kept = {k: v for k, v in found._asdict().items() if v is not None}
    return {k: round(float(v), digits) for k, v in {**kept, **ends}.items()}
