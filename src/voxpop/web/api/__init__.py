"""The API under ``/api/v1``: a module an area, over the same use cases as the pages and the commands."""
