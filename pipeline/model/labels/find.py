"""The picture that a label file names, looked for inside the folder of pictures and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from pipeline.errors import GateError
from pipeline.model.labels.shapes import LabelledPicture


class PictureFolder:
    """Finds pictures by the names in label files, which may come from another machine and are not trusted.

    Attributes:
        path: the folder, resolved.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise GateError(f"{folder}: no such folder of pictures")
        self.path = folder.resolve()
        self._by_name: dict[str, list[Path]] = {}
        for path in sorted(self.path.rglob("*")):
            if path.is_file():
                self._by_name.setdefault(path.name, []).append(path)

    def find(self, picture: LabelledPicture) -> Path:
        """The file: beside the label file or in the folder as it is named, else anywhere below, last by its bare name.

        Raises:
            GateError: it is missing, there are several, or it lies outside of the folder.
        """
        name = PurePosixPath(picture.name.replace("\\", "/"))
        try:
            named = [path for path in (picture.label_file.parent / name, self.path / name) if path.is_file()]
        except (OSError, ValueError) as error:
            raise GateError(f"{picture.name!r} cannot be a file name ({error})") from error
        same_name = self._by_name.get(name.name, [])
        found = (
            named or [path for path in same_name if path.parts[-len(name.parts) :] == name.parts] or same_name
        )
        if not found:
            raise GateError(f"there is no {name.name} in {self.path}; name its folder with --images")
        if not named and len(found) > 1:
            raise GateError(f"several files below {self.path} are called {name}; rename them")
        for path in found:
            if path.resolve().is_relative_to(self.path):
                return path.resolve()
        raise GateError(f"{name} lies outside of {self.path}; name its folder with --images")

    def find_all(self, pictures: Iterable[LabelledPicture]) -> set[Path]:
        """The files of those that can be found."""
        found = set()
        for picture in pictures:
            with suppress(GateError):
                found.add(self.find(picture))
        return found
