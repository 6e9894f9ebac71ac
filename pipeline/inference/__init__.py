"""From images to plate corners: batches, the ONNX session, further looks, and the way back to native pixels."""
