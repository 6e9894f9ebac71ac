"""A tiny network with the shipped one's interface and parts: normalisation, residual blocks, two heads, decoding."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import numpy_helper, parser  # noqa: E402

SIZE_PX = (96, 64)

_GRAPH = """
<ir_version: 10, opset_import: ["" : 20]>
tiny (uint8[batch,height,width,3] images)
    => (float[batch,4,2] corners_px, float[batch,4,2,2] corner_cov_px2, float[batch] presence)
<float gain = {0.016}, float offset = {-2}, int64[1] rows = {2}, int64[1] columns = {3},
 int64[1] last = {2}, int64 zero = {0}, int64 one = {1}, int64 first = {2}, int64 second = {3},
 int64[3] flat = {0, 4, -1}, float cell = {4}, float centre = {1.5}, float[2,2] eye = {1, 0, 0, 1}>
{
    channels_first = Transpose <perm = [0, 3, 1, 2]> (images)
    pixels = Cast <to = 1> (channels_first)
    scaled = Mul (pixels, gain)
    normalised = Add (scaled, offset)

    stem = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]> (normalised, w_stem, b_stem)
    stem_relu = Relu (stem)
    pooled = MaxPool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]> (stem_relu)
    a = Conv <kernel_shape = [3, 3], pads = [2, 2, 2, 2], dilations = [2, 2]> (pooled, w_a, b_a)
    a_relu = Relu (a)
    b = Conv <kernel_shape = [1, 1]> (a_relu, w_b, b_b)
    first_sum = Add (b, pooled)
    first_block = Relu (first_sum)
    c = Conv <kernel_shape = [1, 1]> (first_block, w_c, b_c)
    last_sum = Add (c, first_block)
    features = Relu (last_sum)

    logits = Conv <kernel_shape = [1, 1]> (features, w_heatmaps, b_heatmaps)
    flat_logits = Reshape (logits, flat)
    flat_maps = Softmax (flat_logits)
    shape = Shape (logits)
    maps = Reshape (flat_maps, shape)
    map_height = Gather (shape, first)
    map_width = Gather (shape, second)
    y_i = Range (zero, map_height, one)
    x_i = Range (zero, map_width, one)
    y = Cast <to = 1> (y_i)
    x = Cast <to = 1> (x_i)
    x_marginal = ReduceSum <keepdims = 0> (maps, rows)
    y_marginal = ReduceSum <keepdims = 0> (maps, columns)
    x_weighted = Mul (x_marginal, x)
    y_weighted = Mul (y_marginal, y)
    x_mean = ReduceSum (x_weighted, last)
    y_mean = ReduceSum (y_weighted, last)
    cells = Concat <axis = 2> (x_mean, y_mean)
    cells_px = Mul (cells, cell)
    corners_px = Add (cells_px, centre)

    nothing = Sub (corners_px, corners_px)
    a_row = Unsqueeze (nothing, columns)
    corner_cov_px2 = Add (a_row, eye)
    evidence = Conv <kernel_shape = [1, 1]> (features, w_evidence, b_evidence)
    seen = Mul (maps, evidence)
    everywhere = ReduceSum <keepdims = 0> (seen, all_axes)
    presence = Sigmoid (everywhere)
}
"""
_WEIGHTS = {
    "stem": (16, 3, 3, 3),
    "a": (16, 16, 3, 3),
    "b": (16, 16, 1, 1),
    "c": (16, 16, 1, 1),
    "heatmaps": (4, 16, 1, 1),
    "evidence": (4, 16, 1, 1),
}


@pytest.fixture(scope="session")
def tiny_network():
    """The network with random weights in single precision; batch, height and width are open."""
    model = parser.parse_model(_GRAPH)
    rng = np.random.default_rng(8)
    tensors = {"all_axes": np.array([1, 2, 3])}
    for name, shape in _WEIGHTS.items():
        spread = np.sqrt(2 / np.prod(shape[1:])) * rng.uniform(0.3, 2, (shape[0], 1, 1, 1))  # channels differ
        spread = 0.2 * spread if name == "heatmaps" else spread  # blurred maps, whose mean moves little
        tensors[f"w_{name}"] = (spread * rng.standard_normal(shape)).astype(np.float32)
        tensors[f"b_{name}"] = (0.1 * rng.standard_normal(shape[0])).astype(np.float32)
    model.graph.initializer.extend(numpy_helper.from_array(t, name) for name, t in tensors.items())
    for node in model.graph.node:
        node.name = f"node_{node.output[0]}"
    model.metadata_props.add(key="task", value="plate-corners")
    model.metadata_props.add(key="input", value=f"{SIZE_PX[0]}x{SIZE_PX[1]} BGR uint8 NHWC")
    onnx.checker.check_model(model, full_check=True)
    return model


@pytest.fixture(scope="session")
def smooth_images():
    """Ten (H, W, 3) uint8 images with structure at several scales, as photographs have."""
    rng = np.random.default_rng(3)
    images = []
    for _ in range(10):
        coarse = (
            rng.integers(0, 256, (SIZE_PX[1] // 8, SIZE_PX[0] // 8, 3)).repeat(8, axis=0).repeat(8, axis=1)
        )
        images.append(np.clip(coarse + rng.normal(0, 10, coarse.shape), 0, 255).astype(np.uint8))
    return images
