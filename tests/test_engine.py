"""The exercise engine: what it says to right, wrong, and hostile answers."""

import functools
import itertools
import math
import random
import signal
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils.exercises import card, comparing, engine, judge, observers
from course_utils.exercises.engine import Exercise, Mistake


def reference(logits):
    return F.softplus(-logits).mean()


def logits(*values):
    return lambda: (torch.tensor(values),)


TOY = Exercise(
    name="toy_loss",
    lesson=99,
    reference=reference,
    observe=observers.value_and_slope,
    probes={
        "logit 0": logits(0.0),
        "logits (-5, 4, 3)": logits(-5.0, 4.0, 3.0),
        "the same twice": logits(-5.0, 4.0, 3.0, -5.0, 4.0, 3.0),
    },
    later={"logit -120": logits(-120.0)},
    mistakes=[
        Mistake("naive", lambda s: -torch.log(torch.sigmoid(s)).mean(), "Log of 0."),
        Mistake("minimax", lambda s: -F.softplus(s).mean(), "The minimax loss."),
        Mistake("sum", lambda s: F.softplus(-s).sum(), "Sum in place of mean."),
        Mistake(
            "half", lambda s: F.softplus(-s).mean() / 2, "Half.", kind="convention"
        ),
        Mistake(
            "logits fed to BCELoss",
            lambda s: F.binary_cross_entropy(s, torch.ones_like(s)),
            "These are logits.",
        ),
    ],
    hints=["First?", "Second?"],
    answer="return F.softplus(-logits).mean()",
    because="softplus(-l) = -log sigmoid(l).",
    praise="Well kept.",
)


@pytest.fixture(autouse=True)
def toy_exercise():
    engine.register(TOY)
    yield TOY
    engine._BANK.pop(TOY.name)
    engine._LAST.pop(TOY.name, None)


def toy(answer):
    return judge(answer, "toy_loss")


# ------------------------------------------------------------------ the four states


def test_right_answer_passes_with_its_reward():
    verdict = toy(lambda s: -F.logsigmoid(s).mean())
    assert (verdict.state, verdict.mistake) == ("passed", None)
    assert verdict.message == "Well kept."
    assert verdict.probes == 4


def test_stub_is_open():
    def toy_loss(logits):
        raise NotImplementedError

    assert judge(toy_loss).state == "open"


@pytest.mark.parametrize("mistake", TOY.mistakes, ids=lambda m: m.name)
def test_listed_mistake_is_named(mistake):
    verdict = toy(mistake.wrong)
    assert (verdict.state, verdict.mistake) == ("not yet", mistake.name)
    assert verdict.message == mistake.says


def test_unlisted_mistake_shows_smallest_probe_and_does_not_guess():
    verdict = toy(lambda s: F.softplus(-s).median())
    assert (verdict.state, verdict.mistake) == ("not yet", None)
    assert "Probe: logits (-5, 4, 3)" in verdict.message
    assert "yours : 0.0485" in verdict.message
    assert "wanted: 1.691" in verdict.message


def test_one_factor_is_said_where_it_explains_everything():
    assert "Everywhere 3 times" in toy(lambda s: 3 * F.softplus(-s).mean()).message


def test_later_tier_names_a_mistake_of_floating_point():
    # Overflow and underflow fail alike here: inf in value, no slope.
    assert toy(lambda s: torch.log(1 + torch.exp(-s)).mean()).mistake == "naive"


def test_later_tier_shows_its_probe_where_nothing_listed_fits():
    verdict = toy(lambda s: F.softplus(-s.clamp(min=-60)).mean())
    assert (verdict.state, verdict.mistake) == ("not yet", None)
    assert "Probe: logit -120" in verdict.message


def test_unknown_exercise_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'toy_loss'"):
        judge(reference, "toy_lose")


# ----------------------------------------------------------- what gets a sentence

