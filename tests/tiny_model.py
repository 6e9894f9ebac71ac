"""A stand-in for the trained network: a tiny ONNX file with the same interface that finds a bright rectangle.

It is no plate detector. It lets fast tests run the real ONNX session, letterbox, batcher and everything after
them on drawn frames: one white, axis-aligned rectangle on a background not lighter than `DARK` (on a darker
one, edges that lie between pixels come back a fraction of a pixel off).

A pixel's weight is how far its darkest channel lies above `DARK`. The weights' centroid is the rectangle's
centre, and their variance gives its size: n equal pixels in a row have variance (n^2 - 1) / 12, so n =
sqrt(12 var + 1). Corners are at the rectangle's outer edge; presence is the weight in fully white pixels /
`FULL_PRESENCE_PX`, at most 1.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.parser

DARK = 128
FULL_PRESENCE_PX = 20
CORNER_VARIANCE_PX2 = 0.25

_GRAPH = """
<ir_version: 10, opset_import: ["" : 18]>
stand_in (uint8[batch,{height},{width},3] images)
    => (float[batch,4,2] corners_px, float[batch,4,2,2] corner_cov_px2, float[batch] presence)
<float dark = {{{dark}}}, float full = {{{full}}}, float variance = {{{variance}}}, float tiny = {{1e-6}},
 float half = {{0.5}}, float one = {{1}}, float twelve = {{12}}, float white = {{{white}}},
 int64[1] channels = {{3}}, int64[2] space = {{1, 2}}, int64[1] last = {{3}},
 int64 zero_i = {{0}}, int64 one_i = {{1}}, int64 axis_h = {{1}}, int64 axis_w = {{2}},
 int64[3] as_column = {{1, -1, 1}}, int64[3] as_row = {{1, 1, -1}},
 float[1,4,2] signs = {{-1, -1, 1, -1, 1, 1, -1, 1}}, float[2,2] eye = {{1, 0, 0, 1}}>
{{
    pixels = Cast <to = 1> (images)
    level = ReduceMin <keepdims = 0> (pixels, channels)
    above = Sub (level, dark)
    lit = Relu (above)
    weight = Div (lit, white)
    total = ReduceSum <keepdims = 1> (weight, space)
    safe_total = Max (total, tiny)

    size = Shape (weight)
    height = Gather (size, axis_h)
    width = Gather (size, axis_w)
    y_i = Range (zero_i, height, one_i)
    x_i = Range (zero_i, width, one_i)
    y_f = Cast <to = 1> (y_i)
    x_f = Cast <to = 1> (x_i)
    y = Reshape (y_f, as_column)
    x = Reshape (x_f, as_row)

    wx = Mul (weight, x)
    wy = Mul (weight, y)
    sum_x = ReduceSum <keepdims = 1> (wx, space)
    sum_y = ReduceSum <keepdims = 1> (wy, space)
    mean_x = Div (sum_x, safe_total)
    mean_y = Div (sum_y, safe_total)
    dx = Sub (x, mean_x)
    dy = Sub (y, mean_y)
    dx2 = Mul (dx, dx)
    dy2 = Mul (dy, dy)
    wdx2 = Mul (weight, dx2)
    wdy2 = Mul (weight, dy2)
    sum_dx2 = ReduceSum <keepdims = 1> (wdx2, space)
    sum_dy2 = ReduceSum <keepdims = 1> (wdy2, space)
    var_x = Div (sum_dx2, safe_total)
    var_y = Div (sum_dy2, safe_total)
    var = Concat <axis = 2> (var_x, var_y)
    var12 = Mul (var, twelve)
    length2 = Add (var12, one)
    length = Sqrt (length2)
    half_length = Mul (length, half)
    offset = Mul (half_length, signs)
    centre = Concat <axis = 2> (mean_x, mean_y)
    corners_px = Add (centre, offset)

    one_cov = Mul (eye, variance)
    zeros = Sub (corners_px, corners_px)
    zeros_per_row = Unsqueeze (zeros, last)
    corner_cov_px2 = Add (zeros_per_row, one_cov)

    total_b = Squeeze (total, space)
    presence_raw = Div (total_b, full)
    presence = Min (presence_raw, one)
}}
"""


def write_tiny_model(path: Path, height: int | str = 480, width: int | str = 640) -> Path:
    """Write the stand-in network to `path` and return it; a name instead of a size leaves that size open."""
    text = _GRAPH.format(
        height=height,
        width=width,
        dark=DARK,
        full=FULL_PRESENCE_PX,
        variance=CORNER_VARIANCE_PX2,
        white=255 - DARK,
    )
    model = onnx.parser.parse_model(text)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
