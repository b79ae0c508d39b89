"""What the figures say and which data they draw; not how they are laid out."""

import math

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from course_utils import clinic, data, figures
from course_utils.figures import curves, style
from course_utils.figures.images import tile
from course_utils.figures.lesson01 import shrinkage_panel
from course_utils.figures.lesson07 import Board

NAN, EVEN = np.full((1, 4), np.nan), np.ones((1, 4))
P = torch.linspace(0.01, 0.99, 99)
COUNTS = [[30, 0, 20], [10, 40, 0]]  # of empty and of inked digits
X = np.linspace(-1, 1, 21)
CODES = {"good": np.zeros(5, int), "bad": np.array([2, 2, 0, 1, 1])}
LONE = torch.tensor([0.5, 0.996], dtype=torch.float64).logit()

# Each figure with a finding in its title: made from what gives that finding.
FINDINGS = {
    "75% of the 0s are empty there, 60% of the empty ones are 0s":
        lambda: figures.two_readings(COUNTS),
    "40% of the drawn pixels lie outside [-1, 1]":
        lambda: figures.pixel_values(X, [-1.5, -1.0, 0.0, 1.0, 1.2]),
    "At the best guess samples are 2 times rarer than at a mode":
        lambda: figures.squared_error(X, 1 + X**2, X, X**2),
    "Far off, G hears 1 million times less than near by":
        lambda: figures.heard_against_distance(torch.tensor([1.0, 9]), [0.5, 5e-7]),
    "Separated: 1,000 times below its loudest. Overlap: more":
        lambda: figures.starvation([0, 1000], [[1.0, 2.0]], [[1.0, 1e-3]]),
    "At a mean logit of -90 nothing is left":
        lambda: figures.down_to_zero(
            ([0.0], [0.1]), ([-80.0, -90.0, -99.0], [1e-35, 0, 0]), ([0.0], [1.0])
        ),
    f"... and up to {math.log(249):.1f}: the next number is 1":
        lambda: figures.room({"toy": LONE}, near=(0.0, 9.0)),
    "G enlarges: a latent to an image (1 to 4 pixels, 1 steps)":
        lambda: figures.architecture([(9, 1, 1), (3, 4, 4)], [(3, 4, 4), (1, 1, 1)]),
    "odd\n1, 2 or 4 inputs":
        lambda: figures.overlaps({"odd": [1, 1, 2, 1, 2, 1, 2, 1, 1]}),
    "even\ninside always 4 inputs":
        lambda: figures.overlaps({"even": [1, 2, 2, 2, 1]}),
    "At the image the two differ by a factor of 70":
        lambda: figures.signal_through({"a": [1, 0.01], "b": [1, 0.72]}, ["1", "2"]),
    "Units with no gradient: ReLU: 3 to 9; leaky: 0":
        lambda: figures.silent_units(
            {"ReLU": {"no gradient": [9, 3]}, "leaky": {"no gradient": [0, 0]}}, 64
        ),
    "1 of 2 classes above 2% (dotted)":
        lambda: figures.class_shares(
            {"data": [0.5, 0.5], "samples": [0.99, 0.01]}, names="ab", at_least=0.02
        ),
    "1 of 3 samples are nearly a training image":
        lambda: figures.nearest_distances([0.0, 8.0, 9.0], np.linspace(4, 9, 50)),
    "Half way, the line is shorter than 3 of 4 latents":
        lambda: figures.walk_lengths(
            {"circle": [8.0] * 3, "line": [8.0, 5.0, 8.0]}, [4.0, 6.0, 8.0, 9.0]
        ),
    "Where it must answer one number, D pays least at 0.50":
        lambda: figures.cost_of_answers(P, -P.log() - (1 - P).log(), -P.log()),
    "Same law, 5 times the score: the set is smaller":
        lambda: figures.shrinking_bias([10, 100], [[8.0, 12], [1, 3]], other=2.0),
    "D's loss\n+1.00 [+0.50, +1.00]":
        lambda: figures.against_the_eye(
            [1, 2], {"D's loss": [1, 2]}, {"D's loss": (1.0, 0.5, 1.0)}
        ),
}  # fmt: skip


def titles(fig):
    return [axes.get_title(loc="left") for axes in fig.axes]


def words(axes):
    return [text.get_text() for text in axes.texts]


def heights(axes):
    return [np.asarray(line.get_ydata(), float).tolist() for line in axes.lines]


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_title_states_the_finding(finding):
    assert finding in titles(FINDINGS[finding]())


# --- Grids of images ------------------------------------------------------------------


