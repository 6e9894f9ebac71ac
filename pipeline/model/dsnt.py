"""The differentiable spatial-to-numerical transform (DSNT), whole and in a window, as pure functions.

Reference: Nibali, He, Morgan, Prendergast, "Numerical Coordinate Regression with Convolutional Neural Networks",
2018 (arXiv:1801.07372). Shapes: B images, K keypoints, heatmaps of h x w cells.

Coordinates. Cell j of an n-cell axis has the DSNT coordinate u = (2j - (n - 1)) / n, and pixel p of an N-pixel axis
u = (2p + 1) / N - 1, so that the centre of a cell's pixel block is the centre of the cell. Functions here
count in cells (cell centres at integers); `cells_to_px` and `px_to_cells` change the unit.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

WINDOW_RADIUS_CELLS = 4
"""Half-width of the decoding window: 4 standard deviations of the heatmaps that training aims at."""
OUTSIDE = -1e4
"""Logit of the cells outside of a window: no weight after the softmax."""


def normalized_coordinates(cells: int, device: torch.device | None = None) -> Tensor:
    """DSNT coordinates u = (2j - (n - 1)) / n of the n cells of one axis, (n,), all inside (-1, 1)."""
    return (2.0 * torch.arange(cells, device=device) - (cells - 1)) / cells


def cells_to_px(coordinates_cells: Tensor, stride_px: int) -> Tensor:
    """Pixel coordinates of positions given in cells: a cell's centre is the centre of its pixel block."""
    return (coordinates_cells + 0.5) * stride_px - 0.5


def px_to_cells(coordinates_px: Tensor, stride_px: int) -> Tensor:
    """Inverse of `cells_to_px`."""
    return (coordinates_px + 0.5) / stride_px - 0.5


def spatial_softmax(logits: Tensor) -> Tensor:
    """Heatmaps that sum to 1 from logits, both (B, K, h, w)."""
    return functional.softmax(logits.flatten(2), dim=2).view_as(logits)


def dsnt(heatmaps: Tensor) -> Tensor:
    """Expected position over the whole heatmap, (B, K, h, w) -> (B, K, 2), x and y in DSNT coordinates.

    Eq. 5 of the reference: the Frobenius product of the heatmap with the matrix of cell coordinates.
    """
    height, width = heatmaps.shape[-2:]
    x = (heatmaps.sum(dim=-2) * normalized_coordinates(width, heatmaps.device)).sum(dim=-1)
    y = (heatmaps.sum(dim=-1) * normalized_coordinates(height, heatmaps.device)).sum(dim=-1)
    return torch.stack((x, y), dim=-1)


def normalized_to_cells(coordinates: Tensor, size_cells: tuple[int, int]) -> Tensor:
    """Cell positions of DSNT coordinates, both (..., 2); `size_cells` is (width, height)."""
    size = torch.tensor(size_cells, dtype=coordinates.dtype, device=coordinates.device)
    return ((coordinates + 1) * size - 1) / 2


def gaussian_heatmaps(means_cells: Tensor, size_cells: tuple[int, int], sigma_cells: float) -> Tensor:
    """Discrete Gaussians that sum to 1 over the grid: (B, K, 2) means -> (B, K, h, w).

    Near a border the Gaussian is cut off and normalised again, so its expectation lies inside of its mean;
    `windowed_dsnt` undoes that.
    """
    width, height = size_cells
    x = torch.arange(width, device=means_cells.device) - means_cells[..., 0:1]
    y = torch.arange(height, device=means_cells.device) - means_cells[..., 1:2]
    column = functional.softmax(-0.5 * (x / sigma_cells) ** 2, dim=-1)
    row = functional.softmax(-0.5 * (y / sigma_cells) ** 2, dim=-1)
    return row.unsqueeze(-1) * column.unsqueeze(-2)


class Window(NamedTuple):
    """A square around each heatmap's highest cell.

    Attributes:
        centre_cells: (B, K, 2) that cell, x and y.
        x_cells: (B, K, w) offset of every column from it, as a float.
        y_cells: (B, K, h) offset of every row.
        inside: (B, K, h, w) whether a cell belongs to the square.
    """

    centre_cells: Tensor
    x_cells: Tensor
    y_cells: Tensor
    inside: Tensor


