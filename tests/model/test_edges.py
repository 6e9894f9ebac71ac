"""The edge network: its geometry, what it is shown, what it learns from it, its training run and its export."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from deploy import export_edges  # noqa: E402
from pipeline.config import SHIPPED_RECTIFIED, ModelConfig  # noqa: E402
from pipeline.errors import GateError  # noqa: E402
from pipeline.inference.looks import open_edge_look  # noqa: E402
from pipeline.inference.rectify import INPUT_PX, target_corners_px  # noqa: E402
from pipeline.model.edges import train  # noqa: E402
from pipeline.model.edges.contrast import change_across, with_contrast  # noqa: E402
from pipeline.model.edges.lines import (  # noqa: E402
    PLACES,
    REACH_PX,
    corner_covariances,
    corners_where_edges_meet,
    edge_moves,
    places_along,
    strips,
)
from pipeline.model.edges.network import SUBPIXELS, EdgeNetwork, expected, likeliest  # noqa: E402
from pipeline.model.edges.prepared import PreparedViews, discard_prepared, mirrored_strips, prepare  # noqa: E402
from pipeline.model.edges.samples import EdgeSamples  # noqa: E402
from pipeline.model.edges.training import EdgeTraining, Plan  # noqa: E402
from pipeline.model.photographs import read_index  # noqa: E402


@pytest.fixture
def rng():
    torch.manual_seed(5)
    return np.random.default_rng(5)


def near_corners(rng, count, sd_px=2.0):
    return torch.from_numpy(target_corners_px() + rng.normal(0, sd_px, (count, 4, 2)))


def test_corners_and_edges_say_the_same(rng):
    corners = near_corners(rng, 20)
    torch.testing.assert_close(corners_where_edges_meet(edge_moves(corners)), corners)


def test_moves_are_what_they_are_called():
    """The lower edge further out at its left end, which is where its clockwise run ends."""
    corners = torch.from_numpy(target_corners_px())[None].clone()
    corners[0, 3, 1] += 2.0
    upper, right, lower, left = edge_moves(corners)[0]
    torch.testing.assert_close(lower, torch.tensor([1.0, 1.0]).double())
    for edge in (upper, right, left):
        torch.testing.assert_close(edge, torch.zeros(2).double(), atol=1e-12, rtol=0)


def test_strips_show_each_edge_outward_and_clockwise():
    """In a view that tells every pixel's own place."""
    width, height = INPUT_PX
    view = torch.stack(
        [torch.arange(width).expand(height, -1), torch.arange(height)[:, None].expand(-1, width)]
    )
    seen = strips(view[None].float())[0]
    assert seen.shape == (4, 2, 2 * REACH_PX, PLACES)
    starts = torch.from_numpy(target_corners_px()).float()
    ends, outward = starts.roll(-1, 0), torch.tensor([[0, -1], [1, 0], [0, 1], [-1, 0]])
    along = places_along()[:, None, :, None]
    across = torch.arange(2 * REACH_PX)[:, None, None] - (REACH_PX - 0.5)
    places = (starts + ends)[:, None, None] / 2 + along * (ends - starts)[:, None, None] / 2
    wanted = places + across * outward[:, None, None]
    torch.testing.assert_close(seen, wanted.permute(0, 3, 1, 2).float())


@torch.no_grad()
def test_the_line_with_the_evidence_is_decoded(rng, monkeypatch):
    """Evidence that is a ridge along a line gives that line's offset and tilt."""
    moves = torch.from_numpy(rng.uniform((-4, -2), (4, 2), (6, 4, 2))).float()
    across = (torch.arange(2 * REACH_PX * SUBPIXELS) - (REACH_PX * SUBPIXELS - 0.5)) / SUBPIXELS
    lines = moves[..., :1] + moves[..., 1:] * places_along()
    ridge = torch.exp(-0.5 * (across[:, None] - lines[:, :, None]) ** 2)
    network = EdgeNetwork().eval()
    network.sharpness.fill_(30.0)
    monkeypatch.setattr(EdgeNetwork, "_evidence", lambda self, seen: ridge)
    logits = network(torch.zeros(6, 3, INPUT_PX[1], INPUT_PX[0]))
    assert (likeliest(logits) - moves).abs().max() < 0.06
    found, covariances = expected(logits)
    assert (found - moves).abs().max() < 0.06
    assert torch.linalg.eigvalsh(covariances).min() > 0


