"""The page of a run: whole, self-contained, and clear about what is missing."""

import re

import pytest

from course_utils import data
from course_utils.runs import cli, report

TINY = [
    "--base-channels", "4", "--latent-dim", "8", "--steps", "12", "--batch-size", "16",
    "--log-every", "2", "--save-every", "6", "--device", "cpu", "--size", "28",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run of twelve rounds on the digits."""
    folder = tmp_path_factory.mktemp("report") / "digits & co"
    assert cli.train(["--data", "digits", "--out", str(folder), *TINY]) == 0
    return folder


def test_page_is_one_file_with_curves_signs_samples_numbers_and_settings(
    trained, monkeypatch
):
    monkeypatch.setattr(report, "COMPARED", 300)
    page = report.write(trained).read_text(encoding="utf-8")
    for heading in ("Curves", "Signs", "Samples", "Numbers", "Settings"):
        assert f"<h2>{heading}</h2>" in page
    assert "12 of 12 rounds" in page and "round 6<" in page and "round 12<" in page
    assert "digits &amp; co" in page and "digits & co" not in page
    # Nothing is fetched, nothing runs, every picture has an alternative text.
    assert "<script" not in page and "http" not in page
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert sources and all(s.startswith("data:image/png;base64,") for s in sources)
    assert page.count("<img ") == len(re.findall(r'<img alt="[^"]+" src', page))

    def distance(name):
        return float(re.search(rf"<th>{name}</th><td>([^<]+)<", page)[1])

    assert distance("a copy of the data") < distance("this run") / 5


def test_a_page_without_data_or_pictures_says_so(trained, tmp_path, monkeypatch):
    def gone(*_, **__):
        raise data.DataError("the data are not there")

    monkeypatch.setattr(data, "load", gone)
    (trained / "samples").rename(tmp_path / "samples")
    text = report.write(trained).read_text("utf-8")
    (tmp_path / "samples").rename(trained / "samples")
    assert "There are none: the data are not there" in text
    assert "No picture was drawn" in text and "<h2>Curves</h2>" in text


def test_a_folder_without_a_run_or_with_a_broken_one_gets_a_sentence(tmp_path, capsys):
    for spoil, says in (
        (lambda out: (out / "history.jsonl").write_text("{\n{}"), "history.jsonl"),
        (lambda out: (out / "checkpoint.pt").unlink(), "there is no checkpoint"),
    ):
        out = tmp_path / says.replace(".", " ")
        assert cli.train(["--out", str(out), *TINY, "--steps", "1"]) == 0
        spoil(out)
        capsys.readouterr()
        assert cli.report([str(out)]) == 1
        assert says in capsys.readouterr().err
