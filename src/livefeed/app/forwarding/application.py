"""The application that forwards: it has no handlers, and its inbox goes to a target."""

from collections.abc import AsyncGenerator

from livefeed.app.forwarding.runs import Forwarder
from livefeed.app.forwarding.targets import Target
from livefeed.app.runtime import Runtime
from livefeed.app.serving import App
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Outcome
from livefeed.net.authority import authority_pem
from livefeed.net.http import HttpClient
from livefeed.settings import AppSettings

_ANSWER_BYTES = 4_096  # of an answer, only its status matters


def build(settings: AppSettings, target: Target) -> App:
    """An application for any number of portals that hands their events on to ``target``.

    Raises:
        SettingsError: A name of an event cannot be one.
    """
    app = App(settings)

    @app.on_start
    async def open_way(runtime: Runtime) -> AsyncGenerator[None]:
        async with HttpClient(
            allow_private=True,  # the operator names the one target; no request does
            timeout_s=target.timeout_s,
            max_answer_bytes=_ANSWER_BYTES,
            trusted_pem=authority_pem(runtime.settings.ca_file),
        ) as http:
            runtime.state.forwarder = Forwarder(target=target, http=http)
            yield

    async def forward(lease: Lease, runtime: Runtime) -> Outcome:
        forwarder: Forwarder = runtime.state.forwarder
        return await forwarder.run(lease, runtime)

    app.take_inbox(forward, events=target.events, cap=target.at_once)
    return app
