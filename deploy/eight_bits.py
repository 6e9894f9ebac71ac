"""An exported network with a backbone that computes on 8-bit integers: the work on the graph."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType
from onnxruntime.quantization.calibrate import MinMaxCalibrater, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from tqdm import tqdm

from pipeline.errors import GateError

Image = NDArray[np.uint8]

LAYERS = ("Conv", "Relu", "Add", "MaxPool")
"""What can compute in 8 bits."""


class CalibrationImages(CalibrationDataReader):
    """Images one at a time, as ONNX Runtime's calibration asks for them, behind a progress bar."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._images: Iterator[Image] = iter(tqdm(images, "calibration", unit="image", dynamic_ncols=True))

    def get_next(self) -> dict[str, Image] | None:
        """The next input of the network, None after the last."""
        image = next(self._images, None)
        return None if image is None else {"images": image[None]}


def in_single_precision(model: ModelProto) -> ModelProto:
    """The same graph with its half-precision weights and their casts turned into single-precision weights."""
    single = ModelProto()
    single.CopyFrom(model)
    halves = {
        tensor.name: tensor for tensor in single.graph.initializer if tensor.data_type == TensorProto.FLOAT16
    }
    for node in list(single.graph.node):
        if node.op_type == "Cast" and node.input[0] in halves:
            tensor = halves[node.input[0]]
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, node.output[0]))
            single.graph.node.remove(node)
    return single


def backbone(graph: GraphProto) -> list[str]:
    """Names of the nodes to quantise: the convolutions that another one follows, and the layers between them.

    What is left in single precision is the normalisation, the heads (no convolution follows them) and the decoding.
    """
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    before, after = _needed_for(graph, convolutions), _made_from(graph, convolutions)
    return [
        node.name
        for node in graph.node
        if node.op_type in LAYERS
        and before.intersection(node.output)
        and (node.op_type == "Conv" or after.intersection(node.input))
    ]


def _needed_for(graph: GraphProto, nodes: Sequence[NodeProto]) -> set[str]:
    """The tensors that some nodes are computed from. ONNX keeps a graph's nodes in topological order."""
    wanted, needed = {node.name for node in nodes}, set[str]()
    for node in reversed(graph.node):
        if node.name in wanted or needed.intersection(node.output):
            needed.update(node.input)
    return needed


def _made_from(graph: GraphProto, nodes: Sequence[NodeProto]) -> set[str]:
    """The tensors that are computed from some nodes' outputs, those outputs included."""
    wanted, made = {node.name for node in nodes}, set[str]()
    for node in graph.node:
        if node.name in wanted or made.intersection(node.input):
            made.update(node.output)
    return made


def ranges(single: ModelProto, images: Sequence[Image]) -> TensorsData:
    """Smallest and largest value that the images drive through every tensor between layers."""
    with tempfile.TemporaryDirectory() as folder:
        path, augmented = Path(folder) / "single.onnx", Path(folder) / "augmented.onnx"
        onnx.save(single, path)
        calibrater = MinMaxCalibrater(path, LAYERS, str(augmented))
        calibrater.augment_graph()
        calibrater.create_inference_session()
        calibrater.collect_data(CalibrationImages(images))
    return calibrater.compute_data()


def quantized(single: ModelProto, images: Sequence[Image]) -> ModelProto:
    """The network with an 8-bit backbone, calibrated on (H, W, 3) images of its input size.

    Weights are symmetric with a scale for each output channel; activations are unsigned, which is what the
    dot-product instructions of x86 processors take.

    Raises:
        GateError: the graph has no backbone.
    """
    nodes = backbone(single.graph)
    if not nodes:
        raise GateError("the network has no convolution that another one follows: nothing to quantise")
    quantizer = QDQQuantizer(
        onnx.shape_inference.infer_shapes(single),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=ranges(single, images),
        nodes_to_quantize=nodes,
        nodes_to_exclude=[],
        op_types_to_quantize=list(LAYERS),
        extra_options={},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    model: ModelProto = quantizer.model.model
    del model.metadata_props[:]  # the quantiser adds notes of its own
    model.metadata_props.extend(single.metadata_props)
    onnx.checker.check_model(model)
    return model
