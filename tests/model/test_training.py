from __future__ import annotations

import errno
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pipeline.errors import GateError  # noqa: E402
from pipeline.model import train  # noqa: E402
from pipeline.model.calibration import Calibration  # noqa: E402
from pipeline.model.checkpoint import write_checkpoint  # noqa: E402
from pipeline.model.network import DilatedResNet50DSNT  # noqa: E402
from pipeline.model.recipe import DEFAULT_RECIPE, load_recipe  # noqa: E402
from pipeline.model.training import Training, load_network  # noqa: E402
from pipeline.model.weights import load_imagenet  # noqa: E402

RECIPE = """
seed = 1
sigma_cells = 1.0
presence_weight = 0.2
average_decay = 0.9
weight_decay = 0.01
[[phase]]
width_px = 96
height_px = 72
steps = 2
batch = 2
learning_rate = 1e-3
pretrained_rate = 0.5
plate_width_px = [30.0, 60.0]
drawn_share = 0.5
loss = { divergence = 1.0, distance = 0.2, windowed = 0.0 }
[[phase]]
width_px = 128
height_px = 96
steps = 1
batch = 2
learning_rate = 1e-4
pretrained_rate = 0.5
plate_width_px = [30.0, 80.0]
drawn_share = 0.5
loss = { divergence = 0.5, distance = 0.0, windowed = 1.0 }
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from torchvision.models import resnet50

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet50.pt"
    torch.save(resnet50(weights=None).state_dict(), path)
    return path


def _arguments(plate_index, weights, out, recipe):
    data = ["--data", str(plate_index), "--imagenet", str(weights), "--recipe", str(recipe)]
    return [*data, "--out", str(out), "--workers", "1", "--validation-images", "1", "--validate-every", "3"]


@pytest.fixture(scope="module")
def finished_run(plate_index, weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "recipe.toml").write_text(RECIPE)
    assert train.main(_arguments(plate_index, weights, folder / "out", folder / "recipe.toml")) == 0
    return folder


def test_run_leaves_checkpoint_log_and_curve(finished_run):
    entries = [json.loads(line) for line in (finished_run / "out/log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries if "corner" in entry] == [1, 2, 3]
    assert (finished_run / "out/curve.png").stat().st_size > 10_000
    network, calibration = load_network(finished_run / "out/checkpoint.pt")
    assert not network.training and calibration != Calibration()


def test_a_new_run_does_not_overwrite_one_that_is_there(finished_run, plate_index, weights, capsys):
    kept = {path: path.read_bytes() for path in (finished_run / "out").iterdir()}
    assert (
        train.main(_arguments(plate_index, weights, finished_run / "out", finished_run / "recipe.toml")) == 2
    )
    assert "checkpoint.pt: a run is here already; go on with --resume, or give" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (finished_run / "out").iterdir()} == kept


def test_resumed_run_ends_where_an_uninterrupted_one_does(
    finished_run, plate_index, weights, tmp_path, monkeypatch
):
    arguments = _arguments(plate_index, weights, tmp_path / "out", finished_run / "recipe.toml")
    step = Training.train_step

    def interrupted(self, *batch):
        if self.step == 1:
            raise KeyboardInterrupt
        return step(self, *batch)

    monkeypatch.setattr(Training, "train_step", interrupted)
    assert train.main(arguments) == 130
    monkeypatch.setattr(Training, "train_step", step)
    assert train.main([*arguments, "--resume"]) == 0
    whole, resumed = (load_network(folder / "out/checkpoint.pt")[0] for folder in (finished_run, tmp_path))
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.allclose(a.float(), b.float(), atol=1e-5)


@pytest.mark.parametrize(
    ("more", "option"),
    [
        (["--recipe", str(DEFAULT_RECIPE)], "--recipe"),
        (["--start", "a.onnx"], "--start"),
        (["--resnet-v1"], "--resnet-v1"),
    ],
)
def test_run_is_not_gone_on_with_under_other_options(finished_run, plate_index, capsys, more, option):
    assert (
        train.main(["--data", str(plate_index), "--out", str(finished_run / "out"), "--resume", *more]) == 2
    )
    assert f"the run there was begun with another {option}; leave that out" in capsys.readouterr().err


def test_frozen_layers_stay_and_the_others_learn(finished_run, weights):
    start = torch.load(weights, weights_only=True)
    network, _ = load_network(finished_run / "out/checkpoint.pt")
    assert torch.equal(network.layer1[0].conv1.weight, start["layer1.0.conv1.weight"])
    assert not torch.equal(network.layer3[0].conv1.weight, start["layer3.0.conv1.weight"])


def test_one_batch_can_be_learned_by_heart():
    """The losses, the learning rates and the heads together find the corners of a batch they see again and again."""
    torch.manual_seed(0)
    recipe = load_recipe(DEFAULT_RECIPE)
    training = Training(recipe, stride_on_first_conv=False)
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.standard_normal((2, 3, 64, 96)).astype(np.float32))
    corners = torch.tensor([[[20.0, 12], [70, 14], [69, 40], [21, 38]]] * 2)
    losses = [training.train_step(images, corners, torch.ones(2))["corner"] for _ in range(10)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("steps = 2", "step = 2"), "step"),
        (("width_px = 96", "width_px = 100"), r"multiple of 8 - at `\$\.phase\[0\]\.width_px`"),
        (("height_px = 72", "height_px = 0"), "height_px"),
        (("seed", "sed"), "sed"),
        (("seed = 1", "seed = -1"), "seed"),
        (("sigma_cells = 1.0", "sigma_cells = 0.0"), "sigma_cells"),
        (("average_decay = 0.9", "average_decay = 1.0"), "average_decay"),
        (("steps = 2", "steps = -5"), r"phase\[0\]\.steps"),
        (("batch = 2", "batch = 0"), r"phase\[0\]\.batch"),
        (("learning_rate = 1e-3", "learning_rate = -1e-3"), "learning_rate"),
        (("pretrained_rate = 0.5", "pretrained_rate = 1.5"), "pretrained_rate"),
        (("drawn_share = 0.5", "drawn_share = 50"), "drawn_share"),
        (("learning_rate = 1e-3", "learning_rate = nan"), "learning_rate"),
        (("learning_rate = 1e-3", "learning_rate = inf"), "learning_rate"),
        (("windowed = 0.0", "windowed = -1.0"), r"loss\.windowed"),
        (
            ("windowed = 0.0", "windowed = 0.0, window = 1.0"),
            r"unknown field `window` - at `\$\.phase\[0\]\.loss`",
        ),
        ((RECIPE[RECIPE.index("[[phase]]") :], "phase = []"), "phase"),
        (("seed = 1", "seed = 1 # \udce9"), "not a text file in UTF-8"),
        (("[30.0, 60.0]", "[60.0, 30.0]"), r"the smallest plate_width_px comes first - at `\$\.phase\[0\]`"),
    ],
)
def test_wrong_recipe_is_named(tmp_path, change, message):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace(*change, 1), errors="surrogateescape")
    with pytest.raises(GateError, match=message):
        load_recipe(path)


def test_byte_order_mark_is_no_part_of_a_recipe(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("\ufeff" + RECIPE)
    assert load_recipe(path).steps == 3


@pytest.mark.parametrize("load", [Training.load, load_network])
@pytest.mark.parametrize(
    "changes",
    [
        {"calibration": {"scale": 1.0}},
        {"calibration": None},
        {"calibration": {"covariance_scale": float("nan")}},
        {"calibration": {"covariance_scale": "a"}},
        {"stride_px": 7},
        {"average": {"stem.0.weight": torch.zeros(2)}, "optimizer": {}},
        {"average": [], "recipe": {"seed": 1}},
    ],
    ids=["calibration", "no calibration", "nan", "text", "stride", "tensors", "types"],
)
def test_checkpoint_with_other_contents_is_refused(finished_run, tmp_path, load, changes):
    state = torch.load(finished_run / "out/checkpoint.pt", weights_only=True)
    write_checkpoint(tmp_path / "other.pt", state | changes)
    with pytest.raises(GateError, match=r"other\.pt: not a checkpoint of the large network as it is now"):
        load(tmp_path / "other.pt")


def test_full_disk_is_told_and_leaves_the_old_checkpoint_alone(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"old")
    write = Path.write_bytes

    def until_full(self, data):
        write(self, data[:10])
        if data:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", until_full)
    with pytest.raises(GateError, match=r"checkpoint\.pt: cannot write .* \(No space left on device\)"):
        write_checkpoint(path, {"step": 1})
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"checkpoint.pt": b"old"}


class Harmful:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return (print, ("run",))


def _zipped(data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3")
        archive.writestr("archive/byteorder", "little")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"not a checkpoint",
        b"",
        b"\x80\x02.",
        b"\x80\x04\x95",
        b"\x80\x02K\x01K\x02s.",
        _zipped(b"\x80\x02h\x07."),
        _zipped(b"\x80\x02(0."),
        pickle.dumps(Harmful(), protocol=2),
        pickle.dumps([1, 2], protocol=2),
    ],
)
def test_file_that_is_no_checkpoint_is_refused(tmp_path, capsys, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(
        GateError, match=r"checkpoint\.pt: not a checkpoint of the large network \("
    ) as refusal:
        load_network(path)
    assert "PyTorch" not in str(refusal.value) and "\n" not in str(refusal.value)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("holds", "message"),
    [
        ({"x": 1}, "not ResNet50 weights alone"),
        ({1: torch.zeros(2)}, "not ResNet50 weights alone"),
        ({"step": 3, "network": {"stem.0.weight": torch.zeros(2)}}, "not ResNet50 weights alone"),
        ({"conv1.weight": torch.zeros(2)}, "not ResNet50 weights with torchvision's names"),
        ({}, "holds 0 of ResNet50's 265 tensors"),
        ([1, 2], "it holds a list"),
    ],
)
def test_file_that_holds_no_imagenet_weights_is_refused(tmp_path, network, holds, message):
    torch.save(holds, tmp_path / "weights.pt")
    with pytest.raises(GateError, match=rf"weights\.pt: .*{message}"):
        load_imagenet(network, tmp_path / "weights.pt")


@pytest.fixture(scope="module")
def network():
    return DilatedResNet50DSNT()


def test_missing_weights_are_named(tmp_path, network):
    with pytest.raises(GateError, match=r"nowhere\.pt: not a checkpoint of ImageNet weights"):
        load_imagenet(network, tmp_path / "nowhere.pt")