def test_images_keep_one_scale_and_their_channels_with_paper_between():
    gray = np.stack([np.full((8, 8), value) for value in (-1.0, 0.2, 1.0, 3.0)])
    mosaic = tile(gray, columns=4)
    middles = mosaic[24, [24, 76, 128, 180]]  # tiles of 48 pixels, gaps of 4
    np.testing.assert_allclose(middles[:, 0], [0, 0.6, 1, 1], rtol=1e-6)
    assert (mosaic[:, 48:52] == 1).all()
    assert (tile(gray[:3], columns=2)[52:, 52:] == 1).all()  # a short last row
    red = torch.tensor([1.0, -1.0, -1.0])[:, None, None].expand(1, 3, 4, 4)
    assert tile(red)[0, 0].tolist() == [1, 0, 0]


def test_pixels_beyond_the_range_are_marked_on_demand():
    image = torch.tensor([[[[0.5, -1.2], [1.0, -1.0]]]])
    mosaic = tile(image, columns=1, mark_outside=True)
    np.testing.assert_allclose(mosaic[0, -1], to_rgb(style.NOTICE), rtol=1e-6)
    np.testing.assert_allclose(mosaic[-1, 0], 1)


@pytest.mark.parametrize("width", [4.0, 7.6])
def test_a_grids_labels_stand_inside_the_figure(width):
    options = {"columns": 2, "row_labels": ["as written"] * 3, "column_labels": [3, 5]}
    fig = figures.image_grid(np.zeros((6, 8, 8)), width=width, **options)
    FigureCanvasAgg(fig).draw()
    assert all(t.get_window_extent().x0 >= 0 for t in fig.axes[0].get_yticklabels())
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ["3", "5"]


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (np.zeros((2, 2, 8, 8)), "", r"not \(2, 2, 8, 8\)"),
        (np.full((1, 8, 8), np.nan), "", "NaN"),
        (np.zeros((4, 8, 8)), "AB", "number of labels"),
    ],
)
def test_a_wrong_grid_is_told(images, labels, said):
    with pytest.raises(ValueError, match=said):
        figures.image_grid(images, row_labels=labels)


# --- Which data are drawn -------------------------------------------------------------


def test_histograms_of_pixels_have_a_bin_for_each_level_of_ink():
    axes = figures.pixel_values(np.linspace(-1, 1, 17), np.zeros(3)).axes[0]
    share, edges = axes.patches[0].get_data()[:2]
    inked = np.flatnonzero(share)
    assert len(inked) == 17 and share.sum() == pytest.approx(1)
    assert edges[inked[0]] == -1 and edges[inked[-1] + 1] == pytest.approx(1)


def test_a_map_is_drawn_in_order_and_a_cloud_keeps_its_marked_points():
    fig = figures.push_forward([0.81, 0.04, 0.25], [0.9, 0.2, 0.5], [0.0, 1.0, 2.0])
    assert fig.axes[1].lines[0].get_xydata()[:, 1].tolist() == [0.2, 0.5, 0.9]
    z = data.latent(100, 2, data.rng(0)).numpy()
    left, right = figures.cloud(z, 3 * z).axes
    for i in (0, 1):  # all points, then the marked ring
        before, after = (ax.collections[i].get_offsets() for ax in (left, right))
        assert np.allclose(3 * before, after)


def test_the_best_shrinkage_is_that_of_the_mean():
    _, axes = style.new_figure()
    rows = [[1.0, 3.0, 2.0], [2.0, 4.0, 2.5]]
    assert shrinkage_panel(axes, [0.01, 0.1, 1.0], rows, what="one", unit="nats") == 0.1
    assert axes.get_title(loc="left") == "best one at 0.1"


def test_the_posterior_is_drawn_where_samples_are():
    case = {"p_data": [0.5, 0.0], "p_g": [0.0, 0.0], "learned": [0.9, 0.1]}
    fig = figures.learned_and_bayes([0.0, 1.0], {"one": case | {"bayes": [1.0, 0.5]}})
    bayes, learned = heights(fig.axes[1])
    assert bayes[0] == 1 and math.isnan(bayes[1]) and learned == case["learned"]


def test_slopes_are_drawn_by_their_size_and_games_with_their_median():
    x = torch.linspace(-2, 2, 5)
    values = {"old": -x, "new": 2 - x}
    slopes = {"old": torch.full((5,), -0.25), "new": torch.full((5,), -0.5)}
    right = figures.deaf_sides(x, values, slopes).axes[1]
    assert [set(y) for y in heights(right)[:2]] == [{0.25}, {0.5}]
    runs = torch.tensor([[3.0, 3.0, 3.0], [2.0, 0.0, 1.0]])
    columns = {"a": {"old": runs, "new": 9 * runs}}
    row = figures.Row([0, 1], "distance", columns, (1, "arrived"))
    axes = figures.side_by_side([row], "step").axes[0]
    thick = [line for line in axes.lines if line.get_linewidth() > 2]
    assert [line.get_ydata().tolist() for line in thick] == [[3, 1], [27, 9]]
    assert words(axes) == ["arrived"]


