# `make demo` and `make test` do all there is to do on a fresh machine with Python 3.11 or newer.
# Everything is installed into .venv; a new install happens only when setup.cfg, pyproject.toml or constraints.txt changed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt
PINNED := setup.cfg pyproject.toml constraints.txt

# opencv-python is linked against libraries of the desktop that a bare server lacks.
CHECK_OPENCV = $(BIN)/python -c 'import cv2' || { echo "OpenCV cannot be loaded; on Debian: \
	apt-get install libgl1 libglib2.0-0" >&2; exit 1; }

.PHONY: help demo test lint format clean

help:
	@echo "make demo    install the gate and watch it find a drawn vehicle: events next to the truth"
	@echo "make test    install what the tests need, check the code, run all tests"
	@echo "make lint    the checks alone: ruff and mypy"
	@echo "make format  let ruff format the code"
	@echo "make clean   remove .venv and caches"

demo: $(VENV)/runtime.stamp
	$(BIN)/python run_gate.py demo

test: lint
	$(BIN)/python -m pytest

lint: $(VENV)/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache *.egg-info build

$(VENV)/created.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is \
	needed; name yours with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "Python's venv module is missing; on Debian: \
	apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/runtime.stamp: $(VENV)/created.stamp $(PINNED)
	$(INSTALL) --editable .
	@$(CHECK_OPENCV)
	@touch $@

$(VENV)/test.stamp: $(VENV)/created.stamp $(PINNED)
	$(INSTALL) --editable '.[test]'
	@$(CHECK_OPENCV)
	@touch $@ $(VENV)/runtime.stamp
