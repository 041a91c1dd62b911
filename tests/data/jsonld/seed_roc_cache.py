"""Fill roc-validator's HTTP cache from the context documents beside this file, so that ``--offline`` works.

Run with the Python of roc-validator's own environment: ``seed_roc_cache.py CACHE``.
"""

import io
import sys
from pathlib import Path

from requests.adapters import BaseAdapter, HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

HERE = Path(__file__).parent
SERVED = {
    "https://w3id.org/ro/crate/1.1/context": "ro-crate-1.1.jsonld",
    "https://w3id.org/ro/crate/1.2/context": "ro-crate-1.2.jsonld",
    "https://w3id.org/ro/terms/workflow-run/context": "workflow-run.jsonld",
}
ACCEPTED = (None, "application/ld+json, application/json;q=0.9, */*;q=0.1")


class FromFolder(BaseAdapter):
    """Answers from the files beside this one."""

    def send(self, request, **_):
        body = io.BytesIO((HERE / SERVED[request.url]).read_bytes())
        headers = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(body=body, status=200, preload_content=False, headers=headers)
        return HTTPAdapter().build_response(request, raw)

    def close(self):
        """Close nothing: there is no connection."""


with CachedSession(cache_name=sys.argv[1], backend="sqlite", expire_after=-1) as session:
    session.mount("https://", FromFolder())
    for url in SERVED:
        for accept in ACCEPTED:
            session.get(url, headers={"Accept": accept} if accept else {}).raise_for_status()
