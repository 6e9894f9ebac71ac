from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pipeline.inference.letterbox import Letterbox  # noqa: E402
from pipeline.model import ablation, ablation_report, measure  # noqa: E402
from pipeline.model.ablation import gflop, measure_decoders, plain_dsnt  # noqa: E402
from pipeline.model.ablation_report import Row, draw_ablation, table  # noqa: E402
from pipeline.model.calibration import Calibration  # noqa: E402
from pipeline.model.dsnt import gaussian_heatmaps, px_to_cells  # noqa: E402
from pipeline.model.graph import PlateCornerGraph  # noqa: E402
from pipeline.model.measure import SIZE_PX  # noqa: E402
from pipeline.model.network import DilatedResNet50DSNT  # noqa: E402
from pipeline.model.photographs import read_index, select  # noqa: E402
from pipeline.model.recipe import load_recipe  # noqa: E402
from pipeline.model.training import Training, load_network  # noqa: E402

STRIDES_PX = (32, 16, 8)
BACKGROUND = 0.01


class Oracle(torch.nn.Module):
    """A network that knows the corners (4, 2) in input pixels, with a share of its heatmap spread over the image."""

    def __init__(self, stride_px, corners_px):
        super().__init__()
        self.stride_px, self.corners_px = stride_px, corners_px

    def forward(self, images):
        width, height = images.shape[3] // self.stride_px, images.shape[2] // self.stride_px
        cells = px_to_cells(torch.tensor(self.corners_px, device=images.device)[None], self.stride_px)
        heatmaps = gaussian_heatmaps(cells, (width, height), sigma_cells=1.0)
        return ((1 - BACKGROUND) * heatmaps + BACKGROUND / (width * height)).log(), torch.zeros(
            1, device=images.device
        )


@pytest.fixture(scope="module")
def photograph(plate_index):
    return next(photo for photo in read_index(plate_index) if photo.closest is not None)


def _rows(photograph):
    corners_px = Letterbox.fit((photograph.width_px, photograph.height_px), SIZE_PX).to_input_px(
        photograph.closest.corners_px
    )
    for stride_px in STRIDES_PX:
        results = measure_decoders(Oracle(stride_px, corners_px), [photograph])
        for decoder in ("plain", "windowed"):
            yield Row(stride_px, decoder, {"dev": results[decoder]}, gflop=stride_px, ms=2.0)


