"""Recorded runs are whole; their curves are read in words and tell the clinic apart."""

import json
import math

import pytest
import torch

from course_utils import clinic, data, recordings

NAMES = sorted(clinic.CLINIC.values())


def flat(**levels):
    """Curves that lie still at levels; a healthy run's where none is given."""
    healthy = {"loss_d": 1.1, "loss_g": 1.5, "d_real": 0.7, "d_fake": 0.35}
    values = healthy | {"norm_d": 10.0, "norm_g": 5.0} | levels
    return {name: torch.full((40,), values[name]) for name in recordings.CURVES}


# --- Recordings -----------------------------------------------------------------------


def test_recordings_are_whole_and_small():
    assert len(recordings.names()) == 12
    assert sum(p.stat().st_size for p in recordings.RUNS_DIR.iterdir()) < 5e6
    for name in recordings.names():
        made = recordings.load(name)
        for values in made.curves.values():
            assert values.shape == made.steps.shape and values.isfinite().all()
        assert (made.steps.diff() > 0).all() and (made.sample_steps.diff() > 0).all()
        assert len(made.samples) == len(made.sample_steps)
        assert made.samples.isfinite().all() and made.settings
        for answers in (made.curves["d_real"], made.curves["d_fake"]):
            assert 0 <= answers.min() and answers.max() <= 1
        tail = made.curves["loss_d"][-max(1, round(len(made.steps) / 4)) :]
        assert made.last("loss_d") == tail.mean().item()


def test_unknown_and_broken_recordings_get_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no recording is called 'heathy'.*healthy"):
        recordings.load("heathy")
    with pytest.raises(ValueError, match="A to H, not 'Z'"):
        clinic.run("Z")
    monkeypatch.setattr(recordings, "RUNS_DIR", tmp_path)
    for content in (b"", b"no archive", (data.DATA_DIR / "digits.npz").read_bytes()):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(data.DataError, match="git checkout data/runs/x.npz"):
            recordings.load("x")


# --- The clinic -----------------------------------------------------------------------


def test_the_clinic_has_each_label_once_and_not_in_the_labels_order():
    assert sorted(clinic.CLINIC) == list("ABCDEFGH")
    assert NAMES == list(clinic.LABELS) != list(clinic.CLINIC.values())
    assert clinic.run("C").name == "healthy"
    rounds = {tuple(clinic.run(x).sample_steps.tolist()) for x in clinic.CLINIC}
    assert len(rounds) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_shows_what_the_table_says_and_fits_no_other_label(name):
    curves = recordings.load(name).curves
    found = clinic.signs(curves)
    words = clinic.words(found)
    assert words == clinic.SHOWS[name]
    assert [x for x in NAMES if not clinic.disagreements(words, x)] == [name]
    if name != "healthy":
        assert len(clinic.disagreements(words, "healthy")) >= 2
    hints = clinic.likely(curves)
    assert [fault for fault, _ in hints] == ([] if name == "healthy" else [name])
    assert all("{" not in said and len(said.split()) > 12 for _, said in hints)
    for nudge in (0.01, -0.01):  # no level lies close to a limit of its word
        near = [max(x + nudge, 0) for x in found[:2]]
        near += [min(max(x + nudge, 0), 1) for x in found[2:4]]
        near += [x * (1 + 10 * nudge) for x in found[4:]]
        assert clinic.words(clinic.Signs(*near)) == words


@pytest.mark.parametrize(
    ("curve", "value", "word"),
    [
        ("loss_d", 0.0, "at 0"),
        ("loss_d", 0.5, "between 0 and 2 log 2"),
        ("loss_d", 2 * math.log(2), "at 2 log 2"),
        ("loss_d", 3.0, "above 2 log 2"),
        ("loss_g", math.log(2), "at log 2"),
        ("d_real", 0.99, "at 1"),
        ("d_real", 0.7, "above 1/2"),
        ("d_fake", 0.5, "at 1/2"),
        ("d_fake", 0.3, "below 1/2"),
        ("d_fake", 0.01, "at 0"),
        ("norm_g", 0.0, "0"),
        ("norm_g", 1e-5, "nearly 0"),
        ("norm_g", 0.1, "alive"),
    ],
)
def test_a_level_is_said_as_one_would_say_it(curve, value, word):
    curves = flat(**{curve: value})
    curves[curve][:30] = 9.0  # only the last quarter counts
    lists = {name: values.tolist() for name, values in curves.items()}
    assert clinic.words(clinic.signs(lists))[curve] == word