def test_the_map_of_forms_counts_those_that_are_right_everywhere():
    fig = figures.survival(np.arange(5.0), {"one": CODES, "zero": CODES})
    assert fig.get_suptitle() == "1 of 2 ways are right (white) at every logit"
    bars = [patch.get_width() for patch in fig.axes[0].patches]
    assert bars == [5, 2, 1, 2]  # one run, then three


def test_games_count_those_that_died_and_those_far_off():
    made = {
        ("a", "t"): np.concatenate([NAN, NAN]),
        ("b", "t"): np.concatenate([NAN, EVEN]),
        ("c", "t"): np.concatenate([EVEN, EVEN]),
        ("d", "t"): np.concatenate([EVEN, EVEN]),
    }
    far = dict.fromkeys(made, 0) | {("d", "t"): 1}
    fig = figures.games(np.arange(4), np.ones(4), made, far=far)
    wanted = ["all 2 died", "1 of 2 died", "2 of 2 near the data", "1 of 2 far off"]
    assert titles(fig) == wanted


def test_points_to_notice_carry_their_numbers():
    x = np.array([10.0, 14.0, 18.0])
    stairs = figures.staircase(x, np.exp(-x), np.exp(-x) * [1, 1, 0], np.exp(-x))
    assert "log(1 + t) is 0 beyond 14.0" in words(stairs.axes[0])
    tail = np.log1p(np.exp(-np.abs(X)))
    corner = figures.corner_and_tail(X, np.maximum(-X, 0), tail)
    assert "0.693, the tail's largest" in words(corner.axes[0])
    steps = figures.first_steps([1, 2], {"a": [15.8, 16.8], "right": [1.0, 1.0]})
    assert "a\n15.8, then up to 16.8" in words(steps.axes[0])
    cliff = figures.deaf_from(X, {1e-8: X}, X).axes[0]
    assert math.log(1e-8) in [line.get_xdata()[0] for line in cliff.lines]


def test_both_matrices_show_every_entry():
    fig = figures.two_matrices(torch.tensor([[1.0, 2, 0], [0, 1, 2]]))
    assert [sorted(words(axes)) for axes in fig.axes] == [list("001122")] * 2


# --- Curves of a run ------------------------------------------------------------------


def test_a_runs_curves_name_their_levels_their_players_and_a_norm_of_zero():
    made = Board(torch.zeros(8, 1, 32, 32), columns=4, last_step=60)
    ends = {name: [1.0, 1.0] for name in curves.ROLES} | {"norm_g": [1.0, 0.0]}
    made.draw([10, 20], ends)
    wanted = ({"2 log 2", "log 2", "D", "G"}, {"1/2", "D(x)", "D(G(z))"}, {"D", "G: 0"})
    for axes, names in zip(made.panels, wanted, strict=True):
        assert set(words(axes)) == names and axes.get_xlim() == (0, 60)


@pytest.mark.parametrize(
    ("what", "levels"),
    [("losses", [2 * math.log(2), math.log(2)]), ("answers", [0.5]), ("norms", [])],
)
def test_panels_show_every_run_whole_on_the_same_axes(what, levels):
    runs = {letter: clinic.run(letter) for letter in clinic.CLINIC}
    fig = figures.panels({k: (r.steps, r.curves) for k, r in runs.items()}, what)
    assert titles(fig) == list(runs)
    for axes in fig.axes:
        dotted = [x.get_ydata()[0] for x in axes.lines if x.get_linestyle() == ":"]
        assert dotted == pytest.approx(levels)
        drawn, (low, high) = heights(axes)[: -len(levels) or None], axes.get_ylim()
        assert low <= np.min(drawn) and np.max(drawn) <= high


def test_the_ablation_marks_what_is_worse_with_every_seed():
    def variant(*values):
        return {"says": "x", "seeds": [{"frechet": v} for v in values]}

    table = {"whole": variant(4, 5), "a": variant(6, 9), "b": variant(4, 9)}
    fig = figures.ablation({"variants": table}, "frechet", title="t")
    marks = [line.get_marker() for line in fig.axes[0].lines]
    assert marks == ["^", "D", "^"]  # from below: b, a, whole
