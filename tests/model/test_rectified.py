"""The rectified network: what it is shown, what it learns from it, its training run and its export."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from deploy import export_rectified  # noqa: E402
from pipeline.config import SHIPPED_MODEL, ModelConfig  # noqa: E402
from pipeline.errors import GateError  # noqa: E402
from pipeline.frames import plate_width_px  # noqa: E402
from pipeline.inference.looks import open_rectified_look  # noqa: E402
from pipeline.inference.model_file import inspect_model  # noqa: E402
from pipeline.inference.rectify import INPUT_PX, is_convex, target_corners_px  # noqa: E402
from pipeline.model.photographs import read_index  # noqa: E402
from pipeline.model.rectified import train  # noqa: E402
from pipeline.model.rectified.calibration import calibrated_scale  # noqa: E402
from pipeline.model.rectified.exported import start_from_exported  # noqa: E402
from pipeline.model.rectified.loss import STUDENT_DEGREES, losses, surprise  # noqa: E402
from pipeline.model.rectified.network import RectifiedNetwork  # noqa: E402
from pipeline.model.rectified.samples import (  # noqa: E402
    MOST_OF_HEIGHT,
    RectifiedSamples,
    augmentation,
    disturbed,
)
from pipeline.model.rectified.training import Plan, RectifiedTraining  # noqa: E402

PLATE = np.array([[100.0, 100.0], [180.0, 112.0], [184.0, 138.0], [98.0, 121.0]])


def test_wrong_corners_are_wrong_by_what_a_network_is_and_never_leave_the_view():
    rng = np.random.default_rng(0)
    moves = np.array([disturbed(rng, PLATE) - PLATE for _ in range(2000)])
    assert np.abs(moves.mean(axis=0)).max() < 0.3
    height_px = plate_width_px(np.roll(PLATE, 1, axis=0))
    assert np.linalg.norm(moves, axis=2).max() <= MOST_OF_HEIGHT * height_px + 1e-9
    assert 0.005 < np.median(np.linalg.norm(moves, axis=2)) / plate_width_px(PLATE) < 0.05


@pytest.fixture(scope="module")
def samples(plate_index):
    return RectifiedSamples(read_index(plate_index), augmentation(0.5), 30, seed=3)


def test_samples_show_true_corners_near_the_rectangle(samples):
    views, corners_px, presence = (
        torch.cat(parts) for parts in zip(*(samples[i] for i in range(30)), strict=True)
    )
    assert views.shape[1:] == (3, INPUT_PX[1], INPUT_PX[0])
    shown = corners_px[presence > 0.5].numpy()
    assert 0.7 < len(shown) / len(presence) < 1
    off_px = np.linalg.norm(shown - target_corners_px(), axis=2)
    assert 1 < np.median(off_px) < 20 and off_px.max() < 80
    assert (corners_px[presence < 0.5] == 0).all()


def test_a_sample_depends_on_its_number_alone(samples, plate_index):
    again = RectifiedSamples(read_index(plate_index), augmentation(0.5), 30, seed=3)
    for first, second in zip(samples[7], again[7], strict=True):
        assert torch.equal(first, second)


def test_spread_is_least_surprising_where_it_is_that_of_the_errors():
    """The loss is a Student distribution's negative log density: its best scale is that of the errors."""
    degrees = STUDENT_DEGREES
    rng = np.random.default_rng(4)
    tail = np.sqrt(degrees / rng.chisquare(degrees, (200_000, 1)))
    errors = torch.from_numpy(rng.standard_normal((200_000, 2)) * (0.3, 0.8) * tail)
    at = {
        factor: surprise(errors, torch.log(torch.tensor([0.3, 0.8]) * factor).expand(200_000, 2)).mean()
        for factor in (0.8, 0.95, 1.0, 1.05, 1.25)
    }
    assert min(at, key=at.get) == 1.0


STEPS_BY_HEART = 30
"""In which a batch of two views is learned at up to three times the usual rate: the ramp takes 100 to ten times it."""


@pytest.mark.parametrize("part", ["coarse_steps", "steps"])
def test_one_batch_can_be_learned_by_heart_in_either_part_of_the_training(part):
    steps = {"coarse_steps": 0, "steps": 0} | {part: 100}
    training = RectifiedTraining(Plan(**steps, learning_rate=2e-2))
    rng = np.random.default_rng(0)
    views = torch.from_numpy(rng.standard_normal((2, 3, INPUT_PX[1], INPUT_PX[0])).astype(np.float32))
    corners = torch.from_numpy(target_corners_px() + rng.normal(0, 3, (2, 4, 2))).float()
    presence = torch.tensor([1.0, 0.0])
    history = [training.train_step(views, corners, presence) for _ in range(STEPS_BY_HEART)]
    assert history[-1]["corner"] < 0.5 * history[0]["corner"]
    assert history[-1]["presence"] < 0.5 * history[0]["presence"]


def test_views_without_a_plate_teach_presence_alone():
    network = RectifiedNetwork()
    parts = losses(network(torch.zeros(2, 3, INPUT_PX[1], INPUT_PX[0])), torch.zeros(2, 4, 2), torch.zeros(2))
    assert set(parts) == {"presence"}


@pytest.fixture(scope="module")
def finished_run(plate_index, tmp_path_factory):
    out = tmp_path_factory.mktemp("rectified")
    assert train.main(_arguments(plate_index, out)) == 0
    return out


def _arguments(plate_index, out):
    steps = ["--coarse-steps", "1", "--steps", "2"]
    return ["--data", str(plate_index), "--out", str(out), *steps, "--workers", "1"]


