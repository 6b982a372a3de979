"""One file over HTTP, by pooch: retried when it breaks off, explained when it cannot be had."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..progress import Progress
from .files import WeightsFile

RETRIES = 2
# Seconds without any byte after which a server counts as gone.
TIMEOUT = 30
_CHUNK = 1 << 16
# `WeightsFile.size` is a round number; what is further off is a page of a login or of a proxy.
_SIZE_TOLERANCE = 0.25
# Of the answers 4xx, which say that asking again is of no use, those that do not.
_WORTH_RETRYING = (408, 429)


class TransferError(Exception):
    """Why a file did not arrive, as the end of a sentence. Not retried."""


def transfer(file: WeightsFile, folder: Path, report: Callable[[Progress], None]) -> Path:
    """Fetch a file into a folder.

    Raises
    ------
    TransferError
        If it cannot be had, or is not whole.
    OSError
        If it cannot be written.
    """
    import pooch
    import requests

    def fetch(url: str, output_file: str, _: Any) -> None:
        bar = _Bar(file.size, report)
        answers: list[requests.Response] = []
        downloader = pooch.HTTPDownloader(
            progressbar=bar,
            chunk_size=_CHUNK,
            timeout=TIMEOUT,
            # Packed on the way, the file would not have the length that the server announces.
            headers={"Accept-Encoding": "identity"},
            hooks={"response": lambda answer, **_: answers.append(answer)},
        )
        try:
            downloader(url, output_file, None)
        except requests.HTTPError as error:
            code = 0 if error.response is None else error.response.status_code
            if 400 <= code < 500 and code not in _WORTH_RETRYING:
                raise TransferError(_explained(error)) from error
            raise
        finally:
            # pooch leaves connections open on which something went wrong.
            for answer in answers:
                answer.close()
        arrived = Path(output_file).stat().st_size
        if arrived < bar.announced:
            # urllib3 before 2.0 did not notice; as a RequestException it is retried.
            raise requests.exceptions.ChunkedEncodingError(
                f"{arrived} of {bar.announced} bytes arrived"
            )
        if file.size and abs(arrived - file.size) > _SIZE_TOLERANCE * file.size:
            raise TransferError(
                f"the server sent {arrived} bytes, but the file has about {file.size}; perhaps a "
                f"proxy or a login page answered in its place"
            )

    fetcher = pooch.create(
        path=folder,
        base_url="",
        registry={file.name: None},
        urls={file.name: file.url},
        retry_if_failed=RETRIES,
    )
    try:
        with _quiet(pooch.get_logger()):
            return Path(fetcher.fetch(file.name, downloader=fetch))
    # a RequestException is an OSError as well, but none of ours to explain as a full disk
    except requests.RequestException as error:
        raise TransferError(_explained(error)) from error


class _Bar:
    """What pooch takes for a progress bar; `total` is set by it."""

    def __init__(self, size: int, report: Callable[[Progress], None]) -> None:
        self._size = size
        self._report = report
        self._done = 0
        self._announced = 0
        self._say()

    @property
    def announced(self) -> int:
        """Bytes that the server announced, 0 if it did not."""
        return self._announced

    @property
    def total(self) -> int:
        return self._announced

    @total.setter
    def total(self, n_bytes: int) -> None:
        self._announced = n_bytes
        self._say()

    def update(self, n_bytes: int) -> None:
        self._done += n_bytes
        self._say()

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Nothing to close; pooch asks for it."""

    def _say(self) -> None:
        total = self._announced or max(self._size, self._done, 1)
        # pooch counts whole chunks
        self._report(Progress("download", min(self._done, total), total))


def _explained(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}".rstrip()
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the transfer broke off ({_root(error)})"
    if isinstance(error, requests.Timeout):
        return f"the server did not answer within {TIMEOUT} seconds"
    if isinstance(error, requests.ConnectionError):
        return f"there is no connection to the server ({_root(error)})"
    return f"the transfer failed ({error})"


def _root(error: BaseException) -> BaseException:
    """The exception that it began with: requests wraps it three times."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from announcing on stderr what this thread does; others may still want it."""
    here = threading.get_ident()

    def of_other_threads(record: logging.LogRecord) -> bool:
        return record.thread != here

    logger.addFilter(of_other_threads)
    try:
        yield
    finally:
        logger.removeFilter(of_other_threads)