def test_change_across_is_the_slope_of_the_picture():
    """Of a blurred edge, between the rows of pixels as well; of a ramp and a flat picture everywhere."""
    rows = torch.arange(2 * REACH_PX)[:, None].float()
    ramp = (3.0 * rows + 7.0).expand(1, 4, 3, -1, PLACES)
    inner = slice(8, -8)  # the border is repeated
    torch.testing.assert_close(
        change_across(ramp.contiguous())[..., inner, :],
        torch.full((1, 4, 3, 4 * REACH_PX - 16, PLACES), 3.0),
    )
    assert change_across(torch.full((1, 4, 3, 2 * REACH_PX, PLACES), 0.7)).abs().max() < 1e-5
    edge = torch.special.ndtr((rows - 17.25) / 1.2).expand(1, 4, 3, -1, PLACES).contiguous()
    subrows = (torch.arange(4 * REACH_PX) - 0.5) / SUBPIXELS
    both_sd = np.hypot(1.2, 0.7)
    wanted = torch.exp(-0.5 * ((subrows - 17.25) / both_sd) ** 2) / (both_sd * np.sqrt(2 * np.pi))
    found = change_across(edge)[0, 2, 1, :, 5]
    assert int(found.argmax()) == int(wanted.argmax())
    torch.testing.assert_close(found.float(), wanted.float(), atol=0.012, rtol=0)


@torch.no_grad()
def test_where_the_network_is_undecided_the_larger_change_is_the_edge():
    """A line that changes more than others wins over a nearly flat heatmap, and loses against a sure one."""
    network = EdgeNetwork().eval()
    seen = torch.zeros(1, 4, 3, 2 * REACH_PX, PLACES)
    seen[..., REACH_PX + 2 :, :] = 1.0  # all edges 2 px further out
    flat, sure = torch.zeros(1, 4, 13, 25), torch.zeros(1, 4, 13, 25)
    sure[..., 6, 10] = 30.0  # 1 px further in
    wanted = torch.tensor([2.0, 0.0]).expand(1, 4, 2)
    torch.testing.assert_close(expected(with_contrast(flat, seen, network))[0], wanted, atol=0.2, rtol=0)
    wanted = torch.tensor([-1.0, 0.0]).expand(1, 4, 2)
    torch.testing.assert_close(expected(with_contrast(sure, seen, network))[0], wanted, atol=0.2, rtol=0)


def test_between_two_lines_that_are_as_likely_the_answer_is_their_mean():
    """And its variance reaches to both; the likeliest one is one of them."""
    logits = torch.full((1, 4, 13, 25), -20.0)
    logits[..., 6, 12], logits[..., 6, 20] = 0.0, -0.1  # 4 px apart
    torch.testing.assert_close(likeliest(logits), torch.zeros(1, 4, 2), atol=1e-3, rtol=0)
    moves, covariances = expected(logits)
    share = 1 / (1 + np.exp(0.1))
    torch.testing.assert_close(moves[..., 0], torch.full((1, 4), 4.0 * share), rtol=1e-3, atol=0)
    variance = torch.full((1, 4), 16.0 * share * (1 - share))
    torch.testing.assert_close(covariances[..., 0, 0], variance, rtol=1e-3, atol=0)


def test_covariances_of_corners_are_those_of_scattered_edges(rng):
    halves = rng.normal(0, 0.3, (4, 2, 2))
    move_cov = halves @ halves.transpose(0, 2, 1) + 0.05 * np.eye(2)
    scattered = np.stack([rng.multivariate_normal(np.zeros(2), cov, 40_000) for cov in move_cov], axis=1)
    corners = corners_where_edges_meet(torch.from_numpy(scattered)).numpy()
    stated = corner_covariances(torch.from_numpy(move_cov)[None])[0].numpy()
    for corner in range(4):
        np.testing.assert_allclose(stated[corner], np.cov(corners[:, corner].T), rtol=0.06, atol=0.006)


