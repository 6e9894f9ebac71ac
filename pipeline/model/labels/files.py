"""Label files are found and read by whichever reader knows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

import msgspec

from pipeline.errors import GateError
from pipeline.model.labels.coco import read_coco
from pipeline.model.labels.cvat import read_cvat
from pipeline.model.labels.labelme import read_labelme
from pipeline.model.labels.shapes import LabelledPicture


def label_files(source: Path) -> list[Path]:
    """The file itself, or every `.json` and `.xml` file below a folder.

    Raises:
        GateError: there is none.
    """
    if source.is_file():
        if source.suffix.lower() == ".zip":
            raise GateError(f"{source}: unpack the archive and give the folder")
        return [source]
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".json", ".xml"))
    if not found:
        raise GateError(f"{source}: no label files (.json of labelme or COCO, .xml of CVAT) there")
    return found


def read_label_file(path: Path) -> list[LabelledPicture]:
    """All pictures of one file of labelme, CVAT for images 1.1 or COCO.

    Raises:
        GateError: it is none of these, or broken.
    """
    try:
        return list(read_cvat(path) if path.suffix.lower() == ".xml" else _json(path))
    except OSError as error:
        raise GateError(f"cannot be read ({error.strerror})") from error
    except (
        expat.ExpatError,
        msgspec.DecodeError,
        ValueError,
        TypeError,
        LookupError,
        RecursionError,
    ) as error:
        raise GateError(f"not a label file of labelme, CVAT or COCO ({error})") from error


def _json(path: Path) -> Iterator[LabelledPicture]:
    content = msgspec.json.decode(path.read_text(encoding="utf-8-sig"))
    if isinstance(content, dict) and "shapes" in content:
        return read_labelme(path, content)
    if isinstance(content, dict) and "annotations" in content:
        return read_coco(path, content)
    raise GateError("JSON, but neither of labelme (no `shapes`) nor of COCO (no `annotations`)")
