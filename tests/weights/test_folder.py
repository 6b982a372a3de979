"""Which folder the weights are in, and who said so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_ncut.errors import InputError
from napari_ncut.weights import ModelStore, models_folder, set_models_folder, settings_file


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "settings.json"
    monkeypatch.setenv("NAPARI_NCUT_SETTINGS", str(path))
    monkeypatch.delenv("NAPARI_NCUT_MODELS", raising=False)
    return path


def test_default_is_the_cache_of_the_user():
    folder = models_folder()
    assert folder.path.parts[-2:] == ("napari-ncut", "models")
    assert folder.path.is_absolute()
    assert str(folder) == f"models folder: {folder.path} (default)"


def test_asking_writes_nothing(tmp_path):
    models_folder()
    assert not list(tmp_path.iterdir())


def test_environment_beats_setting_beats_default(tmp_path, monkeypatch, settings):
    set_models_folder(tmp_path / "chosen")
    assert models_folder().path == tmp_path / "chosen"
    assert models_folder().set_by == f"the setting in {settings}"
    assert ModelStore().folder == tmp_path / "chosen"
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path / "given"))
    assert models_folder().path == tmp_path / "given"
    assert str(models_folder()).endswith("(set by the environment variable NAPARI_NCUT_MODELS)")
    assert not (tmp_path / "given").exists()


def test_setting_is_kept_among_others_and_taken_back(tmp_path, settings):
    settings.parent.mkdir()
    settings.write_text('{"other": 1}')
    set_models_folder(str(tmp_path / "chosen"))
    assert json.loads(settings.read_text())["other"] == 1
    assert set_models_folder(None).set_by == "default"
    assert json.loads(settings.read_text()) == {"other": 1}


def test_relative_folders_are_those_of_now(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert set_models_folder("weights").path == tmp_path / "weights"
    monkeypatch.chdir("/")
    assert models_folder().path == tmp_path / "weights"


def test_settings_can_be_given(tmp_path, settings):
    other = tmp_path / "other.json"
    assert set_models_folder(tmp_path / "chosen", other).path == tmp_path / "chosen"
    assert models_folder(other).path == tmp_path / "chosen"
    assert models_folder().set_by == "default"
    assert settings_file() == settings


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"a"', '{"models_folder": 3}', '{"models_folder": null}', "\xff"]
)
def test_damaged_settings(settings, content):
    settings.parent.mkdir()
    settings.write_bytes(content.encode("latin-1"))
    for ask in (models_folder, ModelStore, lambda: set_models_folder("a")):
        with pytest.raises(InputError, match=r"settings\.json.* Correct or delete it"):
            ask()
    assert settings.read_bytes() == content.encode("latin-1")


def test_a_file_is_no_folder(tmp_path, settings):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        set_models_folder(tmp_path / "file")
    assert not settings.exists()


def test_settings_that_cannot_be_written(tmp_path, monkeypatch, settings):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match=r"No space left.*NAPARI_NCUT_MODELS"):
        set_models_folder(tmp_path)
    assert not list(settings.parent.iterdir())


def test_user_who_does_not_exist(monkeypatch):
    monkeypatch.setenv("NAPARI_NCUT_MODELS", "~nobody-of-that-name/models")
    with pytest.raises(InputError, match="nobody-of-that-name"):
        models_folder()
