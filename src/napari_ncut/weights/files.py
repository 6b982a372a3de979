"""What a file of weights is, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import InputError

_HASH = re.compile(r"(sha256|md5|xxh128):([0-9a-f]+)")


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that can be downloaded, and what a person asks before doing so.

    Attributes
    ----------
    name
        File name in the store, for example "sam_vit_b_01ec64.pth".
    url
        Where it is, http or https.
    size
        Bytes, about; 0 if unknown.
    license
        Of the weights, which may differ from that of the code.
    source
        Page that describes them.
    hash
        "sha256:<hex>", "md5:<hex>" or "xxh128:<hex>"; a leading part of the digest is enough. ""
        where no source
        that can be cited states one.
    hash_source
        Where the hash is stated.

    Raises
    ------
    InputError
        If the name is no plain file name, the address is not of the web, or the hash is not
        written as above.
    """

    name: str
    url: str
    size: int
    license: str
    source: str
    hash: str = ""
    hash_source: str = ""

    def __post_init__(self) -> None:
        if not self.name or self.name.startswith(".") or set(self.name) & set('/\\:*?"<>|'):
            raise InputError(
                f"{self.name!r} is no plain file name. Give one without folders, such as "
                f"'sam_vit_b_01ec64.pth'."
            )
        if not self.url.startswith(("https://", "http://")):
            raise InputError(
                f"{self.url!r} is no address to download from. Give one that begins with https://."
            )
        if self.hash and not _HASH.fullmatch(self.hash):
            raise InputError(
                f"{self.hash!r} is no hash. Give 'sha256:', 'md5:' or 'xxh128:' and hexadecimal "
                f"digits in lower case, at least the first."
            )

    @property
    def algorithm(self) -> str:
        """Which algorithm the stated hash is of: "sha256" …, or "" if none is stated."""
        return self.hash.partition(":")[0]

    @property
    def digest(self) -> str:
        """The stated hash without the algorithm's name: hexadecimal digits, the leading ones."""
        return self.hash.partition(":")[2]

    @property
    def readable_size(self) -> str:
        """The size as people read it: "375 MB", "2.6 GB", "size unknown"."""
        if not self.size:
            return "size unknown"
        if self.size < 999.5e6:
            return f"{max(self.size / 1e6, 0.1):.{0 if self.size >= 9.95e6 else 1}f} MB"
        return f"{self.size / 1e9:.1f} GB"
