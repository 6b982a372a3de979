"""What is known of a folder besides its label maps: classes, and what is done, in one JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..io import replace_when_written
from ..io.coco_reading import read_json

NOTES = "napari-ncut.json"
_VERSION = 1


@dataclass
class FolderNotes:
    """Classes and marks of a folder.

    Attributes
    ----------
    names, colors : dict
        Of classes: label → name, label → "#rrggbb".
    stems : dict
        File name of an image → what its files are called; only of those that have some.
    done : set of str
        File names of images that are done.
    """

    names: dict[int, str] = field(default_factory=dict)
    colors: dict[int, str] = field(default_factory=dict)
    stems: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, folder: Path) -> FolderNotes:
        """Those in a folder, empty ones if there are none.

        Raises
        ------
        InputError
            If the file cannot be understood: what it says must not be lost by writing it anew.
        """
        path = folder / NOTES
        if not path.exists():
            return cls()
        document = read_json(path)
        try:
            classes: dict[str, Any] = document["classes"]
            images: dict[str, Any] = document["images"]
            return cls(
                {int(label): str(one["name"]) for label, one in classes.items()},
                {int(label): str(one["color"]) for label, one in classes.items()},
                {str(name): str(one["stem"]) for name, one in images.items()},
                {str(name) for name, one in images.items() if one.get("done")},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path} cannot be understood ({type(error).__name__}: {error}). Mend it, or move "
                f"it away: then classes get new names and nothing is marked as done."
            ) from error

    def write(self, folder: Path) -> None:
        """Write them into a folder that exists, whole or not at all."""
        document = {
            "version": _VERSION,
            "classes": {
                str(label): {"name": self.names[label], "color": self.colors[label]}
                for label in sorted(self.names)
            },
            "images": {
                name: {"stem": stem, "done": name in self.done}
                for name, stem in sorted(self.stems.items())
            },
        }
        with replace_when_written(folder / NOTES) as partial:
            text = json.dumps(document, ensure_ascii=False, indent=1)
            partial.write_text(text + "\n", encoding="utf-8")