@pytest.fixture(scope="module")
def samples(plate_index):
    return EdgeSamples(read_index(plate_index), 0.5, 10, seed=3, rectified=SHIPPED_RECTIFIED)


def test_samples_show_plates_where_the_rectified_look_leaves_them(samples):
    seen, corners_px = (torch.cat(parts) for parts in zip(*(samples[i] for i in range(10)), strict=True))
    assert seen.shape == (len(corners_px), 4, 3, 2 * REACH_PX, PLACES) and seen.dtype == torch.uint8
    off_px = np.linalg.norm(corners_px.numpy() - target_corners_px(), axis=2)
    assert 0.1 < np.median(off_px) < 8


def test_mirrored_strips_are_those_of_the_mirrored_view(rng):
    views = torch.from_numpy(rng.uniform(0, 255, (2, 3, INPUT_PX[1], INPUT_PX[0])))
    torch.testing.assert_close(mirrored_strips(strips(views)), strips(views.flip(-1)))


def test_batches_show_views_or_their_mirror_images():
    seen = torch.zeros(1, 4, 3, 2 * REACH_PX, PLACES, dtype=torch.uint8)
    corners = torch.tensor([[80.0, 56.0], [336.0, 55.0], [334.0, 168.0], [81.0, 167.0]])
    in_mirror = [[415.0 - 336.0, 55.0], [415.0 - 80.0, 56.0], [415.0 - 81.0, 167.0], [415.0 - 334.0, 168.0]]
    _, shown, _ = next(PreparedViews(seen, corners[None]).batches(16, 0, 1, seed=1))
    mirrored = (shown == torch.tensor(in_mirror)).flatten(1).all(dim=1)
    assert 0 < mirrored.sum() < 16
    assert (shown[~mirrored] == corners).all()


