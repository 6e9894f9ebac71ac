"""From images to plate corners: the ONNX session, the batcher that feeds it and the way back to native pixels."""
