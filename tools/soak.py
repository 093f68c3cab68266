"""``make soak``: kills of every role under load, round after round, until the goals are reached.

    python tools/soak.py [--kills 1000 --acked 5000000 --engines sqlite,postgresql --summary FILE]

Each round is a fresh house (see ``tools/soaking``), judged by ``livefeed check-history``; the engines take
turns. What is done stands in the summary; a soak that is ended goes on from there when it is started again.
At the end the report is written. The first round that loses or reorders anything, or does not come back, ends
the soak with exit code 1: its files stay, and the report tells of it.
"""

import argparse
import itertools
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.engines import database  # noqa: E402 - the path is set above
from tools.circumstances import circumstances, commit  # noqa: E402 - the path is set above
from tools.reliability_page import ENGINES, PAGE, keep  # noqa: E402 - the path is set above
from tools.soaking.kill_round import Plan, document, run_round  # noqa: E402 - the path is set above

SHAPING = ("kills", "acked", "engines", "round", "rate", "pause")


class Soak:
    """The rounds that are done, kept in a file."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.summary = Path(given.summary)
        self.rounds: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []
        if self.summary.exists():
            done = json.loads(self.summary.read_text())
            self.rounds, self.failures = done["rounds"], done.get("failures", [])

    def of(self, engine: str) -> list[dict[str, Any]]:
        return [one for one in self.rounds if one["engine"] == engine]

    def kills(self, engine: str) -> int:
        return sum(sum(one["kills"].values()) for one in self.of(engine))

    def acked(self, engine: str) -> int:
        return sum(one["acked"] for one in self.of(engine))

    def is_done(self) -> bool:
        """Whether the goals are reached, with a tenth of the kills on each engine at least."""
        kills = {engine: self.kills(engine) for engine in ENGINES}
        acked = sum(self.acked(engine) for engine in ENGINES)
        is_shared = min(kills.values()) >= self.given.kills / 10
        return sum(kills.values()) >= self.given.kills and acked >= self.given.acked and is_shared

    def run(self, engine: str) -> None:
        """One round."""
        seed = len(self.of(engine)) + 1
        folder = Path(tempfile.mkdtemp(prefix=f"livefeed-soak-{engine}-{seed}-"))
        plan = Plan(
            engine=engine,
            kills=self.given.round,
            rate=self.given.rate,
            seed=seed,
            longest_pause_s=self.given.pause,
        )
        try:
            result = document(run_round(plan, folder, lambda name: database(folder, name, engine=engine)))
        except AssertionError as exc:
            self.failures.append({"engine": engine, "seed": seed, "commit": commit(), "why": str(exc)})
            self._keep()
            raise
        shutil.rmtree(folder)
        self.rounds.append({**result, "commit": commit()})
        self._keep()
        print(
            f"{engine}: {self.kills(engine)} kills, {self.acked(engine):,} acked, 0 lost, "
            f"{result['repeated']} repeated in this round of {result['seconds']} s",
            flush=True,
        )

    def _keep(self) -> None:
        self.summary.write_text(json.dumps({"rounds": self.rounds, "failures": self.failures}))


def documents(soak: Soak) -> list[dict[str, Any]]:
    """What the page is made of."""
    given = soak.given
    about = {"note": given.note, "is_done": soak.is_done(), "kills": given.kills, "acked": given.acked}
    return [
        {"kind": "soak", **circumstances(command(given)), **about},
        *({"kind": "round", **one} for one in soak.rounds),
        *({"kind": "failure", **one} for one in soak.failures),
    ]


def command(given: argparse.Namespace) -> str:
    """The command with what shapes the load, as far as it is not the default."""
    usual = vars(read_arguments([]))
    words = [
        f"--{name} {_word(value)}"
        for name, value in vars(given).items()
        if name in SHAPING and value != usual[name]
    ]
    return " ".join(["python tools/soak.py", *words]) if words else "make soak"


def _word(value: object) -> str:
    match value:
        case list():
            return ",".join(value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill every role under load, many times.")
    parser.add_argument("--kills", type=int, default=1000, help="over all engines")
    parser.add_argument("--acked", type=int, default=5_000_000, help="events acknowledged, over all engines")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=list(ENGINES))
    parser.add_argument("--round", type=int, default=25, help="kills in each round")
    parser.add_argument("--rate", type=float, default=6000.0, help="events a second at each door, at most")
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two kills, at most")
    parser.add_argument("--summary", default="soak.json", help="what is done; the soak goes on from there")
    parser.add_argument("--report", type=Path, default=PAGE)
    parser.add_argument(
        "--note", default="", help="a sentence for the report, such as what else the machine did"
    )
    parser.add_argument("--report-only", action="store_true", help="of what is done, finished or not")
    return parser.parse_args(words)


def main() -> None:
    given = read_arguments()
    soak = Soak(given)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes of the round are stopped
    try:
        if not given.report_only:
            turns = itertools.cycle(given.engines)
            while not soak.is_done():
                soak.run(next(turns))
    finally:
        if given.report_only or soak.is_done() or soak.failures:
            keep(given.report, ("soak", "round", "failure"), documents(soak))
    print(f"the report is {given.report}")


if __name__ == "__main__":
    main()
