"""CVAT for images 1.1: one XML file for all pictures; polygons, points and skeletons have corners.

Label files come from other machines and are not trusted. The standard library's expat reads the XML and refuses it as
soon as it declares a document type: CVAT writes none, and without one there are no entities to expand or fetch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

from pipeline.errors import GateError
from pipeline.model.labels.shapes import LabelledPicture, Shape


def read_cvat(path: Path) -> Iterator[LabelledPicture]:
    """All pictures of a `CVAT for images 1.1` export.

    Raises:
        GateError: XML of something else.
        expat.ExpatError, KeyError: broken XML, a picture without a name.
    """
    root = parse_xml(path.read_bytes())
    if root.tag != "annotations":
        raise GateError(f"XML, but not of CVAT (it begins with <{root.tag}>)")
    if root.find("track") is not None:
        raise GateError("a CVAT export of a video; export it once more as `CVAT for images 1.1`, with images")
    for image in root.iter("image"):
        yield _picture(path, image)


def _picture(path: Path, image: Element) -> LabelledPicture:
    name = image.attrib["name"]
    try:
        size = int(image.attrib["width"]), int(image.attrib["height"])
        marks = [element for element in image if "label" in element.attrib and element.tag != "tag"]
        return LabelledPicture(path, name, size, tuple(_shape(element) for element in marks))
    except (KeyError, ValueError) as error:
        return LabelledPicture(path, name, None, (), f"a mark or the size has no numbers ({error})")


def _shape(element: Element) -> Shape:
    label = element.attrib["label"]
    if element.tag == "skeleton":
        marked = [point for point in element.iter("points") if point.get("outside", "0") != "1"]
        points = [_pairs(point.attrib["points"])[0] for point in marked]
        names = tuple(point.get("label", "") for point in marked)
        return Shape(label, "skeleton", np.array(points).reshape(-1, 2), names)
    if element.tag in ("polygon", "points"):
        points = _pairs(element.attrib["points"])
        return Shape(label, element.tag, np.array(points), drawn_around=element.tag == "polygon")
    return Shape(label, element.tag, None)


def _pairs(text: str) -> list[tuple[float, float]]:
    """`x,y;x,y` -> pairs of numbers."""
    pairs = [pair.split(",") for pair in text.split(";")]
    return [(float(x), float(y)) for x, y in pairs]


def parse_xml(content: bytes) -> Element:
    """The root element.

    Raises:
        GateError: it declares a document type.
        expat.ExpatError: it is not well-formed.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: builder.start(tag, attributes)
    parser.EndElementHandler = lambda tag: builder.end(tag)
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.Parse(content, True)
    return builder.close()


def _refuse_doctype(*_: object) -> None:
    raise GateError(
        "XML with a document type declaration, which labelling tools do not write; not read further"
    )