SENTENCES = {
    "returns nothing": (lambda s: None, "not yet", "Is there a `return`?"),
    "a list": (lambda s: [1.0], "not yet", "a tuple or list"),
    "a Python float": (lambda s: 0.7, "not yet", "a Python float"),
    "an item": (lambda s: F.softplus(-s).mean().item(), "not yet", ".item()"),
    "NumPy": (lambda s: np.float32(0.7), "not yet", "NumPy"),
    "wrong shape": (
        lambda s: F.softplus(-s).mean(0, keepdim=True),
        "not yet",
        "The shape is (1,); wanted is ()",
    ),
    "float64": (lambda s: F.softplus(-s.double()).mean(), "not yet", "float64"),
    "NaN": (lambda s: s.mean() * float("nan"), "not yet", "There is NaN"),
    "detached": (lambda s: F.softplus(-s).mean().detach(), "not yet", "cut off"),
    "an exception": (lambda s: F.softplus(-s).mean(dim=3), "error", "IndexError"),
    "bad shapes": (lambda s: torch.ones(2, 3) @ s, "error", "Two shapes do not fit"),
    "no such name": (lambda s: fake.mean(), "error", "`fake` has no value"),  # noqa: F821
    "a power written as ^": (lambda s: (s ^ 2).mean(), "error", "a power is `**`"),
    "exit": (lambda s: exit(), "error", "close the notebook"),
    "an exhausted iterator": (lambda s: next(iter([])), "error", "StopIteration"),
    "a sparse tensor": (lambda s: s.to_sparse(), "not yet", "The shape is (1,)"),
    "values and places": (lambda s: s.max(0), "not yet", "`.values`"),
    "shapes of the call": (lambda s: s[5], "error", "called with: logits (1,)"),
    "too few arguments": (lambda: 1, "error", "the arguments of the stub"),
    "a generator": (lambda s: (x for x in s), "not yet", "yields"),
    "a class": (torch.nn.BCEWithLogitsLoss, "not yet", "A function is wanted"),
    "a number": (3, "not yet", "of type int"),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_odd_answer_gets_a_sentence(case):
    answer, state, words = SENTENCES[case]
    verdict = toy(answer)
    assert (verdict.state, verdict.mistake) == (state, None)
    assert words in verdict.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: (1.38629, None), "Result 2 of 2 is None."),
        (lambda: ("1.38629", "0.69315"), "yours is text"),
        (lambda: [1.38629], "2 results are wanted; yours are 1."),
        (lambda: 1.38629, "2 results are wanted, in this order"),
    ],
)
def test_one_of_two_results_that_is_odd_gets_a_sentence(answer, words):
    assert words in judge(answer, "equilibrium_losses").message


def test_in_place_change_is_told():
    def in_place(s):
        return F.softplus(s.neg_()).mean()

    message = toy(in_place).message
    assert "changed in place" in message


def test_an_input_changed_in_place_fails_where_no_gradient_is_asked():
    def in_place(x):
        x += 1
        x /= 2
        return x

    assert judge(in_place, "to_unit_range").mistake == "changed in place"


def test_global_random_state_may_not_move_and_is_restored():
    before = torch.get_rng_state(), random.getstate()

    def draws(s):
        torch.rand(3)
        random.random()
        return F.softplus(-s).mean()

    assert "random state moves" in toy(draws).message
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()

    def seeds(s):
        torch.manual_seed(0)
        return F.softplus(-s).mean()

    assert "random state moves" in toy(seeds).message


def test_modes_that_an_answer_sets_do_not_leak():
    threads = torch.get_num_threads()

    def sets_modes(s):
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(1)
        return F.softplus(-s).mean()

    assert toy(sets_modes).state == "not yet"
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_num_threads() == threads


def test_printing_is_captured_and_shown_once(capsys):
    def prints(s):
        print("shape", s.shape)
        return F.softplus(-s).mean()

    verdict = toy(prints)
    assert verdict.state == "passed"
    assert capsys.readouterr().out == ""
    assert repr(card.Card(verdict)).count("shape torch.Size([1])") == 1


def test_notebook_globals_are_pointed_out():
    assert "`PROBABILITY` from the notebook" in toy(reads_global).message


PROBABILITY = torch.tensor([0.3, 0.6])


def reads_global(s):
    return -torch.log(PROBABILITY).mean()


def test_line_of_the_error_is_told_without_a_path():
    def breaks(s):
        t = s * 2
        return t.no_such_method()

    message = toy(breaks).message
    assert "of your cell: return t.no_such_method()" in message
    assert "/" not in message


def test_async_functions_get_a_sentence(recwarn):
    async def waits(s):
        return s

    assert "Leave out `async`" in toy(waits).message
    assert not recwarn.list


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_right_answers_pass_whatever_the_notebooks_defaults(device):
    engine._RUNS.clear()
    torch.set_default_dtype(torch.float64)
    torch.set_default_device(device)
    try:
        verdict = toy(lambda s: torch.logaddexp(torch.zeros(()), -s).mean())
        assert verdict.state == "passed"
        assert torch.get_default_dtype() == torch.float64
        assert torch.get_default_device().type == device
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


# ------------------------------------------------------------------ time and recursion


def test_time_limit_holds_where_the_shell_ignores_interrupts(monkeypatch):
    # A process started in a shell's background inherits a deaf ear for Ctrl-C.
    monkeypatch.setitem(
        engine._BANK, "toy_loss", engine.replace(TOY, seconds=0.3)
    )
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        verdict = toy(lambda s: sum(0 for _ in itertools.count()))
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, heard)
    assert "still running after 0.3 seconds" in verdict.message


def test_endless_loop_ends_in_time(monkeypatch):
    monkeypatch.setitem(
        engine._BANK, "toy_loss", engine.replace(TOY, seconds=0.3)
    )

    def loops(s):
        while True:
            pass

    start = time.monotonic()
    verdict = toy(loops)
    assert time.monotonic() - start < 10  # and a busy machine, too
    assert "still running after 0.3 seconds" in verdict.message


def test_bare_except_that_swallows_the_interrupt_is_still_too_slow(monkeypatch):
    monkeypatch.setitem(
        engine._BANK, "toy_loss", engine.replace(TOY, seconds=0.2)
    )

    def swallows(s):
        try:
            time.sleep(30)
        except BaseException:
            pass
        return F.softplus(-s).mean()

    start = time.monotonic()
    assert "TooSlow" in toy(swallows).message
    assert time.monotonic() - start < 20


