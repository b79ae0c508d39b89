"""The page of a run: whole, self-contained, and clear about what is missing."""

import json
import re
import subprocess
import sys

import pytest
from PIL import Image

from course_utils import data
from course_utils.runs import cli, report
from course_utils.runs.checkpoints import CheckpointError

TINY = [
    "--base-channels", "4", "--latent-dim", "8", "--steps", "12", "--batch-size", "16",
    "--log-every", "2", "--sample-every", "6", "--checkpoint-every", "6",
    "--device", "cpu",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run of twelve rounds on the digits."""
    folder = tmp_path_factory.mktemp("report") / "digits & co"
    assert cli.train(["--data", "digits", "--out", str(folder), *TINY]) == 0
    return folder


@pytest.fixture(scope="module")
def page(trained):
    return report.write(trained).read_text(encoding="utf-8")


def test_page_has_curves_signs_samples_numbers_and_settings(page):
    for heading in ("Curves", "Signs", "Samples", "Numbers", "Settings"):
        assert f"<h2>{heading}</h2>" in page
    assert "12 of 12 rounds" in page
    assert "round 6<" in page and "round 12<" in page
    assert "Fréchet distance" in page and "a copy of the data" in page


def test_page_is_one_file_that_fetches_and_runs_nothing(page):
    assert "<script" not in page and "http" not in page
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert sources and all(s.startswith("data:image/png;base64,") for s in sources)


def test_every_picture_has_an_alternative_text(page):
    assert page.count("<img ") == len(re.findall(r'<img alt="[^"]+" src', page))


def test_names_are_escaped(page):
    assert "digits &amp; co" in page and "digits & co" not in page


def test_numbers_of_a_copy_are_better_than_those_of_twelve_rounds(page):
    def first_number(name):
        return float(re.search(rf"<th>{name}</th><td>([^<]+)<", page)[1])

    assert first_number("a copy of the data") < 1 < first_number("this run")


def test_command_writes_where_it_is_told_and_prints_the_path(trained, tmp_path):
    out = tmp_path / "page.html"
    command = [sys.executable, "-m", "course_utils", "report", str(trained)]
    done = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(out) and out.stat().st_size > 50_000


def test_a_folder_without_a_run_gets_a_sentence(tmp_path, capsys):
    assert cli.report([str(tmp_path)]) != 0
    said = capsys.readouterr().err
    assert "config.json" in said and "Traceback" not in said


def test_a_last_line_cut_short_is_left_out_and_a_broken_one_is_told(trained, tmp_path):
    lines = (trained / "history.jsonl").read_text().splitlines()
    path = tmp_path / "history.jsonl"
    path.write_text("\n".join([*lines, lines[0][:20]]))
    assert len(report.read_history(path)) == len(lines)
    path.write_text("\n".join([lines[0], "{", lines[1]]))
    with pytest.raises(CheckpointError, match="line 2"):
        report.read_history(path)


def test_a_run_on_images_without_a_classifier_says_so(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(16):
        Image.new("L", (40, 40), 16 * i).save(pictures / f"{i}.png")
    out = tmp_path / "run"
    assert cli.train(["--data", str(pictures), "--out", str(out), *TINY]) == 0
    assert "no feature space" in report.write(out).read_text(encoding="utf-8")
    config = json.loads((out / "config.json").read_text())
    assert config["images"] == 16


def test_a_report_without_its_data_still_has_curves_and_samples(
    trained, tmp_path, monkeypatch
):
    def gone(*_, **__):
        raise data.DataError("the data are not there")

    (trained / "samples" / "round_best.png").write_bytes(b"not ours")
    monkeypatch.setattr(data, "load", gone)
    text = report.write(trained, tmp_path / "new" / "page.html").read_text("utf-8")
    (trained / "samples" / "round_best.png").unlink()
    assert "There are none: the data are not there" in text
    assert text.count("<figure>") >= 1 and "<h2>Curves</h2>" in text