@pytest.mark.parametrize("broken", [{}, {"loss_d": [1.0]}, flat() | {"norm_g": []}])
def test_a_missing_curve_is_named(broken):
    with pytest.raises(ValueError, match="norm_g"):
        clinic.signs(broken)


def test_two_labels_are_told_apart_without_naming_the_right_one():
    for said in NAMES:
        for actual in set(NAMES) - {said}:
            sentence = clinic.told_apart(said, actual, here="here")
            assert sentence.startswith("Then ") and "; here it " in sentence
            assert actual not in sentence
    with pytest.raises(ValueError, match="look alike"):
        clinic.told_apart("weak", "weak", here="here")


# --- Rankings -------------------------------------------------------------------------


def test_rank_correlation_by_hand_and_by_scipy():
    assert clinic.rank_correlation([1, 2, 3], [9, 5, 1]) == -1
    # Ranks 0.5 0.5 2 against 0 1 2: 1.5 / sqrt(1.5 * 2).
    ties = clinic.rank_correlation([4, 4, 9], [1, 2, 3])
    assert ties == pytest.approx(1.5 / math.sqrt(3))
    assert math.isnan(clinic.rank_correlation([1, 1, 1], [1, 2, 3]))
    stats, generator = pytest.importorskip("scipy.stats"), data.rng(3)
    for _ in range(10):
        a, b = torch.randint(0, 6, (2, 9), generator=generator).double()
        wanted = stats.spearmanr(a, b).statistic
        assert clinic.rank_correlation(a, b) == pytest.approx(wanted)


def test_the_interval_holds_the_correlation_and_narrows_with_more_things():
    generator, widths = data.rng(4), []
    for n in (12, 100):
        a = torch.randn(n, generator=generator)
        b = a + 0.5 * torch.randn(n, generator=generator)
        low, high = clinic.chance_interval(a, b, data.rng(0))
        assert low <= clinic.rank_correlation(a, b) <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_the_panel_holds_ten_runs_their_numbers_and_their_places(tmp_path, monkeypatch):
    panel = clinic.panel()
    assert len(panel.samples) == len(set(panel.names)) == len(panel.numbers) == 10
    assert panel.samples.min() >= -1 and panel.samples.max() <= 1
    assert sorted(panel.places) == list(range(1, 11))
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    with pytest.raises(data.DataError, match="eye_ranking"):
        clinic.panel()


# --- What ships with lesson 8 is what data/make says ----------------------------------


def test_what_ships_is_what_the_scripts_would_make():
    from course_utils.runs import trainer
    from data.make import ablation, classifiers, digits
    from data.make import panel as rank_panel
    from data.make import recordings as record_runs

    assert recordings.names() == sorted([*record_runs.RUNS, "ring"])
    for name, (settings, *_) in record_runs.RUNS.items():
        made = recordings.load(name).settings
        made.pop("step")
        assert trainer.Settings(**made) == settings
    assert set(clinic.panel().names) == set(rank_panel.RUNS)
    table = json.loads(ablation.TARGET.read_text(encoding="utf-8"))
    says = {name: row["says"] for name, row in table["variants"].items()}
    assert says == {name: v.says for name, v in ablation.VARIANTS.items()}
    assert all(len(row["seeds"]) == 3 for row in table["variants"].values())
    assert table["rounds"] == ablation.ROUNDS
    for name in classifiers.EPOCHS:  # the same bytes from the same weights
        path = data.DATA_DIR / f"classifier_{name}.npz"
        weights = classifiers.classifier.load(name)
        assert classifiers.weight_bytes(weights) == path.read_bytes()
    pytest.importorskip("sklearn")
    made = digits.npz_bytes(digits.digits())
    assert made == (data.DATA_DIR / "digits.npz").read_bytes()
