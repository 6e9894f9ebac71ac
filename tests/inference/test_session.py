"""The session runs on the provider that it says, or it says clearly why it cannot.

The CPU and ONNX Runtime's silent fall to it are real here. What only a GPU could show is tested with
`FakeOrt`, which stands in for `onnxruntime.InferenceSession` at the seam.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import EPFail

from pipeline.config import ModelConfig, Provider
from pipeline.errors import GateError
from pipeline.inference import start_session as session_module
from pipeline.inference.session import CornerSession
from pipeline.inference.start_session import open_session

without_gpu = pytest.mark.skipif(session_module.gpu_name() is not None, reason="this machine has a GPU")


class FakeOrt:
    """Stands for `onnxruntime.InferenceSession` on a GPU machine of which some providers are broken in some way."""

    def __init__(
        self,
        silently_cpu: tuple[str, ...] = (),
        raising: tuple[str, ...] = (),
        failing_to_run: tuple[str, ...] = (),
        not_finite: tuple[str, ...] = (),
    ) -> None:
        self._silently_cpu = silently_cpu
        self._raising = raising
        self._failing_to_run = failing_to_run
        self._not_finite = not_finite
        self.asked: list[list[Any]] = []
        self.batches: list[int] = []

    def __call__(self, _path: str, _options: object, providers: list[Any], enable_fallback: bool) -> FakeOrt:
        assert not enable_fallback
        self.asked.append(providers)
        self._name = providers[0] if isinstance(providers[0], str) else providers[0][0]
        if self._name in self._raising:
            raise RuntimeError("Please install TensorRT libraries\nsecond line")
        return self

    def get_providers(self) -> list[str]:
        return (
            ["CPUExecutionProvider"]
            if self._name in self._silently_cpu
            else [self._name, "CPUExecutionProvider"]
        )

    def run(
        self, _names: object, feed: dict[str, NDArray[np.uint8]], _options: object
    ) -> list[NDArray[np.float32]]:
        if self._name in self._failing_to_run:
            raise EPFail("[ONNXRuntimeError] : 11 : EP_FAIL : no kernel image is available")
        count = len(feed["images"])
        self.batches.append(count)
        value = np.nan if self._name in self._not_finite else 0.5
        shapes = [(count, 4, 2), (count, 4, 2, 2), (count,)]
        return [np.full(shape, value, np.float32) for shape in shapes]


TRT, CUDA, CPU = "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.fixture
def config(tiny_model: Path, tmp_path: Path) -> ModelConfig:
    return ModelConfig(path=tiny_model, engine_cache=tmp_path / "engines")


@pytest.fixture
def on_gpu_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "gpu_name", lambda: "NVIDIA Test 9000")
    monkeypatch.setattr(ort, "get_available_providers", lambda: [TRT, CUDA, CPU])


def with_provider(config: ModelConfig, provider: Provider, **changes: Any) -> ModelConfig:
    return ModelConfig(path=config.path, engine_cache=config.engine_cache, provider=provider, **changes)


def test_cpu_session_runs_the_model(config: ModelConfig, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        session = open_session(with_provider(config, "cpu", cpu_threads=1))
    assert session.provider == "cpu"
    assert f"model {session.model.hash} runs on cpu" in caplog.text
    images = np.zeros((3, 480, 640, 3), np.uint8)
    images[1, 100:111, 200:252] = 255
    output = session.run(images)
    assert output.presence.tolist() == [0, 1, 0]
    np.testing.assert_allclose(
        output.corners_px[1], [[199.5, 99.5], [251.5, 99.5], [251.5, 110.5], [199.5, 110.5]], atol=1e-3
    )
    assert output.corner_cov_px2.shape == (3, 4, 2, 2)


@without_gpu
def test_auto_takes_the_cpu_without_a_gpu_and_without_complaint(
    config: ModelConfig, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_session(config).provider == "cpu"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@without_gpu
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_gpu_asked_for_without_a_gpu_is_an_error(
    config: ModelConfig, provider: Provider, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        GateError, match=f"provider '{provider}' cannot run here; {provider}: no NVIDIA GPU"
    ) as caught:
        open_session(with_provider(config, provider))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", ""), "the error is the only thing to read"


@without_gpu
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_real_silent_fall_to_the_cpu_is_an_error(
    config: ModelConfig, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look beforehand is passed by, so that the real ONNX Runtime gets to do what it does."""
    monkeypatch.setattr(session_module, "what_is_missing", lambda _provider, _gpu: None)
    with pytest.raises(
        GateError, match=f"provider '{provider}' cannot run here; {provider}: .*nstall"
    ) as caught:
        open_session(with_provider(config, provider))
    assert "\n" not in str(caught.value)


