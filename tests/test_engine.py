"""The exercise engine: what it says to right, wrong, and odd answers."""

import functools
import itertools
import math
import random
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils.exercises import card, comparing, engine, judge, observers
from course_utils.exercises.text import entry


def logits(*values):
    return lambda: (torch.tensor(values),)


TOY = entry(
    """
    toy_loss(logits)
        return F.softplus(-logits).mean()

    because: softplus(-l) = -log sigmoid(l).
    praise: Well kept.
    edge: Right, but not for large logits: is there a clamp?
    hint: First?
    hint: Second?

    * naive: Log of 0.
        F.softplus(-logits) -> -torch.log(torch.sigmoid(logits))
    * minimax: The minimax loss.
        F.softplus(-logits) -> -F.softplus(logits)
    * sum: Sum in place of mean.
        .mean() -> .sum()
    ~ half: Half of it.
        .mean() -> .mean() / 2
    * logits fed to BCELoss: These are logits.
        return F.binary_cross_entropy(logits, torch.ones_like(logits))
    * log of the mean: Log of the mean.
        return -torch.log(torch.sigmoid(logits).mean())
    """,
    names={"torch": torch, "F": F},
    lesson=99,
    observe=observers.value_and_slope,
    probes={
        "logit 0": logits(0.0),
        "logits (-5, 4, 3)": logits(-5.0, 4.0, 3.0),
        "the same twice": logits(-5.0, 4.0, 3.0, -5.0, 4.0, 3.0),
    },
    later={"logit -120": logits(-120.0)},
    edge={"logit -1e6": logits(-1e6)},
)
reference = TOY.reference
engine._BANK.pop("toy_loss")


@pytest.fixture(autouse=True)
def toy_exercise():
    engine.register(TOY)
    yield
    engine._BANK.pop(TOY.name)
    engine._LAST.pop(TOY.name, None)


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setitem(engine._BANK, "toy_loss", replace(TOY, seconds=0.3))


def toy(answer):
    return judge(answer, "toy_loss")


def right(s):
    return -F.logsigmoid(s).mean()


# ------------------------------------------------------------------ the four states


def test_right_answer_passes_with_its_reward():
    verdict = toy(right)
    assert (verdict.state, verdict.message) == ("passed", "Well kept.")
    assert verdict.probes == 5


def test_stub_is_open():
    def toy_loss(logits):
        raise NotImplementedError

    assert judge(toy_loss).state == "open"


@pytest.mark.parametrize("name", ["naive", "minimax", "sum", "half", "log of the mean"])
def test_listed_mistake_is_named(name):
    mistake = next(m for m in TOY.mistakes if m.name == name)
    verdict = toy(mistake.ways[0])
    assert (verdict.state, verdict.mistake) == ("not yet", name)
    assert verdict.message == mistake.says


def test_a_mistake_that_ends_in_an_exception_shows_the_learners_line_too():
    verdict = toy(lambda s: F.binary_cross_entropy(s, torch.ones_like(s)))
    assert verdict.mistake == "logits fed to BCELoss"
    assert "These are logits." in verdict.message and "of your cell" in verdict.message


def test_unlisted_mistake_shows_smallest_probe_and_does_not_guess():
    verdict = toy(lambda s: F.softplus(-s).median())
    assert (verdict.state, verdict.mistake) == ("not yet", None)
    for words in ("Probe: logits (-5, 4, 3)", "yours : 0.0485", "wanted: 1.691"):
        assert words in verdict.message


def test_one_factor_is_said_where_it_explains_everything():
    assert "Everywhere 3 times" in toy(lambda s: 3 * F.softplus(-s).mean()).message


def test_later_tier_names_a_mistake_of_floating_point():
    # Overflow and underflow fail alike here: inf in value, no slope.
    assert toy(lambda s: torch.log(1 + torch.exp(-s)).mean()).mistake == "naive"


def test_what_is_wrong_at_the_edge_alone_is_told_so_with_its_numbers():
    verdict = toy(lambda s: F.softplus(-s.clamp(min=-1e5)).mean())
    assert (verdict.state, verdict.mistake) == ("not yet", engine.AT_THE_EDGE)
    assert verdict.message.startswith("Right, but not for large logits")
    assert "Probe: logit -1e6" in verdict.message


def test_what_is_wrong_in_a_later_tier_is_not_called_an_edge():
    verdict = toy(lambda s: F.softplus(-s.clamp(min=-60)).mean())
    assert (verdict.state, verdict.mistake) == ("not yet", None)


def test_an_exception_that_two_mistakes_end_in_names_neither(monkeypatch):
    breaks = replace(TOY.mistakes[0], make_ways=lambda: [lambda s: 1 / 0])
    both = [replace(breaks, name="one"), replace(breaks, name="other")]
    monkeypatch.setitem(engine._BANK, "toy_loss", replace(TOY, mistakes=both))
    verdict = toy(lambda s: 2 / 0)
    assert (verdict.state, verdict.mistake) == ("error", None)
    monkeypatch.setitem(engine._BANK, "toy_loss", replace(TOY, mistakes=both[:1]))
    assert toy(lambda s: 2 / 0).mistake == "one"


def test_unknown_exercise_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'toy_loss'"):
        judge(right, "toy_lose")


# ----------------------------------------------------------- what gets a sentence

