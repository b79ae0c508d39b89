"""Exercises as text: what the grammar reads, edits and refuses."""

import pytest

from course_utils.exercises import text

HALF = r"""
    half_of(x)
        return x / 2

    because: A half is a division
      by two.
    hint: What undoes
      doubling?
    hint: Divide.
    right: return 0.5 * x
    right:
      | y = x
      | return y / 2

    * doubled: That is not half. Which way does a half go?
        x / 2 -> x * 2
        x / {1|0.5}
    ~ negative: The sign.
        /return (.+)/ -> return -(\1)
    + slow: Right, and slow.
        | total = 0
        | for _ in range(1):
        |     total += x
        |
        | return total / 2
        return (x +
          0) / 2
        return -> y = x\nreturn && x / -> y /
"""


def half(way=""):
    return text.define(text.parse(HALF), {}, way)(6)


def test_a_text_holds_answer_fields_and_mistakes():
    parsed = text.parse(HALF)
    assert (parsed.name, parsed.answer) == ("half_of", "return x / 2")
    assert parsed.fields["because"] == ["A half is a division by two."]
    assert parsed.fields["hint"] == ["What undoes doubling?", "Divide."]
    assert [half(way) for way in parsed.fields["right"]] == [3, 3]
    found = [(m.kind, m.name, len(m.ways)) for m in parsed.mistakes]
    assert found == [
        ("wrong", "doubled", 3), ("convention", "negative", 1), ("waste", "slow", 3),
    ]  # fmt: skip
    assert parsed.mistakes[0].says == "That is not half. Which way does a half go?"


def test_edits_bodies_and_alternatives_become_functions():
    doubled, negative, slow = text.parse(HALF).mistakes
    assert half(doubled.ways[0]) == 12
    assert doubled.ways[1:] == ["x / 1", "x / 0.5"]
    assert half(negative.ways[0]) == -3
    assert [half(way) for way in slow.ways] == [3, 3, 3]


def test_a_class_is_its_whole_text_and_is_edited_like_any_answer():
    parsed = text.parse(
        """
        class Half(object):
            def of(self, x):
                return x / 2

        because: So.

        * doubled: Twice.
            / 2 -> * 2
        """
    )
    assert parsed.name == "Half"
    assert text.define(parsed, {})().of(6) == 3
    assert text.define(parsed, {}, parsed.mistakes[0].ways[0])().of(6) == 12


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("x / 2 -> x * 2", "x // 2 -> x * 2", "'x // 2' is not in the answer"),
        ("/return (.+)/", "/retrun (.+)/", "is not in the answer"),
        ("hint: Divide.", "hnit: Divide.", "'hnit: Divide.' is none of because"),
        ("negative: The sign.", "negative", "wanted is `. name: sentence`"),
        ("The sign.", "The\n     sign.", "wanted is `. name: sentence`"),
        ("        return x / 2\n", "", "has no answer"),
    ],
)
def test_what_does_not_fit_is_an_error_that_quotes_it(old, new, words):
    assert old in HALF
    with pytest.raises(ValueError, match=words):
        text.entry(HALF.replace(old, new, 1), names={}, lesson=1, observe=0, probes={})


def test_a_family_applies_where_it_fits_and_own_names_go_first(monkeypatch):
    monkeypatch.setattr(text, "register", lambda exercise: exercise)
    family = r"""
    * doubled: Of the family.
        / 2 -> * 3
    * thirds: A third.
        / 2 -> / 3
        / 4 -> / 3
    * elsewhere: Does not fit.
        .mean() -> .sum()
    * left out: Is none here.
        x -> -x
    """
    exercise = text.entry(
        HALF, names={}, families=family, without=("left out",),
        lesson=1, observe=None, probes={},
    )  # fmt: skip
    names = [m.name for m in exercise.mistakes]
    assert names == ["doubled", "negative", "slow", "thirds"]
    assert exercise.mistakes[0].says.startswith("That is not half.")
    assert [way(6) for way in exercise.mistakes[3].ways] == [2]
