"""Calibration of the gate camera: the camera model and the tools that measure it."""
