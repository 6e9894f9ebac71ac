"""From a torch module to an ONNX graph that is complete in itself, and its weights in half the space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from pipeline.errors import GateError
from pipeline.inference.session import CornerOutput
from pipeline.model.network import STRIDE_PX

SMALLEST_HALVED = 256
"""Tensors with fewer elements stay in single precision: they weigh nothing."""


def export_single(
    graph: nn.Module, size_px: tuple[int, int], path: Path, any_size: bool = True
) -> onnx.ModelProto:
    """Export with single-precision weights; the batch stays open.

    Args:
        graph: takes (B, H, W, 3) uint8 and gives what `CornerOutput` holds.
        size_px: (width, height) of the example that the exporter follows through the network.
        path: where the exporter may write its file.
        any_size: height and width stay open, too (they divide by the large network's stride).
    """
    width, height = size_px
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    batch, rows, columns = (torch.export.Dim(name, min=1) for name in ("batch", "rows", "columns"))
    sides = {1: STRIDE_PX * rows, 2: STRIDE_PX * columns} if any_size else {}
    torch.onnx.export(
        graph.eval(),
        (example,),
        str(path),
        input_names=["images"],
        output_names=list(CornerOutput._fields),
        dynamic_shapes={"images": {0: batch} | sides},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return without_traces(onnx.load(path))


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model without the exporter's notes, which name the files of the machine that it ran on."""
    graph = model.graph
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.metadata_props[:]
    return model


def store_in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its large weights stored in half precision, each behind a cast back to single.

    ONNX Runtime folds the casts when it loads the file, so that they cost nothing later.
    """
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    casts = []
    for tensor in halved.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims, dtype=int) < SMALLEST_HALVED:
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise GateError(f"weights {tensor.name} do not fit half precision")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(
            helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.single", to=TensorProto.FLOAT)
        )
    nodes = casts + list(halved.graph.node)
    del halved.graph.node[:]
    halved.graph.node.extend(nodes)
    onnx.checker.check_model(halved)
    return halved
