"""HTTP to the archive: every answer checked, every failure a sentence that names the archive only."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from voxpop.dicom.archives import ArchiveFailed, ArchiveUnreachable, AssociationRefused
from voxpop.kernel.digests import Json

DICOM_JSON = "application/dicom+json, application/json;q=0.9"
NOT_ADMITTED = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
READABLE = frozenset({httpx.codes.OK, httpx.codes.PARTIAL_CONTENT, httpx.codes.NO_CONTENT})


class Wire:
    """One archive's HTTP client."""

    def __init__(self, archive: str, client: httpx.Client) -> None:
        self.archive = archive
        self._client = client

    def answers(self, path: str, params: Mapping[str, str | list[str]]) -> list[dict[str, Json]]:
        """Ask QIDO-RS and return its answers, one object each."""
        try:
            response = self._client.get(path, params=dict(params), headers={"Accept": DICOM_JSON})
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise ArchiveUnreachable(self.archive) from error
        self.check(response)
        if response.status_code == httpx.codes.NO_CONTENT or not response.content:
            return []
        try:
            read = json.loads(_text(response))
        except ValueError as error:
            raise ArchiveFailed(self.archive, "answered a query with something that is no DICOM JSON") from error
        if not isinstance(read, list) or not all(isinstance(answer, dict) for answer in read):
            raise ArchiveFailed(self.archive, "answered a query with something that is no DICOM JSON")
        return read

    @contextmanager
    def stream(self, path: str, accept: str) -> Iterator[httpx.Response]:
        """Ask WADO-RS; the body is read in the block."""
        try:
            request = self._client.build_request("GET", path, headers={"Accept": accept})
            response = self._client.send(request, stream=True)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise ArchiveUnreachable(self.archive) from error
        try:
            yield response
        finally:
            response.close()

    def check(self, response: httpx.Response) -> None:
        """Raise what a status means; the body of an error is not shown, it may hold identity."""
        if response.status_code in NOT_ADMITTED:
            raise AssociationRefused(self.archive, "our user, password or token")
        if response.status_code not in READABLE:
            raise ArchiveFailed(self.archive, f"answers with HTTP status {response.status_code}")


def _text(response: httpx.Response) -> str:
    """Decode as UTF-8 (PS3.18 F.2), and by the header where a server declares and sends something else."""
    try:
        return response.content.decode("utf-8")
    except UnicodeDecodeError:
        return response.content.decode(response.charset_encoding or "latin-1", errors="replace")