@pytest.mark.parametrize("v1", [True, False])
@pytest.mark.parametrize("stride_px", STRIDES_PX)
def test_stride_is_the_number_of_pixels_a_cell(stride_px, v1):
    with torch.device("meta"):
        logits, presence = DilatedResNet50DSNT(v1, stride_px).eval()(torch.empty(1, 3, 480, 640))
    assert logits.shape == (1, 4, 480 // stride_px, 640 // stride_px)
    assert presence.shape == (1,)


def test_networks_of_all_strides_take_the_same_weights():
    with torch.device("meta"):
        shapes = [
            {name: tensor.shape for name, tensor in DilatedResNet50DSNT(True, stride_px).state_dict().items()}
            for stride_px in STRIDES_PX
        ]
    assert shapes[0] == shapes[1] == shapes[2]


def _resnet50_gflop(stride_px, v1):
    """By hand: a bottleneck is a 1x1, a 3x3 and a 1x1 convolution; 2 operations for each weight and output cell."""
    cells = 480 * 640 // 4
    operations = cells * 64 * 3 * 49
    cells //= 4
    channels = 64
    for width, blocks, strided in (
        (64, 3, False),
        (128, 4, True),
        (256, 6, stride_px > 8),
        (512, 3, stride_px > 16),
    ):
        before = cells
        cells = cells // 4 if strided else cells
        first = cells if v1 else before
        operations += first * channels * width + cells * (9 * width**2 + 4 * width**2 + channels * 4 * width)
        operations += (blocks - 1) * cells * (4 * width**2 + 9 * width**2 + 4 * width**2)
        channels = 4 * width
    return 2 * (operations + cells * channels * (4 + 4)) / 1e9


@pytest.mark.parametrize("v1", [True, False])
@pytest.mark.parametrize("stride_px", STRIDES_PX)
def test_operations_are_those_of_the_convolutions_counted_by_hand(stride_px, v1):
    assert gflop(stride_px, v1) == pytest.approx(_resnet50_gflop(stride_px, v1), rel=1e-6)


def test_graph_counts_pixels_by_the_networks_own_stride():
    network = DilatedResNet50DSNT(stride_px=32).eval()
    torch.nn.init.zeros_(network.heatmaps.weight)
    corners_px, _, _ = PlateCornerGraph(network, Calibration())(
        torch.zeros(1, 192, 160, 3, dtype=torch.uint8)
    )
    # A flat heatmap: the window sits at cell 0, where the border leaves cells 0 to 4, whose centre is pixel 79.5.
    assert corners_px.flatten().tolist() == pytest.approx([79.5] * 8, abs=1e-3)


def test_plain_dsnt_is_pulled_by_the_background_as_far_as_a_mixture_is_and_the_window_is_not(photograph):
    for row in _rows(photograph):
        (result,) = row.results["dev"]
        if row.decoder == "windowed":
            assert result.error_px < 0.03 * row.stride_px
            continue
        centre = (np.array(SIZE_PX) - 1) / 2
        expected = BACKGROUND * (centre - result.plate.corners_px)
        assert result.errors_px == pytest.approx(expected, abs=0.01)


def test_plain_dsnt_of_one_certain_cell_is_that_cell():
    logits = torch.full((1, 1, 6, 8), -100.0)
    logits[0, 0, 4, 7] = 0
    assert plain_dsnt(logits)[0, 0].tolist() == pytest.approx([7, 4], abs=1e-4)


def test_table_and_plot_have_every_combination(photograph, tmp_path):
    rows = list(_rows(photograph))
    lines = table(rows, "dev").splitlines()
    assert lines[2].startswith("| 32 px | 20x15 | plain | 100.0 |")
    assert lines[-1].startswith("| 8 px | 80x60 | windowed | 100.0 |")
    assert lines[-1].endswith("| 8 | 2 |")
    draw_ablation(rows, "dev", tmp_path / "plot.png")
    assert cv2.imread(str(tmp_path / "plot.png")).std() > 10


def test_training_aims_at_cells_of_the_networks_own_stride(tmp_path):
    training = Training(load_recipe(ablation.ABLATION_RECIPE), False, stride_px=16)
    corners_px = torch.tensor([[[20.0, 12], [70, 14], [69, 40], [21, 38]]])
    network = training.network

    def losses(stride_px):
        oracle = Oracle(stride_px, corners_px[0].numpy())
        network.forward = lambda images: tuple(
            output + 0 * network.heatmaps.weight.sum() for output in oracle(images[:, :, :64, :96])
        )
        return training.train_step(torch.zeros(1, 3, 64, 96), corners_px, torch.ones(1))["corner"]

    assert losses(16) < 0.1 < losses(8)
    del network.forward
    training.save(tmp_path / "checkpoint.pt")
    assert load_network(tmp_path / "checkpoint.pt")[0].stride_px == 16


@pytest.fixture
def small_index(plate_index, tmp_path):
    """Three photographs: two to train on, one to measure on."""
    photographs = read_index(plate_index)
    entries = [json.loads(line) for line in (plate_index / "index.jsonl").read_text().splitlines()]
    names = [photo.path.name for photo in select(photographs, "train") if photo.plates]
    chosen = [entry for entry in entries if entry["file"] in names[:3]]
    chosen[0]["split"] = "dev"
    for entry in chosen:
        entry["file"] = str(plate_index / entry["file"])
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, chosen)))
    return tmp_path


RECIPE = """
seed = 1
sigma_cells = 1.0
presence_weight = 0.2
average_decay = 0.9
weight_decay = 0.01
[[phase]]
width_px = 96
height_px = 64
steps = 9
batch = 1
learning_rate = 1e-3
pretrained_rate = 0.5
plate_width_px = [30.0, 60.0]
drawn_share = 0.5
loss = { divergence = 1.0, distance = 0.2, windowed = 0.0 }
"""


def test_command_trains_its_networks_and_a_second_run_only_measures_them(
    small_index, tmp_path, monkeypatch, capsys
):
    from torchvision.models import resnet50

    monkeypatch.setattr(ablation, "ROUNDS", 1)
    monkeypatch.setattr(ablation, "STRIDES_PX", (32, 8))  # the coarsest and the finest
    for module in (ablation, ablation_report, measure):
        monkeypatch.setattr(module, "SIZE_PX", (96, 64))
    weights = tmp_path / "weights.pt"
    torch.save(resnet50(weights=None).state_dict(), weights)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    options = [
        "--data",
        str(small_index),
        "--imagenet",
        str(weights),
        "--recipe",
        str(tmp_path / "recipe.toml"),
    ]
    options += ["--out", str(tmp_path / "out"), "--steps", "1", "--workers", "0"]
    assert ablation.main(options) == 0
    first = capsys.readouterr().out
    assert "| 3x2 |" in first and "| 12x8 |" in first
    assert ablation.main([*options[:-4], "--steps", "2", "--workers", "0", "--resume"]) == 2
    assert "begun with another --recipe or --steps; leave that out" in capsys.readouterr().err
    monkeypatch.setattr(Training, "train_step", None)
    assert ablation.main([*options, "--resume"]) == 0
    without_ms = [
        [line.rpartition(" | ")[0] for line in text.splitlines()] for text in (first, capsys.readouterr().out)
    ]
    assert without_ms[0] == without_ms[1]


def test_recipe_whose_sides_do_not_divide_by_32_is_refused(small_index, tmp_path, capsys):
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("width_px = 96", "width_px = 104", 1))
    assert ablation.main(["--data", str(small_index), "--recipe", str(tmp_path / "recipe.toml")]) == 2
    assert "must divide by 32" in capsys.readouterr().err
