"""A tiny labelled data set, drawn, in the format of the training data."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from pipeline.synthetic.paste import paste_plate
from pipeline.synthetic.plates import draw_plate


def _scene(rng):
    noise = rng.integers(0, 256, (15, 20, 3), dtype=np.uint8)
    return cv2.resize(noise, (400, 300), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="session")
def plate_index(tmp_path_factory):
    """Folder with an index of eight photographs with a plate and four without."""
    rng = np.random.default_rng(5)
    folder = tmp_path_factory.mktemp("plates")
    lines = []
    for number in range(12):
        image, plates = _scene(rng), []
        if number < 8:
            left, top, width = rng.uniform(60, 150), rng.uniform(60, 150), rng.uniform(90, 180)
            corners = np.array((left, top)) + np.array(
                [[0, 0], [width, 3], [width, 3 + width / 4], [0, width / 4]]
            )
            image = paste_plate(rng, image, draw_plate(rng, 0.44, 0.11), corners)
            plates = [{"corners": corners.tolist(), "label": "verified"}]
        name = f"{number:02d}.png"
        cv2.imwrite(str(folder / name), image)
        entry = {"file": name, "width": 400, "height": 300, "group": number, "plates": plates}
        lines.append(json.dumps(entry | {"split": "train" if plates else "background", "source": "drawn"}))
    (folder / "index.jsonl").write_text("\n".join(lines))
    return folder
