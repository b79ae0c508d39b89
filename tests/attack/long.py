"""`make attack`: the long list of answers that no bank lists, a row at a time."""

import pytest

from tests import attack


@pytest.mark.parametrize(
    "row", attack.rows("long"), ids=lambda row: f"{row[0]}: {row[1]}"
)
def test_an_answer_of_the_long_list_is_judged_as_well(row):
    attack.check(*row)
