"""Command-line trainers: how the weights that come with this package were made.

``python -m napari_ncut.training.compact`` trains the embedded network. Nothing here is imported by
the rest of the package.
"""
