from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from pipeline.model import dsnt  # noqa: E402

SIZE_CELLS = (80, 60)
STRIDE_PX = 8


def test_normalized_coordinates_of_four_cells_are_the_cell_centres_of_the_unit_interval():
    assert dsnt.normalized_coordinates(4).tolist() == [-0.75, -0.25, 0.25, 0.75]


def test_dsnt_of_a_heatmap_worked_out_by_hand():
    heatmap = torch.tensor([[[[0.0, 0.5, 0.0], [0.0, 0.25, 0.25]]]])
    # columns -2/3, 0, 2/3 with mass 0, 0.75, 0.25; rows -1/2, 1/2 with mass 0.5, 0.5
    assert dsnt.dsnt(heatmap)[0, 0].tolist() == pytest.approx([0.25 * 2 / 3, 0.0])


@pytest.mark.parametrize("cell", [(0, 0), (79, 59), (17, 42)])
def test_delta_heatmap_gives_the_pixel_centre_of_the_cells_block(cell):
    x, y = cell
    heatmap = torch.zeros(1, 1, SIZE_CELLS[1], SIZE_CELLS[0])
    heatmap[0, 0, y, x] = 1
    cells = dsnt.normalized_to_cells(dsnt.dsnt(heatmap), SIZE_CELLS)
    found_px = dsnt.cells_to_px(cells, STRIDE_PX)[0, 0]
    block_x = sum(range(x * STRIDE_PX, (x + 1) * STRIDE_PX)) / STRIDE_PX
    block_y = sum(range(y * STRIDE_PX, (y + 1) * STRIDE_PX)) / STRIDE_PX
    assert found_px.tolist() == pytest.approx([block_x, block_y], abs=1e-3)


def test_windowed_dsnt_of_a_delta_gives_the_pixel_centre_of_the_cells_block():
    logits = torch.full((1, 1, 60, 80), -50.0)
    logits[0, 0, 30, 40] = 50
    means, covariances = dsnt.windowed_dsnt(logits)
    assert dsnt.cells_to_px(means, STRIDE_PX)[0, 0].tolist() == pytest.approx([323.5, 243.5], abs=1e-3)
    assert covariances.abs().max() < 1e-6


def test_px_and_cells_are_inverse():
    px = torch.tensor([[0.0, 3.5], [639.0, 479.0]])
    assert torch.allclose(dsnt.cells_to_px(dsnt.px_to_cells(px, STRIDE_PX), STRIDE_PX), px)


@pytest.mark.parametrize("sigma_cells", [0.8, 1.0, 1.3])
def test_gaussian_anywhere_comes_back_within_a_tenth_of_a_pixel(sigma_cells):
    """Random means over the whole image, borders and corners included."""
    generator = torch.Generator().manual_seed(7)
    width_px, height_px = SIZE_CELLS[0] * STRIDE_PX, SIZE_CELLS[1] * STRIDE_PX
    means_px = torch.rand(1, 400, 2, generator=generator, dtype=torch.float64)
    means_px = means_px * torch.tensor([width_px - 1, height_px - 1])
    borders = torch.tensor([[0, 0], [639, 0], [0, 240], [320, 479], [639, 479], [2.2, 100.7]])
    means_px = torch.cat((means_px, borders[None].double()), dim=1)
    means_cells = dsnt.px_to_cells(means_px, STRIDE_PX)
    x = torch.arange(80) - means_cells[..., 0, None, None]
    y = torch.arange(60)[:, None] - means_cells[..., 1, None, None]
    logits = (-0.5 * (x**2 + y**2) / sigma_cells**2).float()
    found_px = dsnt.cells_to_px(dsnt.windowed_dsnt(logits)[0], STRIDE_PX)
    assert (found_px - means_px).norm(dim=-1).max() < 0.1


def test_windowed_covariance_is_that_of_the_gaussian_away_from_borders():
    mean = torch.tensor([40.3, 30.8])
    precision = torch.linalg.inv(torch.tensor([[0.7, 0.2], [0.2, 0.5]]))
    offset = torch.stack(torch.meshgrid(torch.arange(80.0), torch.arange(60.0), indexing="xy"), dim=-1) - mean
    logits = -0.5 * torch.einsum("hwi,ij,hwj->hw", offset, precision, offset)
    covariance = dsnt.windowed_dsnt(logits[None, None])[1][0, 0]
    assert covariance.flatten().tolist() == pytest.approx([0.7, 0.2, 0.2, 0.5], abs=0.001)


def test_background_mass_pulls_the_whole_expectation_but_not_the_windowed_one():
    logits = dsnt.gaussian_heatmaps(torch.tensor([[[70.0, 30.0]]]), SIZE_CELLS, 1.0).clamp_min(1e-30).log()
    logits = torch.maximum(logits, torch.tensor(-11.0))
    whole = dsnt.normalized_to_cells(dsnt.dsnt(dsnt.spatial_softmax(logits)), SIZE_CELLS)[0, 0]
    windowed = dsnt.windowed_dsnt(logits)[0][0, 0]
    assert abs(whole[0] - 70) * STRIDE_PX > 8
    assert abs(windowed[0] - 70) * STRIDE_PX < 0.02


def test_gaussian_heatmaps_sum_to_one_and_peak_at_the_mean():
    heatmaps = dsnt.gaussian_heatmaps(torch.tensor([[[12.0, 7.0], [0.0, 59.0]]]), SIZE_CELLS, 1.0)
    assert heatmaps.sum(dim=(-2, -1)).flatten().tolist() == pytest.approx([1, 1], abs=1e-5)
    assert heatmaps[0, 0].argmax() == 7 * 80 + 12
    assert heatmaps[0, 0, 7, 13] / heatmaps[0, 0, 7, 12] == pytest.approx(math.exp(-0.5), abs=1e-5)


def test_gradients_agree_with_finite_differences():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 2, 5, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: dsnt.dsnt(dsnt.spatial_softmax(z)), logits)
    assert torch.autograd.gradcheck(lambda z: dsnt.windowed_dsnt(z)[0], logits)
