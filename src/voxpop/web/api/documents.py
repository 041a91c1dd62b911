"""An application's document as a request's body."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from voxpop.application.document import read_document
from voxpop.application.model import Application
from voxpop.kernel.errors import Invalid
from voxpop.web.api.routes import Extra
from voxpop.web.errors import TooLarge
from voxpop.web.shield import MOST_BYTES

YAML = "application/yaml"
DOCUMENT = "application"
BODY: Extra = {
    "requestBody": {
        "required": True,
        "content": {YAML: {"schema": {"type": "object", "description": "The application's YAML document, in UTF-8."}}},
    }
}


class DocumentUnreadable(Invalid):
    """A document is not text in UTF-8."""

    code = "document-unreadable"

    def __init__(self) -> None:
        super().__init__("the document is not UTF-8: save the file in that encoding")


async def _text(request: Request) -> str:
    try:
        return (await request.body()).decode("utf-8")
    except ClientDisconnect as cut:
        raise TooLarge(MOST_BYTES) from cut
    except UnicodeDecodeError as broken:
        raise DocumentUnreadable from broken


def _written(text: Annotated[str, Depends(_text)]) -> Application:
    return read_document(text, DOCUMENT)


Written = Annotated[Application, Depends(_written)]