def test_views_are_drawn_once_and_a_part_that_is_there_is_kept(samples, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.model.edges.prepared.PART_IMAGES", 4)
    first = prepare(samples, tmp_path, workers=0, made_of="these")
    kept, redrawn = tmp_path / "000000.npz", tmp_path / "000004.npz"
    assert sorted(tmp_path.glob("*.npz")) == [kept, redrawn, tmp_path / "000008.npz"]
    written_ns = kept.stat().st_mtime_ns
    redrawn.unlink()
    again = prepare(samples, tmp_path, workers=0, made_of="these")
    assert kept.stat().st_mtime_ns == written_ns
    for one, other in zip(next(first.batches(8, 5, 6, 1)), next(again.batches(8, 5, 6, 1)), strict=True):
        assert torch.equal(one, other)


def test_batch_depends_on_its_step_alone(samples, tmp_path):
    views = prepare(samples, tmp_path, workers=0, made_of="these")
    third = list(views.batches(8, 0, 3, seed=1))[2]
    alone = next(views.batches(8, 2, 3, seed=1))
    assert all(torch.equal(one, other) for one, other in zip(third, alone, strict=True))


def test_damaged_part_is_named(samples, tmp_path):
    prepare(samples, tmp_path, workers=0, made_of="these")
    whole = (tmp_path / "000000.npz").read_bytes()
    for damaged in (b"no arrays", b"", whole[:-100]):
        (tmp_path / "000000.npz").write_bytes(damaged)
        with pytest.raises(GateError, match=r"000000\.npz: not prepared views .*; delete it"):
            prepare(samples, tmp_path, workers=0, made_of="these")


def test_views_of_other_samples_are_refused_and_only_views_are_discarded(samples, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"not ours")
    (tmp_path / "000000.npz.part").write_bytes(b"of a run that was killed")
    prepare(samples, tmp_path, workers=0, made_of="these")
    with pytest.raises(GateError, match="another set, network or plan"):
        prepare(samples, tmp_path, workers=0, made_of="others")
    discard_prepared(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_sample_depends_on_its_number_alone(samples, plate_index):
    again = EdgeSamples(read_index(plate_index), 0.5, 10, seed=3, rectified=SHIPPED_RECTIFIED)
    for first, second in zip(samples[7], again[7], strict=True):
        assert torch.equal(first, second)


def test_one_batch_can_be_learned_by_heart(rng):
    training = EdgeTraining(Plan(steps=60))
    seen = torch.from_numpy(rng.standard_normal((3, 4, 3, 2 * REACH_PX, PLACES)).astype(np.float32))
    corners = near_corners(rng, 3).float()
    history = [training.train_step(seen, corners, torch.ones(3)) for _ in range(60)]
    assert history[-1]["distance"] < 0.5 * history[0]["distance"]
    assert history[-1]["line"] < 0.8 * history[0]["line"]


@pytest.fixture(scope="module")
def finished_run(plate_index, tmp_path_factory):
    out = tmp_path_factory.mktemp("edges")
    assert train.main(_arguments(plate_index, out)) == 0
    return out


def _arguments(plate_index, out):
    drawn = ["--images", "6", "--steps", "2", "--workers", "1"]
    return ["--data", str(plate_index), "--out", str(out), *drawn]


def test_run_leaves_checkpoint_log_and_curve(finished_run):
    entries = [json.loads(line) for line in (finished_run / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [1, 2]
    assert (finished_run / "curve.png").stat().st_size > 10_000


@pytest.mark.parametrize("option", ["--images", "--steps"])
def test_run_is_not_gone_on_with_under_other_options(finished_run, plate_index, capsys, option):
    arguments = ["--data", str(plate_index), "--out", str(finished_run), "--resume", option, "7"]
    assert train.main(arguments) == 2
    assert f"begun with another {option}; leave that out" in capsys.readouterr().err


def test_resumed_run_ends_where_an_uninterrupted_one_does(finished_run, plate_index, tmp_path, monkeypatch):
    step = EdgeTraining.train_step

    def interrupted(self, *batch):
        if self.step == 1:
            raise KeyboardInterrupt
        return step(self, *batch)

    monkeypatch.setattr(EdgeTraining, "train_step", interrupted)
    assert train.main(_arguments(plate_index, tmp_path)) == 130
    monkeypatch.setattr(EdgeTraining, "train_step", step)
    assert train.main([*_arguments(plate_index, tmp_path), "--resume"]) == 0
    whole, resumed = (
        EdgeTraining.load(folder / "checkpoint.pt").averaged() for folder in (finished_run, tmp_path)
    )
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.allclose(a.float(), b.float(), atol=1e-5)


def test_exported_file_is_one_that_the_look_takes(finished_run, tmp_path):
    out = tmp_path / "edges.onnx"
    arguments = ["--checkpoint", str(finished_run / "checkpoint.pt"), "--out", str(out), "--images", "2"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert export_edges.main(arguments) == 0
    assert "torch against ONNX Runtime on 2 images" in printed.getvalue()
    open_edge_look(ModelConfig(edge_path=out, provider="cpu"))


def test_checkpoint_of_the_rectified_network_is_refused(plate_index, tmp_path, capsys):
    from pipeline.model.rectified.training import Plan as RectifiedPlan
    from pipeline.model.rectified.training import RectifiedTraining

    RectifiedTraining(RectifiedPlan()).save(tmp_path / "checkpoint.pt")
    arguments = ["--checkpoint", str(tmp_path / "checkpoint.pt"), "--out", str(tmp_path / "x.onnx")]
    assert export_edges.main(arguments) == 2
    assert "not a checkpoint of the edge network as it is now" in capsys.readouterr().err


def test_missing_rectified_network_begins_no_run(plate_index, tmp_path, capsys):
    out = tmp_path / "run"
    assert train.main([*_arguments(plate_index, out), "--rectified", str(tmp_path / "no.onnx")]) == 2
    assert "no.onnx" in capsys.readouterr().err
    assert not out.exists()
