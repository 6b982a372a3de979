"""Files of weights: where they lie, how they get there, how they are read."""

from .checkpoints import Layer, LayerList, read_checkpoint
from .files import WeightsFile
from .folder import ModelsFolder, models_folder, set_models_folder, settings_file
from .loading import Account, load_into
from .store import ModelStore, State, Verification

__all__ = [
    "Account",
    "Layer",
    "LayerList",
    "ModelStore",
    "ModelsFolder",
    "State",
    "Verification",
    "WeightsFile",
    "load_into",
    "models_folder",
    "read_checkpoint",
    "set_models_folder",
    "settings_file",
]
