"""Every exercise answers as it should: to right answers, wrong ones and open ones."""

import functools
import inspect
import re
import textwrap
import time

import pytest
import torch

from course_utils.authoring import notebooks, release
from course_utils.exercises import bank, judge
from tests import attack

BANK = bank()
LESSONS = {
    notebooks.number(path): path
    for path in notebooks.find(notebooks.ROOT / "solutions")
}
STUB = re.compile(r"^( *)raise NotImplementedError.*$", re.MULTILINE)
SECONDS = 3  # a check takes milliseconds; machines differ

each_exercise = pytest.mark.parametrize("name", BANK)


# ---------------------------------------------------------------- answers


@each_exercise
def test_right_answers_pass_and_mistakes_are_named_as_themselves(name):
    exercise, wrong = BANK[name], []
    # By default the reference stands for the last verdict: here it is judged itself.
    answers = [("reference", 0, disguised(exercise.reference), ("passed", None))]
    answers += [("right", i, x, ("passed",)) for i, x in enumerate(exercise.accepts())]
    for mistake in exercise.mistakes:
        state = "passed" if mistake.kind == "waste" else "not yet"
        for i, way in enumerate(mistake.ways):
            answers.append((mistake.name, i, way, (state, mistake.name)))
    for kind, i, answer, expected in answers:
        start = time.process_time()  # its own: a busy machine takes none of it
        verdict = judge(answer, name)
        seconds = time.process_time() - start
        got = (verdict.state, verdict.mistake)[: len(expected)]
        if got != expected or seconds > SECONDS:
            wrong.append((kind, i, got, f"{seconds:.1f} s", verdict.message[:200]))
    assert not wrong


def disguised(reference):
    """The same behavior under another identity."""
    if isinstance(reference, type):
        return type(reference.__name__, (reference,), {"__doc__": reference.__doc__})
    return lambda *args, **options: reference(*args, **options)


@each_exercise
def test_what_one_try_writes_into_its_inputs_the_next_does_not_meet(name):
    for make in BANK[name].all_probes.values():
        tries = make(), make()  # both kept: freed memory would be handed out again
        first, second = (set(addresses(given)) for given in tries)
        assert not first & second


def addresses(given):
    """Where the tensors within arguments lie, modules' and closures' included."""
    if isinstance(given, torch.Tensor) and given.numel():
        yield given.untyped_storage().data_ptr()
    elif isinstance(given, torch.nn.Module):
        for tensor in (*given.parameters(), *given.buffers()):
            yield from addresses(tensor)
    elif isinstance(given, (tuple, list)):
        for part in given:
            yield from addresses(part)
    elif getattr(given, "__closure__", None):
        yield from addresses([cell.cell_contents for cell in given.__closure__])


@pytest.mark.parametrize(
    "row", attack.rows("answers"), ids=lambda row: f"{row[0]}: {row[1]}"
)
def test_an_answer_that_no_bank_lists_is_judged_as_well(row):
    attack.check(*row)


# ---------------------------------------------------------------- words


@each_exercise
def test_an_exercise_has_four_mistakes_hints_an_answer_and_praise(name):
    exercise = BANK[name]
    names = [mistake.name for mistake in exercise.mistakes]
    assert len(set(names)) == len(names) >= 4
    assert exercise.hints and exercise.because.strip() and exercise.praise.strip()
    assert all(len(mistake.says.split()) >= 5 for mistake in exercise.mistakes)


# ---------------------------------------------------------------- in the lesson


@functools.cache
def lesson(number):
    """The names that a lesson's setup cell defines, its unsolved exercises by name."""
    path = LESSONS[number]
    unsolved = release.release(notebooks.read(path), name=path.name)
    cells = notebooks.code_cells(unsolved)
    names: dict = {"__name__": "__main__"}
    for cell in cells:
        if "setup" in notebooks.tags(cell):
            exec(cell.source, names)
    names["exercise"] = lambda answer: answer
    return names, {n: c.source for c in cells if (n := release.exercise_name(c))}


def written(name, answer=None):
    """The stub's object, with `answer` in place of its `raise`, or as it is."""
    names, stubs = lesson(BANK[name].lesson)
    source = stubs[name]
    if answer is not None:
        source = filled(source, answer)
    others = [e for e in BANK.values() if e.lesson == BANK[name].lesson]
    names = names | {e.name: e.reference for e in others}  # as the lesson falls back
    exec(source, names)
    return names[name]


def filled(stub: str, answer: str) -> str:
    """The stub with the answer in it, or the answer where it is a whole definition."""
    if re.match(r"(@|def |class )", answer):
        return answer
    assert len(STUB.findall(stub)) == 1, "an answer for one region, or a definition"
    return STUB.sub(lambda match: textwrap.indent(answer, match[1]), stub)


@each_exercise
def test_the_stub_is_open_and_the_answer_on_the_card_passes_in_it(name):
    stub = written(name)
    wanted = list(inspect.signature(BANK[name].reference).parameters)
    assert list(inspect.signature(stub).parameters) == wanted
    assert (stub.__doc__ or "").strip()
    assert judge(stub, name).state == "open"
    verdict = judge(written(name, BANK[name].answer), name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message
