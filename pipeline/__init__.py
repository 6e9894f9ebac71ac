"""The gate camera: capture -> inference -> post -> events. One package a stage, in the order a frame travels."""

__version__ = "0.1.0"
