"""Lesson 6: the course's layers against PyTorch's, its claims over several seeds, its
explorer and figures, and numbers of its prose that no cell prints."""

import itertools
import math

import numpy as np
import pytest
import torch

from course_utils import figures, layers, widgets
from course_utils.figures import lesson06 as drawn
from course_utils.widgets import lesson06 as explorer

SIZES = list(itertools.product((4, 7, 12), (1, 3, 4), (1, 2, 3), (0, 1, 2)))


# ---------------------------------------------------------------- claims on trial


def uncorrected(betas, steps):
    """Step length over lr for a gradient that stays the same, by running averages."""
    m = v = 0.0
    lengths = []
    for _ in range(steps):
        m, v = betas[0] * m + 1 - betas[0], betas[1] * v + 1 - betas[1]
        lengths.append(m / math.sqrt(v))
    return np.array(lengths)


# ---------------------------------------------------------------- the explorer


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), SIZES)
def test_the_explorers_links_are_the_matrix(size, kernel, stride, padding):
    if size + 2 * padding < kernel:
        return
    found = widgets.conv_arithmetic("convolution", size, kernel, stride, padding)
    wide = layers.conv_matrix(torch.ones(kernel), size + 2 * padding, stride)
    M = wide[:, padding : padding + size]
    assert sorted(found.links) == sorted((j, i) for i, j in M.nonzero().tolist())
    assert found.counts == M.sum(dim=0).int().tolist()
    assert found.n_out == len(M)


def test_the_explorer_counts_overlaps():
    found = widgets.conv_arithmetic(explorer.TRANSPOSED, 6, 5, 3, 0)
    assert found.counts == layers.overlap_count(6, 5, 3).tolist()
    cut = widgets.conv_arithmetic(explorer.TRANSPOSED, 6, 5, 3, 2)
    assert cut.counts == found.counts[2:-2]


def test_the_explorer_says_what_cannot_be():
    found = widgets.conv_arithmetic(explorer.PLAIN, 2, 6, 1, 0)
    assert found.n_out == 0 and "does not fit" in found.problem
    found = widgets.conv_arithmetic(explorer.TRANSPOSED, 2, 1, 1, 3)
    assert found.n_out == 0 and found.problem


def test_every_control_of_the_explorer_changes_the_picture():
    shown = widgets.convolution_explorer()
    pictures = [bytes(shown.image.value)]
    for name, value in (
        ("size", 7), ("kernel", 4), ("stride", 3), ("padding", 2),
        ("kind", explorer.PLAIN),
    ):  # fmt: skip
        shown.controls[name].value = value
        pictures.append(bytes(shown.image.value))
    assert len(set(pictures)) == len(pictures)


@pytest.mark.parametrize("kind", [explorer.PLAIN, explorer.TRANSPOSED])
def test_the_explorer_draws_the_ends_of_its_sliders(kind):
    shown = widgets.convolution_explorer()
    shown.controls["kind"].value = kind
    names = ("size", "kernel", "stride", "padding")
    ends = [(shown.controls[n].min, shown.controls[n].max) for n in names]
    for values in itertools.product(*ends):
        for name, value in zip(names, values, strict=True):
            shown.controls[name].value = value
        assert bytes(shown.image.value[:4]) == b"\x89PNG"
        assert f"kernel {values[1]}" in shown.message.value


def test_the_explorers_sentence_tells_the_counts():
    assert "makes 11 of 5" in repr(widgets.convolution_explorer())


# ---------------------------------------------------------------- the figures


def titles(fig):
    return [axes.get_title(loc="left") for axes in fig.axes]


def test_the_architecture_names_its_ends():
    fig = figures.architecture([(100, 1, 1), (3, 4, 4)], [(3, 4, 4), (1, 1, 1)])
    assert "(1 to 4 pixels, 1 steps)" in titles(fig)[0]
    assert "(4 to 1 pixels" in titles(fig)[1]
    texts = [t.get_text() for t in fig.axes[0].texts]
    assert "100" in texts and "4 x 4" in texts


def test_the_matrices_show_every_entry():
    fig = figures.two_matrices(torch.tensor([[1.0, 2, 0], [0, 1, 2]]))
    for axes in fig.axes:
        assert sorted(t.get_text() for t in axes.texts) == [
            "0",
            "0",
            "1",
            "1",
            "2",
            "2",
        ]


def test_the_overlaps_tell_the_inner_counts():
    fig = figures.overlaps(
        {"odd": [1, 1, 2, 1, 2, 1, 2, 1, 1], "even": [1, 2, 2, 2, 1]}
    )
    assert titles(fig)[0] == "odd\n1, 2 or 4 inputs"
    assert titles(fig)[1] == "even\ninside always 4 inputs"
    assert fig.axes[0].images[0].get_array().max() == 4


def test_the_signal_names_the_factor_at_the_end():
    fig = figures.signal_through({"a": [1, 0.01], "b": [1, 0.72]}, ["1", "image"])
    assert titles(fig) == ["At the image the two differ by a factor of 70"]


@pytest.mark.parametrize(("number", "text"), [(72, "70"), (1234, "1,000"), (9.6, "10")])
def test_a_factor_is_told_to_one_digit(number, text):
    assert drawn._rounded(number) == text


def test_silent_units_are_counted_in_the_title():
    found = {"ReLU": {"no gradient": [3, 9]}, "leaky": {"no gradient": [0, 0]}}
    fig = figures.silent_units(found, 64)
    assert titles(fig) == ["Units with no gradient: ReLU: 3 to 9; leaky: 0"]


def test_first_steps_are_labelled_with_their_first_and_their_largest():
    lengths = {"a": uncorrected((0.5, 0.999), 50), "right": np.ones(50)}
    fig = figures.first_steps(range(1, 51), lengths)
    texts = [t.get_text() for t in fig.axes[0].texts]
    assert "a\n15.8, then up to 16.8" in texts and "right" in texts
