from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from pipeline.model import dsnt, loss  # noqa: E402


def test_js_divergence_worked_out_by_hand():
    p = torch.tensor([[[[1.0, 0.0]]]])
    q = torch.tensor([[[[0.5, 0.5]]]])
    expected = 0.5 * math.log(1 / 0.75) + 0.5 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert loss.js_divergence(p, q).item() == pytest.approx(expected, abs=1e-6)


def test_js_divergence_is_symmetric_zero_for_equals_and_ln2_for_strangers():
    p, q = (torch.zeros(1, 1, 4, 4) for _ in range(2))
    p[0, 0, 0, 0] = q[0, 0, 3, 3] = 1
    assert loss.js_divergence(p, p).item() == pytest.approx(0, abs=1e-6)
    assert loss.js_divergence(p, q).item() == pytest.approx(math.log(2), abs=1e-6)
    assert loss.js_divergence(p, q) == loss.js_divergence(q, p)


def test_corner_loss_of_a_shifted_delta_is_its_distance_in_cells():
    logits = torch.full((1, 1, 24, 32), -80.0)
    logits[0, 0, 10, 13] = 80
    value = loss.corner_loss(logits, torch.tensor([[[10.0, 14.0]]]), 1.0, loss.LossWeights(0, 1, 0))
    assert value.item() == pytest.approx(5.0, abs=1e-3)


def test_corner_loss_is_zero_where_the_heatmap_is_the_target_even_at_a_border():
    corner = torch.tensor([[[0.2, 11.6]]])
    logits = dsnt.gaussian_heatmaps(corner, (16, 12), 1.0).clamp_min(1e-37).log()
    assert loss.corner_loss(logits, corner, 1.0, loss.LossWeights(1, 1, 1)).item() < 1e-3


def test_windowed_loss_is_the_distance_in_the_window_and_nothing_outside_matters():
    corner = torch.tensor([[[20.0, 14.0]]])
    logits = dsnt.gaussian_heatmaps(corner + 0.5, (32, 24), 1.0).clamp_min(1e-30).log()
    windowed = loss.LossWeights(0, 0, 1)
    value = loss.corner_loss(logits, corner, 1.0, windowed).item()
    assert value == pytest.approx(0.5 * 2**0.5, abs=0.02)
    logits[0, 0, 2, 3] = -4  # background mass far from the peak
    assert loss.corner_loss(logits, corner, 1.0, windowed).item() == pytest.approx(value, abs=1e-6)


def test_windowed_loss_leaves_a_peak_that_is_elsewhere_to_the_other_terms():
    logits = torch.full((1, 1, 24, 32), -80.0)
    logits[0, 0, 3, 3] = 80
    logits.requires_grad_()
    value = loss.corner_loss(logits, torch.tensor([[[25.0, 14.0]]]), 1.0, loss.LossWeights(0, 0, 1))
    value.sum().backward()
    assert value.item() == 0 and torch.equal(logits.grad, torch.zeros_like(logits))


def test_gradients_agree_with_finite_differences():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 2, 5, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    corners = torch.rand(2, 2, 2, generator=generator, dtype=torch.float64) * 4
    targets = dsnt.gaussian_heatmaps(corners, (6, 5), 1.0)
    wanted = dsnt.normalized_to_cells(dsnt.dsnt(targets), (6, 5))
    assert torch.autograd.gradcheck(lambda z: loss.js_divergence(dsnt.spatial_softmax(z), targets), logits)
    assert torch.autograd.gradcheck(
        lambda z: loss.euclidean_distance(
            dsnt.normalized_to_cells(dsnt.dsnt(dsnt.spatial_softmax(z)), (6, 5)), wanted
        ),
        logits,
    )
    window_targets = dsnt.gaussian_heatmaps(dsnt.windowed_dsnt(logits)[0].detach() + 0.3, (6, 5), 1.0)
    assert torch.autograd.gradcheck(lambda z: loss._windowed_distance(z, window_targets), logits)
