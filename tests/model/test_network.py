from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pipeline.errors import GateError  # noqa: E402
from pipeline.model.network import DilatedResNet50DSNT  # noqa: E402
from pipeline.model.weights import load_imagenet  # noqa: E402


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DilatedResNet50DSNT().eval()


@pytest.mark.parametrize(("width", "height"), [(640, 480), (320, 240), (72, 40)])
def test_heatmaps_have_a_cell_for_every_eight_pixels_at_any_size_that_divides_by_eight(
    network, width, height
):
    with torch.inference_mode():
        logits, presence = network(torch.zeros(1, 3, height, width))
    assert logits.shape == (1, 4, height // 8, width // 8)
    assert presence.shape == (1,)


def test_last_two_stages_are_dilated_and_not_strided(network):
    for stage in (network.layer3, network.layer4):
        assert all(
            module.stride == (1, 1) for module in stage.modules() if isinstance(module, torch.nn.Conv2d)
        )
    assert network.layer3[1].conv2.dilation == (2, 2)
    assert network.layer4[1].conv2.dilation == (4, 4)


def test_presence_is_the_evidence_averaged_under_each_corners_heatmap():
    torch.manual_seed(4)
    network = DilatedResNet50DSNT().eval().requires_grad_(False)
    torch.nn.init.normal_(network.evidence.weight, std=0.1)
    features = {}
    network.layer4.register_forward_hook(lambda *call: features.update(out=call[2]))
    logits, presence = network(torch.randn(1, 3, 64, 64))
    values = features["out"][0].flatten(1).numpy()
    evidence = network.evidence.weight[:, :, 0, 0].numpy() @ values + network.evidence.bias.numpy()[:, None]
    attention = np.exp(logits[0].flatten(1).numpy())
    expected = (attention * evidence).sum(axis=1) / attention.sum(axis=1)
    assert presence.item() == pytest.approx(expected.sum(), rel=1e-3, abs=1e-4)


def test_presence_loss_leaves_the_heatmaps_alone():
    torch.manual_seed(1)
    network = DilatedResNet50DSNT()
    torch.nn.init.normal_(network.evidence.weight, std=0.1)
    network(torch.randn(2, 3, 32, 32))[1].sum().backward()
    assert network.evidence.weight.grad.abs().sum() > 0
    assert network.heatmaps.weight.grad is None


def test_imagenet_file_fills_the_backbone_and_names_what_it_lacks(tmp_path):
    from torchvision.models import resnet50

    torch.manual_seed(2)
    weights = {
        k: v for k, v in resnet50(weights=None).state_dict().items() if not k.startswith(("fc.", "layer4"))
    }
    torch.save(weights, tmp_path / "weights.pt")
    network = DilatedResNet50DSNT()
    missing = load_imagenet(network, tmp_path / "weights.pt")
    assert torch.equal(network.stem[0].weight, weights["conv1.weight"])
    assert torch.equal(network.layer3[5].conv3.weight, weights["layer3.5.conv3.weight"])
    assert missing and all(name.startswith("layer4.") for name in missing)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"blocks.0.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(GateError, match=r"other\.pt.*not ResNet50"):
        load_imagenet(DilatedResNet50DSNT(), tmp_path / "other.pt")
