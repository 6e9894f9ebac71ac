from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in network with the export's input size, 480 x 640."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "stand_in.onnx")
