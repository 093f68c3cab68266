"""A Starlette POST that reads its form and answers with JSON. Nothing is looked up, nothing is kept."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from serving import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def take(request: Request) -> JSONResponse:
    """Read the form, answer."""
    form = await request.form()
    return JSONResponse({"result": len(form)})


@asynccontextmanager
async def made(_folder: Path) -> AsyncGenerator[Any]:
    """The application."""
    yield Starlette(routes=[Route("/{rest:path}", take, methods=["POST"])])


if __name__ == "__main__":
    serve(made)
