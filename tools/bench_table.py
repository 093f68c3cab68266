"""Runs every benchmark and prints the table of the README: what each reached, beside its floor and its aim.

Each line comes from one call of `livefeed bench`, whose baselines run in the same call. The raw documents go
to stderr as they come, so that nothing of the table has to be believed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What one figure of a run is held against.

    Attributes:
        figure: Takes it from the document.
        against: With what it is compared, in words.
        floor: The least that is promised.
        aim: What is wanted.
        unit: ``×`` for a ratio.
        is_less: Whether less is better.
    """

    figure: Callable[[Document], float | None]
    against: str
    floor: float
    aim: float
    unit: str = "×"
    is_less: bool = False


def _ratio(document: Document) -> float | None:
    return document["ratio"]


def _over(name: str) -> Callable[[Document], float | None]:
    def figure(document: Document) -> float | None:
        other = document["baselines"].get(name)
        return document["value"] / other if other else None

    return figure


def _plain(key: str) -> Callable[[Document], float | None]:
    return lambda document: document[key]


BARE: Final = "bare uvicorn ASGI"
CLIENT: Final = "the same HTTP client, no store"
FORM: Final = "bare Starlette POST that reads the form"

BENCHES: Final[tuple[tuple[str, tuple[Goal, ...]], ...]] = (
    (
        "ingest",
        (
            Goal(figure=_ratio, against=BARE, floor=0.45, aim=0.7),
            Goal(
                figure=_over("FastAPI + aiosqlite, one commit a request"),
                against="FastAPI + aiosqlite",
                floor=6,
                aim=12,
            ),
        ),
    ),
    ("ingest --mounted", (Goal(figure=_ratio, against=BARE, floor=0.25, aim=0.35),)),
    ("ingest --hot", (Goal(figure=_ratio, against=BARE, floor=0.4, aim=0.6),)),
    ("deliver --handlers 1", (Goal(figure=_ratio, against=CLIENT, floor=0.5, aim=0.8),)),
    (
        "deliver --handlers 100",
        (
            Goal(figure=_ratio, against=CLIENT, floor=0.5, aim=0.8),
            Goal(figure=_over("aiohttp loop"), against="plain aiohttp loop", floor=0.6, aim=2),
            Goal(
                figure=_over("httpx loop, 8 in flight"),
                against="plain httpx loop, 8 in flight",
                floor=5,
                aim=12,
            ),
        ),
    ),
    ("deliver --handlers 5000", (Goal(figure=_ratio, against=CLIENT, floor=0.5, aim=0.8),)),
    (
        "deliver --handlers 1 --handler-ms 50",
        (Goal(figure=_plain("value"), against="640/s possible", floor=500, aim=620, unit="/s"),),
    ),
    ("rest --method update", (Goal(figure=_ratio, against=FORM, floor=0.2, aim=0.35),)),
    ("rest --method get", (Goal(figure=_ratio, against=FORM, floor=0.25, aim=0.4),)),
    ("store", (Goal(figure=_plain("value"), against="–", floor=20_000, aim=60_000, unit="/s"),)),
    (
        "flow",
        (
            Goal(figure=_plain("p50_ms"), against="p50", floor=50, aim=10, unit=" ms", is_less=True),
            Goal(figure=_plain("p99_ms"), against="p99", floor=250, aim=50, unit=" ms", is_less=True),
        ),
    ),
)

ON_POSTGRESQL: Final[tuple[tuple[str, tuple[Goal, ...]], ...]] = (
    ("ingest", (Goal(figure=_ratio, against="our SQLite figure", floor=0.5, aim=0.8),)),
    ("store", (Goal(figure=_plain("value"), against="–", floor=8_000, aim=20_000, unit="/s"),)),
)

HEAD: Final = "| bench | figure | against | reached | floor | aim | p50 ms | p99 ms | n | errors |"


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each; the median is shown")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run")
    parser.add_argument("--only", default="", metavar="TEXT", help="benches whose arguments contain this")
    parser.add_argument("--postgresql", default="", metavar="URL", help="also on this server")
    wanted = parser.parse_args()
    lines: list[str] = []
    served: float | None = None
    for name, goals in BENCHES:
        if wanted.only in name and (document := _run(name, wanted)) is not None:
            served = document["value"] if name == "ingest" else served
            lines += _lines(name, document, goals)
    for name, goals in ON_POSTGRESQL if wanted.postgresql else ():
        if wanted.only in name and (document := _run(name, wanted, url=wanted.postgresql)) is not None:
            if name == "ingest":
                document |= {"ratio": document["value"] / served if served else None}
            lines += _lines(f"{name} --db postgresql://…", document, goals)
    for line in (*_about(wanted), HEAD, "|" + " --- |" * HEAD.count(" |"), *lines):
        sys.stdout.write(f"{line}\n")


def _run(name: str, wanted: argparse.Namespace, *, url: str = "") -> Document | None:
    """One bench; None, with a word on stderr, if it failed: a table has no figures that were not measured."""
    command = ["bench", *name.split(), "--seconds", str(wanted.seconds), "--runs", str(wanted.runs), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "livefeed", *command, *(["--db", url] if url else [])],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        sys.stderr.write(f"bench_table: {name} ended with code {done.returncode}; it has no line\n")
        return None
    sys.stderr.write(done.stdout)
    document: Document = json.loads(done.stdout)
    return document


def _lines(name: str, document: Document, goals: tuple[Goal, ...]) -> Iterator[str]:
    for goal in goals:
        reached = goal.figure(document)
        cells = [
            f"`{name}`",
            _figure(document["value"], document["unit"]),
            goal.against,
            "–" if reached is None else f"**{_in(reached, goal)}**{_mark(reached, goal)}",
            f"{'≤ ' if goal.is_less else ''}{_in(goal.floor, goal)}",
            f"{'≤ ' if goal.is_less else ''}{_in(goal.aim, goal)}",
            "–" if document["p50_ms"] is None else f"{document['p50_ms']:.1f}",
            "–" if document["p99_ms"] is None else f"{document['p99_ms']:.1f}",
            f"{document['n']:,}",
            f"{document['errors']}",
        ]
        yield f"| {' | '.join(cells)} |"


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f}/s" if unit == "1/s" else f"{value:.1f} {unit}"


def _in(number: float, goal: Goal) -> str:
    return f"{number:,.0f}{goal.unit}" if number >= 100 else f"{number:.3g}{goal.unit}"


def _mark(reached: float, goal: Goal) -> str:
    """Below its floor a figure says so."""
    is_below = reached > goal.floor if goal.is_less else reached < goal.floor
    return " (below its floor)" if is_below else ""


def _about(wanted: argparse.Namespace) -> Iterator[str]:
    """Where the figures are from."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False, cwd=ROOT
    ).stdout.strip()
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield (
        f"Commit `{commit or 'unknown'}`, {_processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"{memory_gb:.0f} GiB, {platform.system()} {platform.release()}, Python {platform.python_version()}; "
        f"median of {wanted.runs} runs of {wanted.seconds:g} s: "
        f"`make bench ARGS='--runs {wanted.runs} --seconds {wanted.seconds:g}'`."
    )
    yield ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