def window_around_peak(logits: Tensor) -> Window:
    """The window of 2 WINDOW_RADIUS_CELLS + 1 cells a side around each peak of (B, K, h, w); borders cut it off."""
    height, width = logits.shape[-2:]
    column, row = logits.amax(dim=-2).argmax(dim=-1), logits.amax(dim=-1).argmax(dim=-1)
    x = torch.arange(width, device=logits.device) - column.unsqueeze(-1)
    y = torch.arange(height, device=logits.device) - row.unsqueeze(-1)
    near_x, near_y = (offset.abs() <= WINDOW_RADIUS_CELLS for offset in (x, y))
    inside = near_x.unsqueeze(-2) & near_y.unsqueeze(-1)
    centre = torch.stack((column, row), dim=-1)
    return Window(centre.to(logits.dtype), x.to(logits.dtype), y.to(logits.dtype), inside)


def windowed_dsnt(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Expectation and covariance over a window around each heatmap's peak.

    The expectation over the whole heatmap is pulled by background mass; inside the window it is not. Where the window
    is cut off by the image border, the mean of the Gaussian that was cut off is recovered from the marginals.

    Args:
        logits: (B, K, h, w).

    Returns:
        Means (B, K, 2), x and y in cells, and covariances (B, K, 2, 2) in cells squared.
    """
    window = window_around_peak(logits)
    heatmaps = spatial_softmax(logits.masked_fill(~window.inside, OUTSIDE))
    x, y = window.x_cells, window.y_cells
    column, row = heatmaps.sum(dim=-2), heatmaps.sum(dim=-1)
    mean_x, mean_y = (column * x).sum(dim=-1), (row * y).sum(dim=-1)
    dx, dy = x - mean_x.unsqueeze(-1), y - mean_y.unsqueeze(-1)
    var_x, var_y = (column * dx.square()).sum(dim=-1), (row * dy.square()).sum(dim=-1)
    cov_xy = (heatmaps * dx.unsqueeze(-2) * dy.unsqueeze(-1)).sum(dim=(-2, -1))

    mean_x = _where_cut_off(column, x, mean_x)
    mean_y = _where_cut_off(row, y, mean_y)
    means = torch.stack((mean_x, mean_y), dim=-1) + window.centre_cells
    covariances = torch.stack((var_x, cov_xy, cov_xy, var_y), dim=-1).unflatten(-1, (2, 2))
    return means, covariances


def _where_cut_off(marginal: Tensor, offsets: Tensor, mean: Tensor) -> Tensor:
    """`mean`, replaced by the Gaussian's own mean where the window reaches over the border of the axis.

    The logarithm of a Gaussian is a parabola wherever it is cut; a least-squares parabola through the log marginal,
    weighted by the squared marginal (Guo 2011, "A simple algorithm for fitting a Gaussian function"), has its
    vertex at the mean. `marginal`, `offsets` are (B, K, n), `mean` is (B, K).
    """
    inside = offsets.abs() <= WINDOW_RADIUS_CELLS
    weight = marginal.square() * inside
    log_marginal = marginal.clamp_min(1e-12).log()
    s0, s1, s2, s3, s4 = ((weight * offsets**power).sum(dim=-1) for power in range(5))
    t0, t1, t2 = ((weight * log_marginal * offsets**power).sum(dim=-1) for power in range(3))
    # Cramer's rule for y = a + b x + c x^2; the common determinant cancels in the vertex -b / 2c.
    slope = s0 * (t1 * s4 - s3 * t2) - t0 * (s1 * s4 - s2 * s3) + s2 * (s1 * t2 - t1 * s2)
    curvature = s0 * (s2 * t2 - t1 * s3) - s1 * (s1 * t2 - t1 * s2) + t0 * (s1 * s3 - s2 * s2)
    determinant = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2)
    vertex = -slope / (2 * torch.where(curvature == 0, torch.ones_like(curvature), curvature))

    cut_off = inside.sum(dim=-1) < 2 * WINDOW_RADIUS_CELLS + 1
    is_peak = (curvature * determinant < 0) & ((vertex - mean).abs() < 2.0)
    return torch.where(cut_off & is_peak, vertex, mean)
