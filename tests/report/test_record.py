"""What is kept of a replay: the corners that the tracker took, no more and no fewer, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.post.plate_formats import EUROPE
from pipeline.report.residuals import residuals
from tests.report.recorded import SD_PX, recorded
from tests.synthetic.scenarios import PASSING, TWO_CARS


def test_every_frame_of_a_passage_is_kept_and_a_flash_elsewhere_is_not() -> None:
    recorder, truths = recorded(PASSING, elsewhere=frozenset({7}))
    (passage,) = recorder.passages
    kept = [point.time_s for point in passage.points.items]
    assert kept == [truth.time_s for index, truth in enumerate(truths) if index != 7]
    assert passage.summary is not None
    assert passage.summary.frames == len(kept)
    published = [item.time_s for item in passage.published.items]
    assert np.diff(published) == pytest.approx(0.1)  # the tracker's interval of updates, two frames
    assert set(published) < set(kept)


def test_each_car_of_a_queue_has_its_own_record() -> None:
    recorder, _ = recorded(TWO_CARS)
    assert len(recorder.passages) == 2
    first, second = ([point.time_s for point in passage.points.items] for passage in recorder.passages)
    assert max(first) < min(second)
    assert all(passage.best and passage.best.plate_jpeg for passage in recorder.passages)


def test_residuals_are_the_noise_that_was_added() -> None:
    recorder, _ = recorded(PASSING)
    points = recorder.passages[0].points.items
    found = np.concatenate([piece.px for piece in residuals(points, recorder.camera, EUROPE)])
    true = np.array([PASSING.truth(point.time_s).corners_px for point in points])
    noise = np.array([point.corners_px for point in points]) - true
    assert found.shape == noise.shape
    assert np.sqrt(np.mean((found - noise) ** 2)) < 0.5 * SD_PX
    assert np.corrcoef(found.ravel(), noise.ravel())[0, 1] > 0.9


def test_no_camera_file_gives_no_residuals() -> None:
    recorder, _ = recorded(PASSING)
    assert residuals(recorder.passages[0].points.items, None, EUROPE) == []


@pytest.mark.parametrize(("step_s", "sizes"), [(0.125, [17, 17, 14]), (1.0, [5, 5, 5])])
def test_long_track_is_fitted_in_pieces_of_two_seconds_or_five_points(
    step_s: float, sizes: list[int]
) -> None:
    recorder, _ = recorded(PASSING)
    point = recorder.passages[0].points.items[0]
    standing = [
        type(point)(index * step_s, point.corners_px, point.corner_cov_px2) for index in range(sum(sizes))
    ]
    assert [len(piece.px) for piece in residuals(standing, recorder.camera, EUROPE)] == sizes
