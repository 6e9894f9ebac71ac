"""The picture of a replay's report, docs/report.jpg: its first passage, photographed in a real browser (chromium).

run-gate demo --clip approach
python docs/make_report_picture.py out/demo/report.html
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

PICTURE = Path(__file__).parent / "report.jpg"
WIDTH_PX, HEIGHT_PX = 1180, 1500


def main(report: Path) -> None:
    """Write the picture of the page's first passage."""
    page = report.read_text(encoding="utf-8")
    head, passage = page.partition("<body>")[0], re.search(r"<section.*?</section>", page, re.S)
    if passage is None:
        raise SystemExit(f"{report}: there is no passage in it")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "page.html").write_text(head + "<body>" + passage.group(), encoding="utf-8")
        shot = Path(folder) / "shot.png"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--window-size={WIDTH_PX},{HEIGHT_PX}", f"--screenshot={shot}"]
        subprocess.run([*command, (Path(folder) / "page.html").as_uri()], check=True, capture_output=True)
        image = cv2.imread(str(shot))
    assert image is not None
    cv2.imwrite(str(PICTURE), image, [cv2.IMWRITE_JPEG_QUALITY, 74])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