def test_run_leaves_checkpoint_log_and_curve(finished_run):
    entries = [json.loads(line) for line in (finished_run / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [1, 2, 3]
    assert (finished_run / "curve.png").stat().st_size > 10_000


def test_a_new_run_does_not_overwrite_one_that_is_there(finished_run, plate_index, capsys):
    before = (finished_run / "checkpoint.pt").read_bytes()
    assert train.main(_arguments(plate_index, finished_run)) == 2
    assert "a run is here already" in capsys.readouterr().err
    assert (finished_run / "checkpoint.pt").read_bytes() == before


def test_resumed_run_ends_where_an_uninterrupted_one_does(finished_run, plate_index, tmp_path, monkeypatch):
    step = RectifiedTraining.train_step

    def interrupted(self, *batch):
        if self.step == 1:
            raise KeyboardInterrupt
        return step(self, *batch)

    monkeypatch.setattr(RectifiedTraining, "train_step", interrupted)
    assert train.main(_arguments(plate_index, tmp_path)) == 130
    monkeypatch.setattr(RectifiedTraining, "train_step", step)
    assert train.main([*_arguments(plate_index, tmp_path), "--resume"]) == 0
    whole, resumed = (
        RectifiedTraining.load(folder / "checkpoint.pt").averaged() for folder in (finished_run, tmp_path)
    )
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.allclose(a.float(), b.float(), atol=1e-5)


@pytest.mark.parametrize(
    "more",
    [["--steps", "3"], ["--coarse-steps", "0"], ["--start", str(SHIPPED_MODEL)]],
    ids=lambda more: more[0],
)
def test_run_is_not_gone_on_with_under_other_options(finished_run, plate_index, capsys, more):
    assert train.main(["--data", str(plate_index), "--out", str(finished_run), "--resume", *more]) == 2
    assert f"begun with another {more[0]}; leave that out" in capsys.readouterr().err


@pytest.fixture(scope="module")
def exported(finished_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "rectified.onnx"
    arguments = ["--checkpoint", str(finished_run / "checkpoint.pt"), "--out", str(out), "--images", "2"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert export_rectified.main(arguments) == 0
    assert "torch against ONNX Runtime on 2 images" in printed.getvalue()
    return out


def test_exported_file_is_one_that_the_look_takes_and_whole_images_do_not(exported):
    open_rectified_look(ModelConfig(rectified_path=exported, provider="cpu"))
    with pytest.raises(GateError, match="task rectified-corners, not plate-corners"):
        inspect_model(exported)


@torch.no_grad()
def test_a_run_that_starts_from_an_exported_network_answers_as_it_does(finished_run, exported, samples):
    trained_on = torch.cat([samples[i][0] for i in range(12)])
    others = torch.cat([samples[i][0] for i in range(12, 16)])
    origin = RectifiedTraining.load(finished_run / "checkpoint.pt").averaged()
    training = start_from_exported(Plan(coarse_steps=0, steps=1), exported, trained_on)
    expected, found = origin(others).logits, training.averaged()(others).logits
    assert torch.allclose(found, expected, atol=0.02 * expected.std().item())
    # While it is trained, normalisation is by the batch: it must be that of the views, not an identity.
    expected, found = origin(trained_on).logits, training.network(trained_on).logits
    assert torch.allclose(found, expected, atol=0.02 * expected.std().item())


def test_training_goes_on_from_an_exported_network(exported, plate_index, tmp_path):
    out = ["--out", str(tmp_path / "run"), "--workers", "0"]
    arguments = ["--data", str(plate_index), *out, "--start", str(exported), "--steps", "1"]
    assert train.main(arguments) == 0
    assert RectifiedTraining.load(tmp_path / "run" / "checkpoint.pt").step == 1


def test_only_a_rectified_network_can_be_started_from(plate_index, tmp_path, capsys):
    start = ["--start", str(SHIPPED_MODEL), "--steps", "1"]
    assert train.main(["--data", str(plate_index), "--out", str(tmp_path), *start]) == 2
    assert "plate_corners.onnx: holds no hourglass.finest.0" in capsys.readouterr().err


def test_variances_are_scaled_until_95_percent_of_the_errors_are_held(plate_index, monkeypatch):
    """The scale that calibration finds, applied, makes it find 1."""
    network = RectifiedTraining(Plan()).averaged()
    photographs = read_index(plate_index)
    monkeypatch.setattr("pipeline.model.rectified.calibration.select", lambda photos, _: photos)
    monkeypatch.setattr("pipeline.inference.rectified_look.FURTHEST_PX", np.inf)  # of an untrained network
    scale = calibrated_scale(network, photographs)
    with torch.no_grad():
        network.reading.log_sd.bias += 0.5 * np.log(scale)
    assert calibrated_scale(network, photographs) == pytest.approx(1.0, rel=0.02)


def test_file_that_is_no_checkpoint_is_refused(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"not a checkpoint")
    assert export_rectified.main(["--checkpoint", str(path), "--out", str(tmp_path / "x.onnx")]) == 2
    assert "checkpoint.pt: not a checkpoint of the rectified network" in capsys.readouterr().err


def test_wrong_corners_are_still_those_of_a_plate():
    """Of a plate that is seen so obliquely that a wrong corner could turn it inside out."""
    oblique = np.array([[100.0, 100.0], [160.0, 130.0], [161.0, 141.0], [101.0, 112.0]])
    narrow = np.array([[100.0, 100.0], [130.0, 99.0], [131.0, 139.0], [99.0, 105.0]])
    rng = np.random.default_rng(0)
    for corners in (oblique, narrow):
        assert all(is_convex(disturbed(rng, corners)) for _ in range(500))
