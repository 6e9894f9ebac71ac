"""The commands of `run_gate.py`, one a file: each adds its arguments to a parser and runs."""
