"""Every exercise answers as it should: to right answers, wrong ones and open ones."""

import functools
import inspect
import re
import textwrap
import time

import pytest
import torch

from course_utils.authoring import notebooks, release
from course_utils.authoring.rules.words import prose, unwanted_words
from course_utils.exercises import bank, judge

BANK = bank()
LESSONS = {
    notebooks.number(path): path
    for path in notebooks.find(notebooks.ROOT / "solutions")
}
STUB = re.compile(r"^( *)raise NotImplementedError.*$", re.MULTILINE)
SECONDS = 3  # a check takes milliseconds; machines differ

each_exercise = pytest.mark.parametrize("name", BANK)
each_in_a_lesson = pytest.mark.parametrize(  # test_notebooks.py misses the others
    "name", [e.name for e in BANK.values() if e.lesson in LESSONS]
)
each_accepted = pytest.mark.parametrize(
    ("name", "i"), [(e.name, i) for e in BANK.values() for i in range(len(e.accepts))]
)
FACES = [
    (e.name, mistake, face)
    for e in BANK.values()
    for mistake in e.mistakes
    for face in mistake.faces
]


def face_name(face) -> str:
    """The exercise, the mistake, and which of its faces."""
    name, mistake, wrong = face
    return f"{name}-{mistake.name}-{mistake.faces.index(wrong)}"


each_face = pytest.mark.parametrize("face", FACES, ids=map(face_name, FACES))


# ---------------------------------------------------------------- answers


@each_exercise
def test_the_reference_passes_and_makes_no_mistake(name):
    exercise = BANK[name]
    # By default the reference stands for the last verdict: here it is judged itself.
    verdict = judge(disguised(exercise.reference), name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message


def disguised(reference):
    """The same behavior under another identity."""
    if isinstance(reference, type):
        return type(reference.__name__, (reference,), {"__doc__": reference.__doc__})
    return lambda *args, **options: reference(*args, **options)


@each_accepted
def test_another_right_answer_passes(name, i):
    verdict = judge(BANK[name].accepts[i], name)
    assert verdict.state == "passed", verdict.message


@each_face
def test_a_mistake_is_named_as_itself_and_soon(face):
    name, mistake, wrong = face
    start = time.process_time()  # its own: a busy machine takes none of it
    verdict = judge(wrong, name)
    seconds = time.process_time() - start
    state = "passed" if mistake.kind == "waste" else "not yet"
    assert (verdict.state, verdict.mistake) == (state, mistake.name), verdict.message
    assert seconds < SECONDS


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


# ---------------------------------------------------------------- words


@each_exercise
def test_an_exercise_knows_at_least_four_mistakes(name):
    exercise = BANK[name]
    names = [mistake.name for mistake in exercise.mistakes]
    assert len(names) >= 4
    assert len(set(names)) == len(names), "two mistakes have one name"
    assert {m.kind for m in exercise.mistakes} <= {"wrong", "convention", "waste"}


@each_exercise
def test_an_exercise_has_hints_an_answer_with_its_reason_and_praise(name):
    exercise = BANK[name]
    assert len(exercise.hints) >= 1 and all(hint.strip() for hint in exercise.hints)
    assert exercise.answer.strip() and exercise.because.strip()
    assert exercise.praise.strip()
    assert all(len(mistake.says.split()) >= 5 for mistake in exercise.mistakes)


@each_exercise
def test_an_exercise_speaks_as_the_lessons_do(name):
    exercise = BANK[name]
    says = [mistake.says for mistake in exercise.mistakes]
    texts = [*exercise.hints, exercise.because, exercise.praise, *says]
    found = [what for text in texts for what in unwanted_words(prose(text))]
    assert not found


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


@each_in_a_lesson
def test_the_stub_is_open(name):
    assert judge(written(name), name).state == "open"


@each_in_a_lesson
def test_the_answer_that_the_card_shows_passes_in_the_stub(name):
    verdict = judge(written(name, BANK[name].answer), name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message


@each_in_a_lesson
def test_the_stub_takes_the_arguments_of_the_reference(name):
    reference, stub = BANK[name].reference, written(name)
    wanted = list(inspect.signature(reference).parameters)
    assert list(inspect.signature(stub).parameters) == wanted


@each_in_a_lesson
def test_the_stub_says_what_it_takes_and_returns(name):
    assert (written(name).__doc__ or "").strip()
