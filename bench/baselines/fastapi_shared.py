"""FastAPI and aiosqlite with an INSERT and a commit for each request, on one connection.

Requests that come together share transactions by accident: a commit takes along what others have inserted
before it, and theirs then finds nothing to do. (An error of one request would undo the others' rows, too.)
"""

from functools import partial

from fastapi_aiosqlite import made
from serving import serve

if __name__ == "__main__":
    serve(partial(made, is_shared=True))
