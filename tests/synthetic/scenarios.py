"""Small scenarios for tests: quick to draw, and long enough for a passage."""

from __future__ import annotations

from dataclasses import replace

from calib.camera import Mount
from pipeline.synthetic.approach import Approach, SpeedCourse
from pipeline.synthetic.scene import Scenario, gate_camera

CAMERA = gate_camera(640, 480)
PASSING = Scenario(camera=CAMERA, approach=Approach(start_m=7.0, end_m=3.5, speed_kmh=12.0), fps=20.0, seed=2)
TWO_CARS = Scenario(
    camera=replace(CAMERA, mount=Mount(2.6, 20.0, 0.0, 0.0, 3.0)),
    approach=SpeedCourse(4.5, ((0.0, 9.0), (3.0, 9.0))),
    behind=(SpeedCourse(10.0, ((0.0, 9.0), (2.0, 9.0))),),
    fps=10.0,
    frame_times_s=tuple(index / 10 for index in range(26)),
    seed=3,
)
