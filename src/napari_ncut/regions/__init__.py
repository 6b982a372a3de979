"""Regions of an image and how they nest."""
