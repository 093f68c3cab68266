"""``bench``: figures beside their baselines, measured in the same run."""

from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar

import click
import msgspec
import uvloop

from livefeed.cli.bench.result import Result, engine_of, median_of
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.settings import DatabaseUrl

Run = Callable[[], Coroutine[Any, Any, Result]]
Command = TypeVar("Command", bound=Callable[..., object])

SECONDS = click.FloatRange(min=0, min_open=True)


@click.group()
def bench() -> None:
    """Measure against baselines in the same run: ingest, deliver, flow, rest, store, isolation.

    Every figure stands beside what it is compared with, and only the ratio of one run says something:
    machines differ, and so do hours. What is measured has one core for itself where there are two, its
    callers have the other. Baselines are the programs in bench/baselines/; without them nothing is measured.
    A bench leaves nothing behind.
    """


def _checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        DatabaseUrl.parse(value)
    return value


db_option = click.option(
    "--db",
    "url",
    envvar="LIVEFEED_BENCH_DB",
    default=None,
    metavar="URL",
    callback=_checked,
    help="Beside which database each run makes a fresh one: sqlite:///file.db or postgresql://…  "
    "[default: a temporary SQLite file]",
)


def run_option(default_s: float) -> Callable[[Command], Command]:
    """``--seconds`` and ``--runs``."""

    def add(command: Command) -> Command:
        with_runs = click.option(
            "--runs",
            type=NUMBER,
            default=1,
            show_default=True,
            help="Repeat; the run with the median is shown.",
        )(command)
        return click.option(
            "--seconds",
            type=SECONDS,
            default=default_s,
            show_default=True,
            help="About how long each run is.",
        )(with_runs)

    return add


def report(run: Run, runs: int, *, as_json: bool) -> None:
    """Run ``runs`` times and print the run with the median figure; on stderr, each as it ends."""
    results: list[Result] = []
    for number in range(1, max(1, runs) + 1):
        results.append(uvloop.run(run()))
        click.echo(f"livefeed: bench: run {number} of {max(1, runs)}: {results[-1].summary()}", err=True)
    print_document(msgspec.to_builtins(median_of(results)), as_json=as_json)


@bench.command()
@click.option("--handlers", type=NUMBER, default=100, show_default=True, help="Bound handlers.")
@click.option("--handler-ms", default=0.0, show_default=True, help="How long each takes to answer.")
@db_option
@run_option(5.0)
@json_option
def deliver(
    handlers: int, handler_ms: float, url: str | None, seconds: float, runs: int, as_json: bool
) -> None:
    """The portal's dispatcher: deliveries settled a second.

    Against the same HTTP client posting the same bytes without a store, and plain aiohttp and httpx loops.
    """
    from livefeed.cli.bench.deliver import bench_deliver

    report(
        lambda: bench_deliver(seconds, count=handlers, handler_ms=handler_ms, url=url), runs, as_json=as_json
    )


@bench.command(short_help="How long it takes from an edit to the app's handler.")
@db_option
@run_option(10.0)
@json_option
def flow(url: str | None, seconds: float, runs: int, as_json: bool) -> None:
    """How long it takes from an edit's answer to the app's handler, at 200 edits a second.

    Portal and application are processes of the installed command; the quiet time is 0.
    """
    from livefeed.cli.bench.house.flow import bench_flow

    report(lambda: bench_flow(seconds, url=url), runs, as_json=as_json)


@bench.command()
@click.option("--hot", is_flag=True, help="The same event of one post again and again.")
@click.option("--mounted", is_flag=True, help="The door as an ASGI application on uvicorn.")
@db_option
@run_option(5.0)
@json_option
def ingest(hot: bool, mounted: bool, url: str | None, seconds: float, runs: int, as_json: bool) -> None:
    """The application's door: events committed and answered a second.

    Against a bare ASGI application on uvicorn, and FastAPI with aiosqlite.
    """
    from livefeed.cli.bench.ingest import bench_ingest

    report(lambda: bench_ingest(seconds, url=url, is_hot=hot, is_mounted=mounted), runs, as_json=as_json)


