"""What docs/training.md tells its reader to type is what the commands take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pipeline.model import import_labels, train  # noqa: E402
from pipeline.model.labels.files import read_label_file  # noqa: E402
from pipeline.model.labels.quads import plate_corners  # noqa: E402
from pipeline.model.recipe import load_recipe  # noqa: E402
from pipeline.synthetic import rehearsal  # noqa: E402

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/training.md").read_text(encoding="utf-8").replace("\\\n", " ")


def commands(module: str) -> list[list[str]]:
    return [
        shlex.split(line)
        for line in re.findall(rf"^\$? ?python -m {re.escape(module)} (.*)$", GUIDE, re.MULTILINE)
    ]


@pytest.mark.parametrize("module", [import_labels, train], ids=["import_labels", "train"])
def test_commands_of_the_guide_are_understood(module):
    found = commands(module.__name__)
    assert len(found) >= 2
    for arguments in found:
        module.parse_arguments(arguments)


def test_recipe_that_the_guide_names_is_shorter_and_gentler_than_the_whole_training():
    named = [
        arguments[arguments.index("--recipe") + 1]
        for arguments in commands(train.__name__)
        if "--recipe" in arguments
    ]
    recipe, whole = load_recipe(ROOT / named[0]), load_recipe(ROOT / "pipeline/model/recipe.toml")
    assert recipe.steps < whole.steps
    assert max(phase.learning_rate for phase in recipe.phase) < max(
        phase.learning_rate for phase in whole.phase
    )


def test_links_of_the_guide_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target


def test_rehearsal_into_a_file_is_one_clear_error(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert rehearsal.main(["--out", str(tmp_path / "file")]) == 2
    assert "cannot make a folder there" in capsys.readouterr().err


def test_rehearsal_with_a_negative_seed_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        rehearsal.main(["--out", str(tmp_path), "--seed", "-1"])
    assert "--seed: -1: give a whole number, 0 or more" in capsys.readouterr().err


def test_rehearsal_writes_the_exact_corners_as_a_tool_would(tmp_path, monkeypatch):
    monkeypatch.setattr(rehearsal, "EMPTY_PICTURES", 1)
    assert rehearsal.main(["--out", str(tmp_path), "--passages", "1", "--seed", "4"]) == 0
    views = next(rehearsal.passages(1, seed=4))
    assert len(views) == 2
    for number, (_, truth) in enumerate(views, start=1):
        (picture,) = read_label_file(tmp_path / f"pictures/passage001_{number}.json")
        assert (tmp_path / "pictures" / picture.name).is_file()
        corners = (
            plate_corners(picture.shapes[0].points, (), drawn_around=True) + import_labels.ORIGIN_PX["corner"]
        )
        assert np.allclose(corners, truth.corners_px)
    assert len(list((tmp_path / "background").iterdir())) == 1
