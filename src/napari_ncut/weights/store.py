"""The folder of downloaded weights: whole files of known hash, or none."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from ..errors import InputError
from ..io.atomic import replace_when_written
from ..progress import Progress, Steps, run_steps
from .arrival import arrival_folder
from .bridge import steps_of_thread
from .files import WeightsFile
from .folder import models_folder
from .record import Record, file_digest, read_record
from .transfer import TransferError, transfer

State = Literal["missing", "unverified", "verified"]

_RECORD = ".json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verification:
    """What reading a whole file of the store showed.

    Attributes
    ----------
    state
        "missing"; "damaged": not the file it should be; "unverified": as it was when it was first
        seen, but no source states its hash; "verified": of the stated hash.
    sha256
        Of the file, "" if it is missing.
    message
        One sentence about it, with the remedy where one is needed.
    """

    state: Literal["missing", "damaged", "unverified", "verified"]
    sha256: str
    message: str

    @property
    def ok(self) -> bool:
        """Whether the file may be used."""
        return self.state in ("unverified", "verified")


class ModelStore:
    """Files of weights in a folder, each with a record of its hash beside it.

    Only `download` and `download_steps` ask the network for anything.

    Parameters
    ----------
    folder
        Default: `models_folder()`. It need not exist.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = models_folder().path if folder is None else Path(folder)

    def path(self, file: WeightsFile) -> Path:
        """Where the file lies, or would lie."""
        return self.folder / file.name

    def names(self) -> list[str]:
        """Names of all files in the folder, whoever put them there; records are left out."""
        if not self.folder.is_dir():
            return []
        files = {path.name for path in self.folder.iterdir() if path.is_file()}
        records = {f"{name}{_RECORD}" for name in files}
        return sorted(name for name in files - records if not name.startswith("."))

    def state(self, file: WeightsFile) -> State:
        """Whether the file is there and was verified, by its record alone: at once."""
        path = self.path(file)
        if not path.is_file():
            return "missing"
        try:
            record = read_record(self._record_path(file))
        except InputError:
            return "unverified"  # require() and verify() say what is wrong with the record
        known = record is not None and record.size == path.stat().st_size
        stated = record is not None and file.hash != "" and record.stated == file.hash
        return "verified" if known and stated else "unverified"

    def download(
        self,
        file: WeightsFile,
        progress: Callable[[Progress], object] | None = None,
        *,
        name: str = "",
    ) -> Path:
        """Download the file unless it is there; see `download_steps`.

        An exception that `progress` raises ends the download, and nothing is left of it.
        """
        return run_steps(self.download_steps(file, name=name), progress)

    def download_steps(self, file: WeightsFile, *, name: str = "") -> Steps[Path]:
        """Download the file unless it is there, as a generator of progress in bytes.

        Closing the generator ends the download, and nothing is left of it. A damaged file is
        replaced once the new one has proved right.

        Parameters
        ----------
        file
            What to download.
        name
            How users call the model, for the command that messages name. Default: the file's name.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InputError
            If it cannot be had or written, or is not the file it should be; the message names
            address, file and folder for getting it by other means.
        """
        path = self.path(file)
        if path.is_file() and self.verify(file, name=name).ok:
            return path
        try:
            with arrival_folder(self.folder) as folder:
                self._check_room(file)
                arrived = yield from steps_of_thread(
                    partial(transfer, file, folder), first=Progress("download", 0, file.size or 1)
                )
                self._install(file, arrived)
        except TransferError as error:
            raise InputError(
                f"{file.name} could not be downloaded from {file.url}: {error}. Try again: "
                f"{_command(file, name)}. {self._by_hand(file)}"
            ) from error
        except OSError as error:
            raise InputError(
                f"{file.name} from {file.url} could not be written to the models folder "
                f"{self.folder} ({error}). Make room there or choose another folder, napari-ncut "
                f"models where --set FOLDER, then try again: {_command(file, name)}"
            ) from error
        return path

    def require(self, file: WeightsFile, *, name: str = "") -> Path:
        """Path of the installed file, after its hash was checked; nothing is ever fetched.

        A file that was put there by hand is checked against the stated hash; where none is
        stated, its hash is recorded at first use and enforced from then on.

        Parameters
        ----------
        file
            Which file.
        name
            How users call the model, for the command that messages name. Default: the file's name.

        Raises
        ------
        InputError
            If it is missing or not the file it should be; the message says what to do.
        """
        found = self.verify(file, name=name)
        if not found.ok:
            raise InputError(found.message)
        return self.path(file)

    def verify(self, file: WeightsFile, *, name: str = "") -> Verification:
        """Read the whole file and compare its hash with the stated and with the recorded one."""
        path = self.path(file)
        if not path.is_file():
            return Verification("missing", "", self._missing(file, name))
        try:
            sha256, wrong = self._compare(file, path)
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error}). Check its permissions.") from error
        if wrong:
            return Verification(
                "damaged",
                sha256,
                f"{path} is not the file it should be: {wrong}. Delete it and download it again: "
                f"{_command(file, name)}",
            )
        self._remember(file, path, sha256)
        if file.hash:
            return Verification(
                "verified", sha256, f"{path} has the hash that {file.hash_source} states."
            )
        return Verification(
            "unverified",
            sha256,
            f"{path} is as it was when it was first seen. No source states its hash.",
        )

    def remove(self, file: WeightsFile) -> bool:
        """Delete the file and its record; False if there was neither."""
        there = False
        for path in (self.path(file), self._record_path(file)):
            try:
                path.unlink()
                there = True
            except FileNotFoundError:
                continue
            except OSError as error:
                raise InputError(f"{path} cannot be deleted ({error}).") from error
        return there

    def _record_path(self, file: WeightsFile) -> Path:
        return self.folder / f"{file.name}{_RECORD}"

    def _check_room(self, file: WeightsFile) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < file.size:
            raise OSError(f"{file.size} bytes are needed, {free} are free")

    def _install(self, file: WeightsFile, arrived: Path) -> None:
        """Move a file that arrived into place if it is the right one."""
        sha256, wrong = self._compare(file, arrived)
        if wrong:
            raise TransferError(f"what arrived is not the file it should be: {wrong}")
        record = Record(sha256, arrived.stat().st_size, file.url, file.hash)
        note = arrived.with_name(f"{file.name}{_RECORD}")
        record.write(note)
        # pooch writes for its user alone; a folder may be shared, as the system's defaults say.
        arrived.chmod(stat.S_IMODE(note.stat().st_mode))
        # The file first: without a record it counts as put there by hand, while a record without
        # its file would speak for another that comes later.
        os.replace(arrived, self.path(file))
        os.replace(note, self._record_path(file))

    def _compare(self, file: WeightsFile, path: Path) -> tuple[str, str]:
        """The sha256 of a file, and what is wrong with its hash, "" if nothing is."""
        sha256 = file_digest(path, "sha256")
        if file.hash:
            digest = sha256 if file.algorithm == "sha256" else file_digest(path, file.algorithm)
            if not digest.startswith(file.digest):
                begin = "begin with" if len(file.digest) < len(digest) else "be"
                return sha256, (
                    f"its {file.algorithm} must {begin} {file.digest} by "
                    f"{file.hash_source}, but is {digest}"
                )
        note = self._record_path(file)
        record = read_record(note)
        # A record made for another stated hash is of another release of the file.
        if record is None or (file.hash and record.stated != file.hash):
            return sha256, ""
        if record.sha256 != sha256:
            return sha256, (
                f"its sha256 was {record.sha256} when it was first seen, but is {sha256} now (if "
                f"you know why, delete {note} to accept it)"
            )
        return sha256, ""

    def _remember(self, file: WeightsFile, path: Path, sha256: str) -> None:
        """Record the hash of a file that is right, if it is not yet recorded so."""
        record = Record(sha256, path.stat().st_size, file.url, file.hash)
        if read_record(self._record_path(file)) == record:
            return
        try:
            with replace_when_written(self._record_path(file)) as note:
                record.write(note)
        except OSError as error:
            # A folder that an administrator shares: the file is right, only this note is lost.
            _log.warning("The hash of %s could not be recorded: %s", path, error)

    def _missing(self, file: WeightsFile, name: str) -> str:
        model = name or file.name
        return (
            f"The weights of {model} are not in the models folder {self.folder}. Download "
            f"{file.name} ({file.readable_size}, license: {file.license}; see {file.source}): "
            f"{_command(file, name)}. {self._by_hand(file)}"
        )

    def _by_hand(self, file: WeightsFile) -> str:
        return (
            f"For a machine without network, get {file.url} on another one and put it into "
            f"{self.folder} as {file.name}."
        )


def _command(file: WeightsFile, name: str) -> str:
    return f"napari-ncut models download {name or file.name}"
