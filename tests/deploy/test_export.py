from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402

from deploy import export as exporting  # noqa: E402
from pipeline.config import ModelConfig  # noqa: E402
from pipeline.errors import GateError  # noqa: E402
from pipeline.inference.locator import PlateLocator  # noqa: E402
from pipeline.inference.start_session import open_session  # noqa: E402
from pipeline.model.calibration import Calibration  # noqa: E402
from pipeline.model.graph import PlateCornerGraph, fold_batch_norms  # noqa: E402
from pipeline.model.recipe import DEFAULT_RECIPE, load_recipe  # noqa: E402
from pipeline.model.training import Training  # noqa: E402

SIZE_PX = (96, 64)


@pytest.fixture(scope="module")
def training():
    """A network with random weights and batch statistics that are not the neutral ones."""
    recipe = msgspec.structs.replace(load_recipe(DEFAULT_RECIPE), seed=20261123)  # one that gives clear peaks
    training = Training(recipe, stride_on_first_conv=True)
    generator = torch.Generator().manual_seed(6)
    for module in training.average.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.copy_(0.1 * torch.randn(module.num_features, generator=generator))
            module.running_var.copy_(0.5 + torch.rand(module.num_features, generator=generator))
    torch.nn.init.normal_(training.average.evidence.weight, std=0.02)
    torch.nn.init.normal_(training.average.heatmaps.weight, std=0.3)  # clear peaks, as a trained network has
    training.calibration = Calibration(0.25, 0.01, 1.0, 0.5)
    return training


@pytest.fixture(scope="module")
def graph(training):
    return PlateCornerGraph(training.average, training.calibration)


