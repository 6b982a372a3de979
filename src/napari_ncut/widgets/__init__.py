"""napari's face of the headless functions: the only folder that imports Qt, magicgui or napari."""
