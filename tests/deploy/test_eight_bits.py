from __future__ import annotations

import numpy as np
import pytest

from tests.deploy.conftest import SIZE_PX

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

import onnxruntime  # noqa: E402
from onnx import TensorProto, numpy_helper, parser  # noqa: E402

from deploy.eight_bits import backbone, in_single_precision, quantized, ranges  # noqa: E402
from deploy.onnx_graph import store_in_half  # noqa: E402
from pipeline.errors import GateError  # noqa: E402
from pipeline.inference.start_session import session_options  # noqa: E402


@pytest.fixture(scope="module")
def eight_bits(tiny_network, smooth_images):
    return quantized(tiny_network, smooth_images[:6])


def run(model, images):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(), providers=["CPUExecutionProvider"]
    )
    return session.run(["corners_px", "corner_cov_px2", "presence"], {"images": images})


def tensor(model, name):
    return numpy_helper.to_array(next(t for t in model.graph.initializer if t.name == name))


def test_single_precision_undoes_the_storage_in_half(tiny_network, smooth_images):
    halved = store_in_half(tiny_network)
    single = in_single_precision(halved)
    assert TensorProto.FLOAT16 in {t.data_type for t in halved.graph.initializer}
    assert TensorProto.FLOAT16 not in {t.data_type for t in single.graph.initializer}
    assert len(single.graph.node) == len(tiny_network.graph.node)
    for expected, found in zip(
        run(halved, smooth_images[0][None]), run(single, smooth_images[0][None]), strict=True
    ):
        np.testing.assert_array_equal(expected, found)


def test_backbone_ends_at_the_features_that_the_heads_see(tiny_network):
    assert [name.removeprefix("node_") for name in backbone(tiny_network.graph)] == [
        *("stem", "stem_relu", "pooled", "a", "a_relu", "b", "first_sum", "first_block"),
        *("c", "last_sum", "features"),
    ]


def test_ranges_reach_over_all_images(tiny_network, smooth_images):
    images = [*smooth_images[:3], smooth_images[3] // 2]
    low, high = ranges(tiny_network, images)["normalised"].range_value
    assert low == pytest.approx(0.016 * min(image.min() for image in images) - 2, abs=1e-5)
    assert high == pytest.approx(0.016 * max(image.max() for image in images) - 2, abs=1e-5)


@pytest.mark.parametrize("name", ["stem", "a", "b", "c"])
def test_weights_are_integers_with_a_step_for_each_channel(tiny_network, eight_bits, name):
    original = tensor(tiny_network, f"w_{name}")
    integers, steps = tensor(eight_bits, f"w_{name}_quantized"), tensor(eight_bits, f"w_{name}_scale")
    assert integers.dtype == np.int8 and steps.shape == (len(original),)
    steps = steps[:, None, None, None]
    assert (np.abs(integers * steps - original) <= 0.51 * steps).all()


def test_heads_keep_their_weights(tiny_network, eight_bits):
    for name in ("w_heatmaps", "w_evidence", "b_heatmaps"):
        np.testing.assert_array_equal(tensor(tiny_network, name), tensor(eight_bits, name))


def test_the_runtime_computes_every_backbone_convolution_on_integers(eight_bits, tmp_path):
    """ONNX Runtime silently computes in single precision where a pattern does not fit."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3
    onnxruntime.InferenceSession(eight_bits.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    assert kinds.count("QLinearConv") == 4
    assert kinds.count("QLinearAdd") == 2
    assert sum(kind in ("Conv", "FusedConv") for kind in kinds) == 2  # the heads


@pytest.mark.parametrize("size_px", [SIZE_PX, (48, 32)])
def test_answers_stay_at_any_batch_and_size(tiny_network, eight_bits, smooth_images, size_px):
    width, height = size_px
    batch = np.stack([image[:height, :width] for image in smooth_images[6:]])
    single, integer = run(tiny_network, batch), run(eight_bits, batch)
    spread_px = np.ptp(single[0], axis=0).mean()
    error_px = np.abs(single[0] - integer[0])
    assert 0 < error_px.mean() < 0.1 * spread_px
    assert np.abs(single[2] - integer[2]).max() < 0.02


def test_the_file_still_says_what_it_is(tiny_network, eight_bits):
    assert {p.key: p.value for p in eight_bits.metadata_props} == {
        p.key: p.value for p in tiny_network.metadata_props
    }
    assert [d.dim_param for d in eight_bits.graph.input[0].type.tensor_type.shape.dim] == [
        *("batch", "height", "width", "")
    ]


def test_network_without_a_backbone_is_refused(tiny_network, smooth_images):
    headless = onnx.ModelProto()
    headless.CopyFrom(tiny_network)
    for node in headless.graph.node:
        node.op_type = "Identity" if node.op_type == "Conv" else node.op_type
    with pytest.raises(GateError, match="nothing to quantise"):
        quantized(headless, smooth_images[:1])


def test_sums_of_bytes_do_not_overflow_on_any_processor():
    """Without VNNI, pairs of products are added in 16 bits; a plain session gives about half of this sum there."""
    one_layer = parser.parse_model("""
        <ir_version: 10, opset_import: ["" : 20]>
        layer (uint8[1, 64, 8, 8] x) => (uint8[1, 16, 8, 8] y)
        <float one = {1}, float step = {10160}, uint8 zero = {0}, int8 signed_zero = {0}>
        { y = QLinearConv <kernel_shape = [1, 1]> (x, one, zero, w, one, signed_zero, step, zero) }
    """)
    one_layer.graph.initializer.append(numpy_helper.from_array(np.full((16, 64, 1, 1), 127, np.int8), "w"))
    session = onnxruntime.InferenceSession(
        one_layer.SerializeToString(), session_options(), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"x": np.full((1, 64, 8, 8), 255, np.uint8)})
    assert (y == 64 * 255 * 127 // 10160).all()
