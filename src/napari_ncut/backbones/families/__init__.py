"""Families of networks. Each module describes one by name, and loads it.

describe(name, architecture) -> BackboneEntry
    What there is to know about a network, without its weights.
load(entry, *, checkpoint, architecture) -> Network
    The network with weights.
names() -> list of str
    All there are.
"""
