"""How a training run ends: what is saved, and what is left as it was."""

from __future__ import annotations

import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from matplotlib import pyplot as plt  # noqa: E402
from torch.utils.data import Dataset  # noqa: E402

from pipeline.errors import GateError  # noqa: E402
from pipeline.model import ablation, train  # noqa: E402
from pipeline.model.curve import draw_learning_curve, log_entry  # noqa: E402
from pipeline.model.loop import advance, loaded, resumable  # noqa: E402
from pipeline.model.rectified import train as train_rectified  # noqa: E402


@pytest.mark.parametrize(
    ("command", "option"),
    [(train, "--workers"), (ablation, "--workers"), (train_rectified, "--coarse-steps")],
)
def test_negative_numbers_are_refused(command, option, capsys):
    with pytest.raises(SystemExit):
        command.parse_arguments(["--data", "index", option, "-1"])
    assert f"{option}: -1: give a whole number, 0 or more" in capsys.readouterr().err


@pytest.mark.parametrize("minutes", ["nan", "-1", "0", "inf", "four"])
def test_time_between_checkpoints_is_above_zero(minutes, capsys):
    with pytest.raises(SystemExit):
        train.parse_arguments(["--data", "index", "--checkpoint-minutes", minutes])
    assert f"--checkpoint-minutes: {minutes}: give a number above 0" in capsys.readouterr().err


class StandInRun:
    """A run without a network."""

    step, steps = 0, 10

    def train_step(self, images, corners_px, presence):
        raise AssertionError("no step is made here")

    def save(self, path: Path) -> None:
        path.write_text("new")


class InterruptedRun(StandInRun):
    """Ctrl-C comes in the middle of each step."""

    def train_step(self, images, corners_px, presence):
        signal.raise_signal(signal.SIGINT)
        self.step += 1
        return {"corner": 1.0}


def test_error_leaves_the_checkpoint_that_was_there(tmp_path):
    (tmp_path / "checkpoint.pt").write_text("of a finished run")
    with pytest.raises(GateError, match="no photograph"), resumable(StandInRun(), tmp_path):
        raise GateError("no photograph")
    assert (tmp_path / "checkpoint.pt").read_text() == "of a finished run"


def test_interruption_before_the_first_step_is_saved_and_says_how_to_go_on(tmp_path):
    message = "after step 0; go on with --resume"
    with pytest.raises(KeyboardInterrupt, match=message), resumable(StandInRun(), tmp_path):
        raise KeyboardInterrupt
    assert (tmp_path / "checkpoint.pt").read_text() == "new"


@pytest.fixture
def heard_ctrl_c():
    """Tests that run in the background of a script ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_ctrl_c")
def test_ctrl_c_in_the_middle_of_a_step_ends_the_run_after_it(tmp_path):
    run = InterruptedRun()
    with pytest.raises(KeyboardInterrupt, match="after step 1; "), resumable(run, tmp_path):
        for _ in advance(run, [(None, None, None)] * 3, tmp_path, checkpoint_minutes=60):
            raise AssertionError("the loop goes on")
    assert '"step": 1,' in (tmp_path / "log.jsonl").read_text()
    assert (tmp_path / "checkpoint.pt").read_text() == "new"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_is_ignored_stays_so(tmp_path):
    run, before = (
        InterruptedRun(),
        signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # as a script's background does
    try:
        for _ in advance(run, [(None, None, None)] * 3, tmp_path, checkpoint_minutes=60):
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    assert run.step == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_sample_that_cannot_be_made_is_told_in_one_line(workers):
    cv2.resize(
        np.zeros((2000, 2000, 3), np.uint8), (1000, 1000)
    )  # begins OpenCV's threads, which do not survive a fork
    with pytest.raises(GateError) as failure:
        list(loaded(Unreadable(), 2, [0, 1, 2], workers))
    assert str(failure.value) == "frame2.jpg: cannot be read as an image"


class Unreadable(Dataset):
    """Three samples, the last of which fails."""

    def __len__(self):
        return 3

    def __getitem__(self, number):
        if number == 2:
            raise GateError("frame2.jpg: cannot be read as an image")
        return torch.zeros(1)


@pytest.mark.parametrize("losses", [("corner", "presence"), ("line", "distance")])
def test_learning_curve_shows_every_loss_whatever_its_name(tmp_path, monkeypatch, losses):
    for step in range(1, 31):
        log_entry(tmp_path, {"step": step, **dict.fromkeys(losses, 1.0 / step), "likelihood": -1.0})
        if step == 20:  # a power cut
            with (tmp_path / "log.jsonl").open("a") as log:
                log.write('{"step": 20, "cor\n')
    monkeypatch.setattr(plt, "close", lambda figure: None)
    draw_learning_curve(tmp_path / "log.jsonl", tmp_path / "curve.png")
    drawn = plt.gcf().axes[0].lines
    assert [line.get_label() for line in drawn] == [f"{name} (mean of 25)" for name in losses]
    assert drawn[0].get_xdata().tolist() == list(range(25, 31))