@pytest.fixture(scope="module")
def images():
    return list(np.random.default_rng(0).integers(0, 256, (3, SIZE_PX[1], SIZE_PX[0], 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def single(graph, tmp_path_factory):
    """The graph in single precision; exporting it is slow, so it is done once."""
    return exporting.export_single(graph, SIZE_PX, tmp_path_factory.mktemp("single") / "single.onnx")


@pytest.fixture(scope="module")
def exported(graph, images, single, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "export_single", lambda *_: single)
        exporting.export(graph, path, images, exporting.facts_of(graph))
    return path


def test_folding_batch_norms_changes_nothing(training):
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for expected, found in zip(training.average(x), fold_batch_norms(training.average)(x), strict=True):
            assert torch.allclose(expected, found, rtol=1e-3, atol=1e-3)


def test_graph_normalises_bgr_bytes_and_answers_in_pixels(training, images):
    graph = PlateCornerGraph(training.average, Calibration())
    corners_px, covariances_px2, presence = graph(torch.from_numpy(images[0])[None])
    assert corners_px.shape == (1, 4, 2) and covariances_px2.shape == (1, 4, 2, 2) and presence.shape == (1,)
    assert (corners_px > -8).all() and (corners_px[..., 0] < SIZE_PX[0] + 8).all()
    assert (torch.linalg.eigvalsh(covariances_px2) >= -1e-3).all()


def test_graph_applies_the_calibration(training, images):
    """By definition: scale * moment + (share * mean edge length)^2 + floor^2, and the logit less its offset."""
    batch = torch.from_numpy(images[0])[None]
    bare_px, moments, bare_presence = PlateCornerGraph(training.average, Calibration())(batch)
    corners_px, covariances, presence = PlateCornerGraph(training.average, Calibration(0.5, 0.1, 3.0, 2.0))(
        batch
    )
    assert torch.equal(corners_px, bare_px)
    top, bottom = (float((bare_px[0, b] - bare_px[0, a]).norm()) for a, b in ((0, 1), (3, 2)))
    added = (0.1 * (top + bottom) / 2) ** 2 + 9
    assert torch.allclose(covariances, 0.5 * moments + added * torch.eye(2), rtol=1e-4, atol=1e-3)
    assert torch.allclose(presence.logit(), bare_presence.logit() - 2.0, atol=1e-3)


def test_exported_file_runs_at_any_batch_size_and_agrees_with_torch(exported, graph, images):
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    for count in (1, 3):
        batch = np.stack(images[:count])
        corners_px, covariances_px2, presence = session.run(None, {"images": batch})
        expected = [output.numpy() for output in graph(torch.from_numpy(batch))]
        assert np.abs(corners_px - expected[0]).max() < 0.5  # stored in half
        assert np.allclose(covariances_px2, expected[1], rtol=0.05, atol=0.5)
        assert np.allclose(presence, expected[2], atol=0.01)


def test_exported_graph_takes_images_of_other_sizes(single, graph, images):
    """In single precision, so that random weights on other images leave no doubt."""
    session = onnxruntime.InferenceSession(single.SerializeToString(), providers=["CPUExecutionProvider"])
    for batch in (np.concatenate(images, axis=0)[None], np.concatenate(images[:2], axis=1)[None]):
        found = session.run(None, {"images": batch})
        expected = [output.numpy() for output in graph(torch.from_numpy(batch))]
        assert np.abs(found[0] - expected[0]).max() < exporting.PARITY_LIMIT_PX


def test_exported_file_is_half_the_size_and_one_the_runtime_takes(exported, images):
    weights = sum(np.prod(t.dims) for t in onnx.load(exported).graph.initializer)
    assert 2 * weights < exported.stat().st_size < 2.2 * weights
    location = PlateLocator(open_session(ModelConfig(path=exported, provider="cpu"))).locate([images[0]])[0]
    assert location.corners_px.shape == (4, 2) and 0 <= location.presence <= 1


def test_exported_file_names_no_file_of_this_machine(exported):
    assert str(Path(torch.__file__).parent).encode() not in exported.read_bytes()


def test_training_can_go_on_from_the_exported_file(exported, training):
    resumed = Training.start_from_exported(training.recipe, exported)
    assert resumed.network.stride_on_first_conv
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        for expected, found in zip(training.average(x), resumed.average.eval()(x), strict=True):
            assert torch.allclose(expected, found, rtol=0.05, atol=0.05 * expected.abs().max().item())
    before = resumed.network.layer4[0].bn1.running_mean.clone()
    resumed.train_step(x, torch.tensor([[[9.0, 9], [50, 9], [50, 30], [9, 30]]]), torch.ones(1))
    assert torch.equal(resumed.network.layer4[0].bn1.running_mean, before)


@pytest.mark.parametrize("factor", [-1.0, np.nan])
def test_export_fails_and_writes_nothing_where_torch_and_onnx_differ(
    graph, images, single, tmp_path, monkeypatch, factor
):
    disturbed = onnx.ModelProto()
    disturbed.CopyFrom(single)
    heads = [tensor for tensor in disturbed.graph.initializer if list(tensor.dims) == [4, 2048, 1, 1]]
    for tensor in heads:
        tensor.CopyFrom(
            onnx.numpy_helper.from_array(np.float32(factor) * onnx.numpy_helper.to_array(tensor), tensor.name)
        )
    assert heads
    monkeypatch.setattr(exporting, "export_single", lambda *_: disturbed)
    out = tmp_path / "model.onnx"
    with pytest.raises(GateError, match="not written"):
        exporting.export(graph, out, images, {})
    assert not out.exists()


@pytest.mark.parametrize("out", ["nowhere/out.onnx", "."])
def test_place_that_cannot_be_written_to_is_found_before_the_work(out, tmp_path, capsys):
    assert exporting.main(["--checkpoint", "none.pt", "--out", str(tmp_path / out)]) == 2
    assert "the network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint", "nowhere.pt"], "nowhere.pt"),
        (["--checkpoint", "nowhere.pt", "--size", "641", "480"], "divide by 8"),
        (["--checkpoint", "{out}"], "is read or written by this command already"),
    ],
)
def test_bad_arguments_give_one_clear_line(arguments, message, tmp_path, capsys):
    out = tmp_path / "out.onnx"
    filled = [argument.format(out=out) for argument in arguments]
    assert exporting.main([*filled, "--out", str(out)]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()
