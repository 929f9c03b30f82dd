"""What the views of every area share."""

from dataclasses import dataclass

from flask import Response

from nurture.bootstrap import Context


@dataclass(frozen=True)
class Views:
    """The views of one area, each a translation from HTTP to a service and back."""

    context: Context


def download(content: str, content_type: str, filename: str) -> Response:
    """Return content for the browser to save as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return Response(content, content_type=content_type, headers=headers)