SENTENCES = {
    "returns nothing": (lambda s: None, "not yet", "Is there a `return`?"),
    "a list": (lambda s: [1.0], "not yet", "a tuple or list"),
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
    "in place": (lambda s: F.softplus(s.neg_()).mean(), "error", "changed in place"),
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


def test_global_random_state_may_not_move_and_is_restored():
    before = torch.get_rng_state(), random.getstate()

    def draws(s):
        torch.rand(3)
        random.random()
        return right(s)

    def seeds(s):
        torch.manual_seed(0)
        return right(s)

    assert "random state moves" in toy(draws).message
    assert "random state moves" in toy(seeds).message
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()


def test_modes_that_an_answer_sets_do_not_leak():
    threads = torch.get_num_threads()

    def sets_modes(s):
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(1)
        return right(s)

    assert toy(sets_modes).state == "not yet"
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_right_answers_pass_whatever_the_notebooks_defaults(device):
    engine._KNOWN.clear()
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


def test_printing_is_captured_and_shown_once(capsys):
    def prints(s):
        print("shape", s.shape)
        return right(s)

    verdict = toy(prints)
    assert verdict.state == "passed" and capsys.readouterr().out == ""
    assert repr(card.Card(verdict)).count("shape torch.Size([1])") == 1


full = PROBABILITY = torch.tensor([0.3, 0.6])  # `full` is a method's name, too


def test_what_is_read_from_the_notebook_is_pointed_out_and_nothing_else():
    assert "`PROBABILITY` from the notebook" in toy(reads_global).message
    assert "from the notebook" not in toy(uses_a_method_of_that_name).message


def reads_global(s):
    return -torch.log(PROBABILITY).mean()


def uses_a_method_of_that_name(s):
    return torch.full((2,), 0.5).mean() + 0 * s.sum()


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


# ------------------------------------------------------------------ time and recursion


@pytest.mark.parametrize("ignored", [False, True])
def test_endless_loop_ends_in_time_even_where_the_shell_ignores_interrupts(
    hurried, ignored
):
    handler = signal.getsignal(signal.SIGINT)
    if ignored:  # as in whatever a shell started in its background
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = time.monotonic()
    try:
        verdict = toy(lambda s: sum(0 for _ in itertools.count()))
        assert signal.getsignal(signal.SIGINT) == (
            signal.SIG_IGN if ignored else handler
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    assert time.monotonic() - start < 10
    assert "still running after 0.3 seconds" in verdict.message


def test_bare_except_that_swallows_the_interrupt_is_still_too_slow(hurried):
    def swallows(s):
        try:
            time.sleep(30)
        except BaseException:
            pass
        return right(s)

    start = time.monotonic()
    assert "TooSlow" in toy(swallows).message
    assert time.monotonic() - start < 20


def test_a_busy_machine_takes_no_time_from_an_answer(hurried):
    naps = [0.6]

    def starved(s):  # the first time it takes 0.6 s, and works for none of them
        if naps:
            time.sleep(naps.pop())
        return right(s)

    assert toy(starved).state == "passed" and not naps


def test_the_learners_own_stop_passes_through():
    def stops(s):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toy(stops)


def toy_loss(s):
    return toy_loss(s)


def test_recursion_is_the_learners_own_not_the_courses():
    before = toy_loss
    assert "calls itself" in judge(toy_loss).message
    toy(lambda s: toy_loss(s))
    assert toy_loss is before  # its name was bound only while it was judged


# ------------------------------------------------------------------ re-running


def test_the_courses_object_is_never_judged_as_the_learners():
    assert toy(reference).state == "open"
    toy(lambda s: -F.softplus(s).mean())
    assert toy(reference).mistake == "minimax"
    assert toy(functools.wraps(reference)(lambda s: s.sum())).state == "not yet"


def test_decorator_hands_back_the_learners_object_or_the_courses(capsys):
    def toy_loss(s):
        return right(s)

    assert card.exercise(toy_loss) is toy_loss
    assert "exercise toy_loss: passed" in capsys.readouterr().out

    def wrong(s):
        return s.mean()

    wrong.__name__ = "toy_loss"
    assert card.exercise(wrong) is reference
    assert "not yet" in capsys.readouterr().out


def test_require_raises_unless_passed():
    toy(right).require()
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
        "probes": 5,
    }
    inside = data["text/html"]
    assert inside.index("Hint 1") < inside.index("Hint 2") < inside.index("answer")
    assert "Second?" not in data["text/plain"]


def test_answers_can_be_hidden_for_graded_classes(monkeypatch):
    monkeypatch.setenv(card.HIDE_ANSWERS, "1")
    failed, passed = (card.Card(toy(x))._html() for x in (lambda s: s.mean(), right))
    assert "Second?" in failed
    assert "softplus(-logits)" not in failed + passed


def test_card_escapes_what_the_learner_printed():
    def prints(s):
        print("<script>alert(1)</script>")
        return s.mean()

    assert "<script>" not in card.Card(toy(prints))._html()


def test_table_counts_the_states():
    toy(right)
    assert repr(card.table(99)) == "toy_loss  passed\n1 exercise: 1 passed"


# ------------------------------------------------------------------ comparing


@pytest.mark.parametrize(
    ("value", "real", "whole"),
    [
        (3, 3, 3),
        (np.array(3), 3, 3),
        (torch.tensor(3), 3, 3),
        (np.float32(0.5), 0.5, None),
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


def test_a_small_number_beside_a_large_one_counts_elementwise_alone():
    got, want = torch.tensor([1e4, 0.02]), torch.tensor([1e4, 0.01])
    assert comparing.close(got, want, rtol=1e-5, atol=0)
    assert not comparing.close(got, want, rtol=1e-5, atol=0, elementwise=True)
