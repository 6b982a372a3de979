"""Where downloaded weights lie, and who said so."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path, user_config_path

from ..errors import InputError
from ..io.atomic import replace_when_written

VARIABLE = "NAPARI_NCUT_MODELS"
SETTINGS_VARIABLE = "NAPARI_NCUT_SETTINGS"

_APPLICATION = "napari-ncut"
_KEY = "models_folder"


@dataclass(frozen=True)
class ModelsFolder:
    """The folder of the store: its path, and which of the three said so.

    Attributes
    ----------
    path
        Absolute; the folder need not exist before something is downloaded.
    set_by
        "the environment variable NAPARI_NCUT_MODELS", "the setting in <file>" or "default".
    """

    path: Path
    set_by: str

    def __str__(self) -> str:
        return f"models folder: {self.path} ({self._origin})"

    @property
    def _origin(self) -> str:
        return self.set_by if self.set_by == "default" else f"set by {self.set_by}"


def models_folder(settings: Path | None = None) -> ModelsFolder:
    """Where weights are kept: by environment variable, else by setting, else the user's cache.

    Parameters
    ----------
    settings
        File of settings. Default: `settings_file()`.

    Raises
    ------
    InputError
        If the file of settings is damaged.
    """
    given = os.environ.get(VARIABLE, "")
    if given:
        return ModelsFolder(_absolute(given), f"the environment variable {VARIABLE}")
    settings = settings_file() if settings is None else settings
    chosen = _read(settings).get(_KEY)
    if chosen is not None:
        return ModelsFolder(_absolute(chosen), f"the setting in {settings}")
    return ModelsFolder(user_cache_path(_APPLICATION, appauthor=False) / "models", "default")


def set_models_folder(path: str | Path | None, settings: Path | None = None) -> ModelsFolder:
    """Keep weights in `path` from now on; None goes back to the default.

    What was downloaded before is not moved. The environment variable, where set, still wins.

    Parameters
    ----------
    path
        A folder; it is made at the first download.
    settings
        File of settings. Default: `settings_file()`.

    Returns
    -------
    ModelsFolder
        The folder in force now.

    Raises
    ------
    InputError
        If `path` is a file, or the settings cannot be read or written.
    """
    settings = settings_file() if settings is None else settings
    values = _read(settings)
    if path is None:
        values.pop(_KEY, None)
    else:
        folder = _absolute(path)
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file. Give a folder for the weights.")
        values[_KEY] = str(folder)
    try:
        settings.parent.mkdir(parents=True, exist_ok=True)
        with replace_when_written(settings) as partial:
            partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The setting could not be written ({error}). Set the environment variable "
            f"{VARIABLE} to the folder instead."
        ) from error
    return models_folder(settings)


def settings_file() -> Path:
    """The user's file of settings; the environment variable NAPARI_NCUT_SETTINGS names another."""
    given = os.environ.get(SETTINGS_VARIABLE, "")
    if given:
        return _absolute(given)
    return user_config_path(_APPLICATION, appauthor=False) / "settings.json"


def _absolute(path: str | Path) -> Path:
    # RuntimeError: the home folder of a user who does not exist
    try:
        return Path(os.path.abspath(Path(path).expanduser()))
    except RuntimeError as error:
        raise InputError(f"The folder {path} cannot be found ({error}). Give another.") from error


def _read(settings: Path) -> dict[str, Any]:
    """What the file of settings says; nothing if there is none."""
    try:
        values = json.loads(settings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(
            f"The file of settings {settings} cannot be read ({error}). Correct or delete it."
        ) from error
    if not isinstance(values, dict) or not isinstance(values.get(_KEY, ""), str):
        raise InputError(
            f"The file of settings {settings} is damaged: it must be a JSON object in which "
            f'"{_KEY}", where it stands, is text. Correct or delete it.'
        )
    return values