@bench.command(short_help="A healthy handler beside each bad neighbour.")
@click.option(
    "--neighbour",
    "neighbours",
    type=click.Choice(["silent", "slow", "reset", "flood", "drip", "burst"]),
    multiple=True,
    help="Which one; may be given several times.  [default: each]",
)
@click.option("--rounds", type=NUMBER, default=7, show_default=True, help="Alternations with each.")
@click.option(
    "--seconds",
    type=SECONDS,
    default=10.0,
    show_default=True,
    help="Of each stretch; the p99 of 10 s is the tenth worst of 1,000 events.",
)
@db_option
@json_option
def isolation(
    neighbours: tuple[str, ...], rounds: int, seconds: float, url: str | None, as_json: bool
) -> None:
    """A healthy handler with and without a bad neighbour, in turns, at 100 edits a second.

    The neighbour is a handler that never answers (silent), answers after 30 s (slow), resets (reset), sends
    1 GB (flood) or one byte a second (drip), or another portal with a burst of 10,000 edits. With --json each
    stretch is a line, and so is what all stretches with one neighbour say together.
    """
    from livefeed.cli.bench.house.isolation import NEIGHBOURS, Compared, Measured, bench_isolation

    together: list[Compared] = []

    def show(one: Measured | Compared) -> None:
        if isinstance(one, Compared):
            together.append(one)
        if as_json:
            print_document(msgspec.to_builtins(one), as_json=True)
        elif isinstance(one, Measured):
            side = "beside" if one.beside else "without"
            text = f"{side} {one.neighbour}, round {one.round}: p99 {one.p99_ms:.1f} ms"
            click.echo(f"livefeed: bench: {text}", err=True)

    async def run() -> None:
        for neighbour in NEIGHBOURS:
            if not neighbours or neighbour in neighbours:
                async for one in bench_isolation(neighbour, seconds=seconds, rounds=rounds, url=url):
                    show(one)

    uvloop.run(run())
    if not as_json:
        columns = ["neighbour", "rounds", "p99_without_ms", "p99_beside_ms", "apart", "errors"]
        print_rows([msgspec.to_builtins(one) for one in together], columns, as_json=False)


@bench.command(short_help="The portal's REST door: calls of a webhook.")
@click.option(
    "--method",
    type=click.Choice(["update", "get"]),
    default="update",
    show_default=True,
    help="An edit with two handlers bound, or one post by its id.",
)
@db_option
@run_option(5.0)
@json_option
def rest(method: Literal["update", "get"], url: str | None, seconds: float, runs: int, as_json: bool) -> None:
    """The portal's REST door: calls of a webhook by form, answered a second.

    Against a bare Starlette POST that reads the form. While edits are measured their deliveries go out.
    """
    from livefeed.cli.bench.house.rest import bench_rest

    report(lambda: bench_rest(seconds, method=method, url=url), runs, as_json=as_json)


@bench.command()
@click.option("--lanes", type=NUMBER, default=None, help="Lanes with random keys that are due before.")
@click.option("--consumers", type=NUMBER, default=50, show_default=True, help="Whose lanes they are.")
@click.option("--old-entries", type=NUMBER, default=None, help="Entries that were dealt with long before.")
@click.option("--open-transaction", is_flag=True, help="A reader keeps its snapshot all the time.")
@click.option("--cold", "is_cold", is_flag=True, help="What is there lies on the disk alone: SQLite.")
@db_option
@run_option(5.0)
@json_option
def store(
    lanes: int | None,
    consumers: int,
    old_entries: int | None,
    open_transaction: bool,
    is_cold: bool,
    url: str | None,
    seconds: float,
    runs: int,
    as_json: bool,
) -> None:
    """The store alone: entries appended, leased and settled a second.

    With something there before, or a transaction open, it is compared with the same without, run by run;
    what is there before is filled in once, which takes minutes for millions.
    """
    from livefeed.cli.bench import databases
    from livefeed.cli.bench.store import SMALL, Load, bench_store

    load = Load(
        lanes=lanes or 0,
        consumers=consumers,
        old_entries=old_entries or 0,
        has_open_transaction=open_transaction,
    )
    if is_cold and not (load.is_filled and engine_of(url) == "sqlite"):
        raise click.UsageError("--cold is for what --lanes or --old-entries have put into an SQLite file")

    async def compared(filled: str) -> Result:
        with databases.fresh(url, "beside") as beside:
            return await bench_store(filled, seconds, load, beside=beside, is_cold=is_cold)

    async def run() -> Result:
        with databases.fresh(url) as fresh:
            return await (bench_store(fresh, seconds) if load == SMALL else compared(fresh))

    if not load.is_filled:
        report(run, runs, as_json=as_json)
        return
    with databases.fresh(url) as filled:
        report(lambda: compared(filled), runs, as_json=as_json)
