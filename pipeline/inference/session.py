"""A corner network that runs in ONNX Runtime; `start_session` makes it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pipeline.errors import GateError
from pipeline.inference.model_file import ORT_ERRORS, ModelFile, first_line
from pipeline.inference.providers import RealProvider


class CornerOutput(NamedTuple):
    """What the network answers, per image of the batch, in input pixels.

    Attributes:
        corners_px: (batch, 4, 2) float32, x and y of TL, TR, BR, BL.
        corner_cov_px2: (batch, 4, 2, 2) float32.
        presence: (batch,) float32 in [0, 1].
    """

    corners_px: NDArray[np.float32]
    corner_cov_px2: NDArray[np.float32]
    presence: NDArray[np.float32]


class NetworkSession(Protocol):
    """What a locator needs of a running network; `CornerSession` is the real one."""

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(width, height) of the images that `run` takes."""
        ...

    @property
    def max_batch(self) -> int:
        """The largest batch to give to `run`."""
        ...

    def batch_size_for(self, count: int) -> int:
        """The batch size to run `count` images with."""
        ...

    def run(self, images: NDArray[np.uint8]) -> CornerOutput:
        """Run the network on (batch, height, width, 3) uint8 BGR."""
        ...

    def interrupt(self) -> None:
        """Make a `run` in another thread, and every later one, end soon with a GateError."""
        ...


class CornerSession:
    """A running network. Made by `start_session.open_session`.

    Attributes:
        provider: the execution provider that it really runs on.
        model: the file that it was made from, with its hash and input size.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        provider: RealProvider,
        model: ModelFile,
        batch_sizes: tuple[int, ...],
    ) -> None:
        self.provider = provider
        self.model = model
        self._session = session
        self._batch_sizes = batch_sizes
        self._run_options = ort.RunOptions()

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(width, height) of the images that `run` takes."""
        return self.model.input_size_px

    @property
    def max_batch(self) -> int:
        """The largest batch to give to `run`."""
        return max(self._batch_sizes)

    def batch_size_for(self, count: int) -> int:
        """The batch size to run `count` images with: on a GPU the next fixed size, on the CPU `count` itself.

        A GPU prepares itself for each new size (TensorRT's engine, cuDNN's search); that takes seconds to
        minutes.
        """
        if self.provider == "cpu":
            return count
        return min(size for size in self._batch_sizes if size >= count)

    def run(self, images: NDArray[np.uint8]) -> CornerOutput:
        """Run the network.

        Args:
            images: (batch, height, width, 3) uint8 BGR of the model's input size.

        Raises:
            GateError: the network failed, or gave numbers that are not finite.
        """
        try:
            output = CornerOutput(
                *self._session.run(CornerOutput._fields, {"images": images}, self._run_options)
            )
        except ORT_ERRORS as error:
            raise GateError(
                f"{self.model.path}: the network failed on {self.provider}: {first_line(error)}"
            ) from error
        if not all(np.isfinite(values).all() for values in output):
            raise GateError(
                f"{self.model.path}: the network gave numbers that are not finite on {self.provider}; "
                "if fp16 is on, switch it off"
            )
        return output

    def interrupt(self) -> None:
        """Make a `run` in another thread, and every later one, end soon with a GateError: the program stops."""
        self._run_options.terminate = True

    def warm_up(self) -> None:
        """Run once at each batch size that will be used, so that no frame waits for preparations."""
        width, height = self.input_size_px
        for size in (1,) if self.provider == "cpu" else self._batch_sizes:
            self.run(np.zeros((size, height, width, 3), np.uint8))
