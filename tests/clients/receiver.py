"""An application of somebody else: FastAPI with the vendor's own dependency for events."""

import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from livefeed.testing.loops import PATIENCE_S, Loop
from livefeed.testing.serving.sites import Site
from livefeed.wire.form import Form, decode


@dataclass(frozen=True)
class Seen:
    """One request as it came, and what the SDK made of it."""

    path: str
    body: bytes
    status: int
    detail: str
    parsed: Any

    @property
    def form(self) -> Form:
        return decode(self.body, strict=True)

    @property
    def event(self) -> str:
        return str(self.form["event"])

    @property
    def auth(self) -> dict[str, str]:
        auth = self.form["auth"]
        assert isinstance(auth, dict)
        return {key: str(value) for key, value in auth.items()}


@dataclass
class Receiver:
    """Takes events at ``/install`` and ``/events``; at ``/checked`` the SDK asks ``app.info`` as well."""

    bitrix_app: Any = None
    seen: "queue.Queue[Seen]" = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.loop = Loop("receiver")
        self.site = Site(self._asgi())
        self.url = self.site.url
        self.loop.run(self.site.open())

    def next(self, *, where: Callable[[Seen], bool] = lambda seen: True) -> Seen:
        """The next request that is meant; those before it are dropped."""
        while True:
            found = self.seen.get(timeout=PATIENCE_S)
            if where(found):
                return found

    def close(self) -> None:
        self.loop.run(self.site.close())
        self.loop.close()

    def _asgi(self) -> Any:
        import fastapi
        from b24pysdk.integrations.fastapi.dependencies import event_dependency, get_event_dependency
        from b24pysdk.integrations.fastapi.dependencies.collect_request_params import collect_request_params

        app = fastapi.FastAPI()

        async def checked(params: Annotated[dict, fastapi.Depends(collect_request_params)]) -> Any:
            return await get_event_dependency(bitrix_app=self.bitrix_app)(params)

        @app.middleware("http")
        async def watch(request: fastapi.Request, call_next: Any) -> Any:
            body = await request.body()
            request.state.parsed = None
            response = await call_next(request)
            detail = b"".join([chunk async for chunk in response.body_iterator]).decode()
            path = request.url.path
            self.seen.put(Seen(path, body, response.status_code, detail, request.state.parsed))
            return fastapi.Response(detail, response.status_code)

        async def take(request: fastapi.Request, event: Annotated[Any, fastapi.Depends(event_dependency)]):
            request.state.parsed = event

        async def take_checked(request: fastapi.Request, event: Annotated[Any, fastapi.Depends(checked)]):
            request.state.parsed = event

        app.post("/install")(take)
        app.post("/events")(take)
        app.post("/checked")(take_checked)
        return app