def test_a_busy_machine_takes_no_time_from_an_answer(monkeypatch):
    monkeypatch.setitem(
        engine._BANK, "toy_loss", engine.replace(TOY, seconds=0.3)
    )

    def starved(s):  # the first time it takes 0.6 s, and works for none of them
        if naps:
            time.sleep(naps.pop())
        return F.softplus(-s).mean()

    naps = [0.6]
    assert toy(starved).state == "passed"
    assert not naps


def test_the_learners_own_stop_passes_through():
    def stops(s):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toy(stops)


def toy_loss(s):
    return toy_loss(s)


def test_recursion_is_the_learners_own_not_the_courses():
    assert "calls itself" in judge(toy_loss).message


def test_name_of_the_answer_is_bound_only_while_it_is_judged():
    before = toy_loss

    def other(s):
        return toy_loss(s)

    toy(other)
    assert toy_loss is before


# ------------------------------------------------------------------ re-running


def test_the_courses_object_is_never_judged_as_the_learners():
    assert toy(reference).state == "open"
    toy(lambda s: -F.softplus(s).mean())
    assert toy(reference).mistake == "minimax"


def test_a_wrapped_reference_is_judged_as_the_learners():
    assert toy(functools.wraps(reference)(lambda s: s.sum())).state == "not yet"


def test_decorator_hands_back_the_learners_object_or_the_courses(capsys):
    def toy_loss(s):
        return -F.logsigmoid(s).mean()

    assert card.exercise(toy_loss) is toy_loss
    assert "exercise toy_loss: passed" in capsys.readouterr().out

    def wrong(s):
        return s.mean()

    wrong.__name__ = "toy_loss"
    assert card.exercise(wrong) is reference
    assert "not yet" in capsys.readouterr().out


def test_require_raises_unless_passed():
    toy(lambda s: -F.logsigmoid(s).mean()).require()
    toy(lambda s: s.mean())
    with pytest.raises(engine.NotPassed, match="not yet"):
        toy(reference).require()  # what a failed exercise cell leaves in the notebook


# ------------------------------------------------------------------ the card


def test_card_has_text_html_and_record():
    data = card.Card(toy(lambda s: -F.softplus(s).mean()))._repr_mimebundle_()
    assert data["text/plain"].splitlines()[0] == "exercise toy_loss: not yet"
    assert data[card.MIME] == {
        "exercise": "toy_loss",
        "state": "not yet",
        "mistake": "minimax",
        "probes": 4,
    }
    inside = data["text/html"]
    assert inside.index("Hint 1") < inside.index("Hint 2") < inside.index("answer")
    assert "Second?" not in data["text/plain"]


def test_answers_can_be_hidden_for_graded_classes(monkeypatch):
    monkeypatch.setenv(card.HIDE_ANSWERS, "1")
    failed = card.Card(toy(lambda s: s.mean()))._html()
    passed = card.Card(toy(lambda s: -F.logsigmoid(s).mean()))._html()
    assert "Second?" in failed
    assert "softplus(-logits)" not in failed + passed


def test_card_escapes_what_the_learner_printed():
    def prints(s):
        print("<script>alert(1)</script>")
        return s.mean()

    assert "<script>" not in card.Card(toy(prints))._html()


def test_table_counts_the_states():
    toy(lambda s: -F.logsigmoid(s).mean())
    assert repr(card.table(99)) == "toy_loss  passed\n1 exercise: 1 passed"


@pytest.mark.parametrize(
    ("value", "real", "whole"),
    [
        (3, 3, 3),
        (np.array(3), 3, 3),
        (torch.tensor(3), 3, 3),
        (np.float32(0.5), 0.5, None),
        (np.where(True, 0.5, 0.0), 0.5, None),
        (torch.tensor(0.5), 0.5, None),
        (np.array([3]), None, None),
        (torch.tensor([3]), None, None),
        (True, None, None),
        (np.array(True), None, None),
        ("3", None, None),
    ],
)
def test_a_number_is_one_in_whatever_library(value, real, whole):
    assert comparing.as_number(value, whole=False) == real
    assert comparing.as_number(value, whole=True) == whole


@pytest.mark.parametrize("elementwise", [True, False])
@pytest.mark.parametrize(
    ("got", "want", "same"),
    [
        ([math.nan, 1.0], [1.0, 1.0], False),
        ([math.inf, 1.0], [1.0, 1.0], False),
        ([1.0, 1.0], [math.nan, 1.0], False),
        ([math.inf, 1.0], [-math.inf, 1.0], False),
        ([math.nan, 2.0], [math.nan, 1.0], False),
        ([math.nan, math.inf, 1.001], [math.nan, math.inf, 1.0], True),
        ([math.inf], [math.inf], True),
        ([], [], True),
    ],
)
def test_nan_and_inf_equal_their_like_alone(got, want, same, elementwise):
    got, want = torch.tensor(got), torch.tensor(want)
    how = {"rtol": 1e-2, "atol": 1e-6, "elementwise": elementwise}
    assert comparing.close(got, want, **how) is same