@without_gpu
def test_allowed_fallback_takes_the_cpu_and_warns(
    config: ModelConfig, caplog: pytest.LogCaptureFixture
) -> None:
    session = open_session(with_provider(config, "cuda", allow_fallback=True))
    assert session.provider == "cpu"
    assert "runs on cpu, not on a better provider; cuda: no NVIDIA GPU" in caplog.text


@pytest.mark.usefixtures("on_gpu_machine")
@pytest.mark.parametrize(
    ("requested", "fake", "expected"),
    [
        ("auto", FakeOrt(), "tensorrt"),
        ("auto", FakeOrt(raising=(TRT,)), "cuda"),
        ("auto", FakeOrt(silently_cpu=(TRT,)), "cuda"),
        ("auto", FakeOrt(failing_to_run=(TRT, CUDA)), "cpu"),
        ("auto", FakeOrt(not_finite=(TRT,)), "cuda"),
        ("cuda", FakeOrt(), "cuda"),
        ("tensorrt", FakeOrt(), "tensorrt"),
    ],
)
def test_best_provider_that_works_is_taken(
    config: ModelConfig, requested: Provider, fake: FakeOrt, expected: str
) -> None:
    assert open_session(with_provider(config, requested), fake).provider == expected


@pytest.mark.usefixtures("on_gpu_machine")
@pytest.mark.parametrize(
    ("fake", "expected"),
    [
        (FakeOrt(silently_cpu=(CUDA,)), "silently gave CPUExecutionProvider; install CUDA and cuDNN"),
        (FakeOrt(raising=(CUDA,)), "Please install TensorRT libraries"),
        (FakeOrt(failing_to_run=(CUDA,)), "no kernel image is available"),
        (FakeOrt(not_finite=(CUDA,)), "not finite on cuda"),
    ],
)
def test_provider_that_was_asked_for_and_fails_is_one_clear_line(
    config: ModelConfig, fake: FakeOrt, expected: str
) -> None:
    with pytest.raises(GateError) as caught:
        open_session(with_provider(config, "cuda"), fake)
    assert expected in str(caught.value)
    assert "allow fallback" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("on_gpu_machine")
def test_gpu_is_warmed_up_at_each_batch_size_and_runs_no_other(config: ModelConfig) -> None:
    fake = FakeOrt()
    session = open_session(with_provider(config, "cuda", batch_sizes=(1, 2, 6)), fake)
    assert fake.batches == [1, 2, 6]
    assert session.max_batch == 6
    assert [session.batch_size_for(count) for count in range(1, 7)] == [1, 2, 6, 6, 6, 6]


@pytest.mark.usefixtures("on_gpu_machine")
def test_tensorrt_engine_cache_is_made(config: ModelConfig) -> None:
    fake = FakeOrt()
    open_session(with_provider(config, "tensorrt", fp16=True), fake)
    options = fake.asked[0][0][1]
    assert Path(options["trt_engine_cache_path"]).is_dir()
    assert Path(options["trt_engine_cache_path"]).parent == config.engine_cache
    assert options["trt_fp16_enable"] is True


@pytest.mark.usefixtures("on_gpu_machine")
def test_engine_cache_that_cannot_be_made_is_an_error(config: ModelConfig, tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("a file where the folder should be")
    with pytest.raises(GateError, match="cannot make the engine cache"):
        open_session(with_provider(config, "tensorrt"), FakeOrt())


def test_failure_while_running_is_a_gate_error(config: ModelConfig) -> None:
    session: CornerSession = open_session(with_provider(config, "cpu"))
    with pytest.raises(GateError, match="the network failed on cpu"):
        session.run(np.zeros((1, 4, 4, 3), np.uint8))


def test_interrupted_session_ends_its_run_with_an_error(tiny_model: Path) -> None:
    session = open_session(ModelConfig(path=tiny_model, provider="cpu"))
    image = np.zeros((1, 480, 640, 3), np.uint8)
    session.run(image)
    session.interrupt()
    with pytest.raises(GateError, match="terminate"):
        session.run(image)
