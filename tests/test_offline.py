"""Nothing asks the network for anything."""

from __future__ import annotations

import os
import subprocess
import sys

# Blocked before the first import of ours, in a process of its own: what a library asks for while it
# is imported is caught as well. A refusal that a library swallowed still fails the test.
SCRIPT = """
import socket, sys

asked = []

def refuse(*arguments, **_):
    asked.append(arguments)
    raise OSError("the network was asked for")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refuse

import numpy as np
import napari_ncut as ncut
from napari_ncut.cli import app

image = np.random.default_rng(0).random((32, 40, 3))
for name in [*ncut.list_backbones(), "timm:resnet18", "torchvision:vgg16"]:
    if ncut.backbone_entry(name).weights is None:
        embedding = ncut.embed(image, axes="YXC", backbone=name, n_components=4)
        assert ncut.PromptSegmenter(embedding).predict([[3, 5]]).any()
        continue
    try:
        ncut.load_backbone(name)
    except ncut.InputError as error:
        assert f"models download {name}" in str(error), error
    else:
        raise AssertionError(f"{name} was loaded without weights")
app(["demo", "--no-viewer", "-o", sys.argv[1]], standalone_mode=False)
app(["backbones"], standalone_mode=False)
app(["models", "list"], standalone_mode=False)
app(["models", "verify"], standalone_mode=False)
assert not asked, asked
"""


def test_neither_functions_nor_the_demo_ask_the_network(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        env={**os.environ, "NAPARI_NCUT_MODELS": str(tmp_path / "models")},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo" / "classes.tif").stat().st_size > 0
    assert not (tmp_path / "models").exists()
