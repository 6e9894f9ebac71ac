"""Calibrations of simulated cameras whose truth is known: `python -m calib.benchmark --help`."""
