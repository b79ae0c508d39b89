"""Reading curves: levels in words, the clinic told apart, rankings, and hints."""

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


def faults(curves, samples=None):
    return [fault for fault, _ in clinic.likely(curves, samples)]


# ---------------------------------------------------------------- the clinic


def test_the_clinic_has_each_label_once_and_not_in_the_labels_order():
    assert sorted(clinic.CLINIC) == list("ABCDEFGH")
    assert NAMES == list(clinic.LABELS)
    assert list(clinic.CLINIC.values()) != NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_shows_what_the_table_says_and_fits_no_other_label(name):
    found = clinic.words(clinic.signs(recordings.load(name).curves))
    assert found == clinic.SHOWS[name]
    fitting = [x for x in clinic.LABELS if not clinic.disagreements(found, x)]
    assert fitting == [name]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"healthy"}))
def test_each_fault_is_told_from_the_healthy_run_by_two_curves_at_least(name):
    found = clinic.words(clinic.signs(recordings.load(name).curves))
    assert len(clinic.disagreements(found, "healthy")) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_the_hints_for_a_recording_begin_with_its_fault(name):
    run = recordings.load(name)
    found = faults(run.curves, run.samples)
    assert found[:1] == ([] if name == "healthy" else [name])


def test_no_level_of_the_clinic_lies_close_to_a_limit_of_its_word():
    for name in NAMES:
        found = clinic.signs(recordings.load(name).curves)
        word = clinic.words(found)
        for nudge in (0.01, -0.01):
            moved = found._replace(
                loss_d=max(found.loss_d + nudge, 0),
                loss_g=max(found.loss_g + nudge, 0),
                d_real=min(max(found.d_real + nudge, 0), 1),
                d_fake=min(max(found.d_fake + nudge, 0), 1),
                norm_d=found.norm_d * (1 + 10 * nudge),
                norm_g=found.norm_g * (1 + 10 * nudge),
            )
            assert clinic.words(moved) == word, name


def test_a_letter_gives_its_recording_and_another_one_an_error():
    assert clinic.run("C").name == "healthy"
    with pytest.raises(ValueError, match="A to H, not 'Z'"):
        clinic.run("Z")


# ---------------------------------------------------------------- signs and words


def test_signs_are_means_over_the_last_quarter():
    curves = flat()
    curves["loss_d"] = torch.cat([torch.full((30,), 9.0), torch.full((10,), 2.0)])
    assert clinic.signs(curves).loss_d == 2.0


def test_the_rise_of_g_s_loss_is_that_over_the_last_half():
    curves = flat()
    curves["loss_g"] = torch.arange(40.0)
    found = clinic.signs(curves)
    assert found.loss_g == 34.5 and found.rise == 34.5 - 22


def test_lists_do_as_well_as_tensors():
    lists = {name: curve.tolist() for name, curve in flat().items()}
    assert clinic.signs(lists) == pytest.approx(clinic.signs(flat()))


@pytest.mark.parametrize("broken", [{}, {"loss_d": [1.0]}, flat() | {"norm_g": []}])
def test_a_missing_curve_is_named(broken):
    with pytest.raises(ValueError, match="norm_g"):
        clinic.signs(broken)


@pytest.mark.parametrize(
    ("curve", "value", "word"),
    [
        ("loss_d", 0.0, "at 0"),
        ("loss_d", 0.5, "between 0 and 2 log 2"),
        ("loss_d", 2 * math.log(2), "at 2 log 2"),
        ("loss_d", 3.0, "above 2 log 2"),
        ("loss_g", math.log(2), "at log 2"),
        ("loss_g", 0.3, "between 0 and log 2"),
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
    found = clinic.signs(flat(**{curve: value}))
    assert clinic.words(found)[curve] == word


# ---------------------------------------------------------------- hints for any run


def test_a_healthy_looking_run_gets_no_hint():
    moving = torch.randn(4, 6, 1, 8, 8, generator=data.rng(0))
    assert clinic.likely(flat()) == [] == clinic.likely(flat(), moving)


def test_samples_that_never_move_are_a_hint_whatever_the_curves_say():
    still = torch.randn(1, 6, 1, 8, 8, generator=data.rng(0)).expand(4, -1, -1, -1, -1)
    assert faults(flat(), still) == ["detach"]


def test_samples_that_are_all_alike_are_a_hint():
    alike = torch.randn(4, 1, 1, 8, 8, generator=data.rng(0)).expand(-1, 6, -1, -1, -1)
    assert faults(flat(), alike) == ["collapse"]


def test_a_hint_is_not_given_twice():
    run = recordings.load("detach")
    assert faults(run.curves, run.samples).count("detach") == 1


def test_every_fault_has_a_sentence_with_its_numbers_filled_in():
    assert set(clinic.SENTENCES) == set(clinic.LABELS) - {"healthy"}
    for name in clinic.SENTENCES:
        (_, sentence), *_ = clinic.likely(recordings.load(name).curves)
        assert "{" not in sentence and len(sentence.split()) > 12


def test_one_picture_of_samples_says_nothing():
    assert clinic.likely(flat(), torch.zeros(1, 6, 1, 8, 8)) == []


# ---------------------------------------------------------------- told apart


@pytest.mark.parametrize("actual", NAMES)
@pytest.mark.parametrize("said", NAMES)
def test_two_labels_are_told_apart_without_naming_the_right_one(said, actual):
    if said == actual:
        with pytest.raises(ValueError, match="look alike"):
            clinic.told_apart(said, actual, here="here")
        return
    sentence = clinic.told_apart(said, actual, here="here")
    assert sentence.startswith("Then ") and "; here it " in sentence
    assert actual not in sentence


# ---------------------------------------------------------------- rankings


def test_rank_correlation_by_hand_with_ties():
    assert clinic.rank_correlation([1, 2, 3], [9, 5, 1]) == -1
    # ranks 0.5 0.5 2 against 0 1 2: 1.5 / sqrt(1.5 * 2)
    assert clinic.rank_correlation([4, 4, 9], [1, 2, 3]) == pytest.approx(
        1.5 / math.sqrt(3)
    )


def test_rank_correlation_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    generator = data.rng(3)
    for _ in range(20):
        a, b = torch.randint(0, 6, (2, 9), generator=generator).double()
        wanted = stats.spearmanr(a, b).statistic
        assert clinic.rank_correlation(a, b) == pytest.approx(wanted)


def test_equal_values_have_no_rank_correlation():
    assert math.isnan(clinic.rank_correlation([1, 1, 1], [1, 2, 3]))


def test_the_interval_holds_the_correlation_and_narrows_with_more_things():
    generator = data.rng(4)

    def width(n):
        a = torch.randn(n, generator=generator)
        b = a + 0.5 * torch.randn(n, generator=generator)
        low, high = clinic.chance_interval(a, b, data.rng(0))
        assert low <= clinic.rank_correlation(a, b) <= high
        return high - low

    assert width(100) < width(12) / 2


# ---------------------------------------------------------------- the panel


def test_the_panel_holds_ten_runs_their_numbers_and_their_places():
    panel = clinic.panel()
    assert panel.samples.shape[0] == len(panel.names) == len(panel.numbers) == 10
    assert panel.samples.min() >= -1 and panel.samples.max() <= 1
    assert sorted(panel.places) == list(range(1, 11))
    assert len(set(panel.names)) == 10


def test_the_panel_s_runs_are_those_of_its_script():
    from data.make import panel as rank_panel

    assert set(clinic.panel().names) == set(rank_panel.RUNS)


def test_a_missing_ranking_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    with pytest.raises(data.DataError, match="eye_ranking"):
        clinic.panel()
