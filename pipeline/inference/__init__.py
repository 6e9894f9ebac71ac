"""From images to plate corners: the ONNX session, its batcher, and the way back to native pixels."""
