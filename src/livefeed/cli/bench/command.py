"""``bench``: figures beside their baselines, measured in the same run."""

from collections.abc import Callable, Coroutine
from typing import Any

import click
import msgspec
import uvloop

from livefeed.cli.bench.result import Result
from livefeed.cli.output import json_option, print_document

Run = Callable[[], Coroutine[Any, Any, Result]]


@click.group()
def bench() -> None:
    """Measure ingest, deliver, flow or store; every ratio comes from one run."""


def run_option(default_s: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--seconds`` and ``--runs``."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        command = click.option(
            "--runs", default=1, show_default=True, help="Repeat; the median ratio is shown."
        )(command)
        return click.option(
            "--seconds", default=default_s, show_default=True, help="About how long each run is."
        )(command)

    return add


def report(run: Run, runs: int, *, as_json: bool) -> None:
    """Run ``runs`` times and print the run with the median figure."""
    results = sorted((uvloop.run(run()) for _ in range(max(1, runs))), key=_weight)
    middle = results[(len(results) - 1) // 2]
    print_document(msgspec.to_builtins(middle), as_json=as_json)


def _weight(result: Result) -> float:
    return result.value if result.ratio is None else result.ratio


@bench.command()
@click.option("--handlers", default=100, show_default=True, help="Bound handlers.")
@click.option("--handler-ms", default=0.0, show_default=True, help="How long each takes to answer.")
@run_option(5.0)
@json_option
def deliver(handlers: int, handler_ms: float, seconds: float, runs: int, as_json: bool) -> None:
    """The portal's dispatcher: deliveries settled a second."""
    from livefeed.cli.bench.deliver import bench_deliver

    report(lambda: bench_deliver(seconds, count=handlers, handler_ms=handler_ms), runs, as_json=as_json)


@bench.command()
@run_option(10.0)
@json_option
def flow(seconds: float, runs: int, as_json: bool) -> None:
    """How long it takes from an edit's answer to the app's handler."""
    from livefeed.cli.bench.flow import bench_flow

    report(lambda: bench_flow(seconds), runs, as_json=as_json)


@bench.command()
@click.option("--hot", is_flag=True, help="The same event of one post again and again.")
@run_option(5.0)
@json_option
def ingest(hot: bool, seconds: float, runs: int, as_json: bool) -> None:
    """The application's door: events committed and answered a second."""
    from livefeed.cli.bench.ingest import bench_ingest

    report(lambda: bench_ingest(seconds, is_hot=hot), runs, as_json=as_json)


@bench.command()
@click.option("--db", "url", default=None, metavar="URL", help="A fresh database; default: a temporary file.")
@run_option(5.0)
@json_option
def store(url: str | None, seconds: float, runs: int, as_json: bool) -> None:
    """The store alone: entries appended, leased and settled a second."""
    from livefeed.cli.bench.store import bench_store

    report(lambda: bench_store(url, seconds), runs, as_json=as_json)
