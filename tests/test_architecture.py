"""The rules of docs/architecture.md that a look at the import statements can check."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What a room may import besides itself; errors, redaction, names, files and types of options are everyone's.
MAY_IMPORT = {
    "pipeline.errors": set(),
    "pipeline.redact": set(),
    "pipeline.files": set(),
    "pipeline.names": set(),
    "pipeline.option_types": set(),
    "pipeline.frames": set(),
    "pipeline.config": set(),
    "pipeline.config_file": {"pipeline.config"},
    "pipeline.charts": set(),
    "pipeline.page": set(),
    "calib.camera_parts": set(),
    "calib.camera": {"calib.camera_parts"},
    "pipeline.capture": {"pipeline.frames", "pipeline.config"},
    "pipeline.inference": {"pipeline.frames", "pipeline.config"},
    "pipeline.post": {"pipeline.frames", "calib.camera"},
    "pipeline.events": {"pipeline.frames"},
    "pipeline.annotate": {"pipeline.frames"},
    "pipeline.report": {
        "pipeline.frames",
        "pipeline.events",
        "pipeline.post",
        "pipeline.charts",
        "pipeline.page",
        "calib.camera",
    },
    "pipeline.lane": {
        "pipeline.frames",
        "pipeline.config",
        "pipeline.capture",
        "pipeline.post",
        "calib.camera",
    },
    "pipeline.announcer": {
        "pipeline.frames",
        "pipeline.capture",
        "pipeline.events",
        "pipeline.post",
        "pipeline.lane",
    },
    "pipeline.gate": {
        "pipeline.frames",
        "pipeline.capture",
        "pipeline.inference",
        "pipeline.events",
        "pipeline.lane",
        "pipeline.announcer",
    },
}
EVERYONES = {
    "pipeline.errors",
    "pipeline.redact",
    "pipeline.files",
    "pipeline.names",
    "pipeline.option_types",
}

# setup.cfg's install_requires, by the names they are imported under.
RUNTIME_PACKAGES = {"av", "cv2", "msgspec", "numpy", "onnxruntime", "tomli_w", "tqdm", "zmq"}
NEED_TORCH = ("pipeline.model", "deploy")


# Benchmarks beside what they measure; nothing of the running gate imports them.
BENCHMARKS = ("pipeline.post.benchmark", "calib.benchmark")


def modules() -> Iterator[tuple[str, Path]]:
    for path in [
        ROOT / "run_gate.py",
        *(file for top in ("pipeline", "calib", "deploy") for file in (ROOT / top).rglob("*.py")),
    ]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not any(is_in(module, benchmark) for benchmark in BENCHMARKS):
            yield module, path


def imports(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_only_its_neighbours(room: str) -> None:
    allowed = MAY_IMPORT[room] | EVERYONES | {room}
    own = [(module, path) for module, path in modules() if is_in(module, room)]
    assert own
    for module, path in own:
        for name in imports(path):
            if name.split(".")[0] in ("pipeline", "calib", "deploy") and name not in ("pipeline", "calib"):
                assert any(is_in(name, other) for other in allowed), f"{module} imports {name}"


def test_nothing_imports_a_benchmark() -> None:
    for module, path in modules():
        for name in imports(path):
            assert not any(is_in(name, benchmark) for benchmark in BENCHMARKS), f"{module} imports {name}"


def test_runtime_imports_only_what_its_installation_brings() -> None:
    for module, path in modules():
        if any(is_in(module, room) for room in NEED_TORCH):
            continue
        for name in imports(path):
            top = name.split(".")[0]
            own = top in ("pipeline", "calib", "run_gate") and not is_in(name, "pipeline.model")
            assert own or top in RUNTIME_PACKAGES or top in sys.stdlib_module_names, (
                f"{module} imports {name}"
            )
