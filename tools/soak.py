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
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.engines import database  # noqa: E402 - the path is set above
from tools.soaking.kill_round import Plan, document, run_round  # noqa: E402 - the path is set above

HERE = Path(__file__).with_name("soaking")
ENGINES = ("sqlite", "postgresql")
REPORT = ROOT / "docs" / "reliability.md"


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
            self.failures.append({"engine": engine, "seed": seed, "commit": _commit(), "why": str(exc)})
            self._keep()
            raise
        shutil.rmtree(folder)
        self.rounds.append({**result, "commit": _commit()})
        self._keep()
        print(
            f"{engine}: {self.kills(engine)} kills, {self.acked(engine):,} acked, 0 lost, "
            f"{result['repeated']} repeated in this round of {result['seconds']} s",
            flush=True,
        )

    def _keep(self) -> None:
        self.summary.write_text(json.dumps({"rounds": self.rounds, "failures": self.failures}))


def report(soak: Soak, command: str) -> str:
    """The page."""
    rows = [_row(engine, soak.of(engine)) for engine in ENGINES]
    total = {key: sum(one[key] for one in soak.rounds) for key in ("acked", "lost", "repeated", "reordered")}
    return (
        (HERE / "report.md.txt")
        .read_text()
        .format(
            command=command,
            commits=_commits(soak.rounds),
            machine=_machine(),
            day=datetime.now(UTC).date().isoformat(),
            rounds=len(soak.rounds),
            kills=sum(soak.kills(engine) for engine in ENGINES),
            rows="\n".join(rows),
            roles="\n".join(_roles(soak.rounds)),
            answers=", ".join(f"{count:,} × {name}" for name, count in _answers(soak.rounds).most_common()),
            hours=sum(one["seconds"] for one in soak.rounds) / 3600,
            state=_state(soak),
            note=f" {soak.given.note}" if soak.given.note else "",
            **total,
        )
    )


def _commits(rounds: Sequence[dict[str, Any]]) -> str:
    counts = Counter(one["commit"] for one in rounds)
    if len(counts) == 1:
        return f"commit `{next(iter(counts))}`"
    engines = {
        commit: sorted({one["engine"] for one in rounds if one["commit"] == commit}) for commit in counts
    }
    return "commits " + ", ".join(
        f"`{commit}` ({count} rounds, {' and '.join(engines[commit])})" for commit, count in counts.items()
    )


def _state(soak: Soak) -> str:
    lines = [
        f"**A round failed**: {one['engine']}, seed {one['seed']}, commit `{one['commit']}`: {one['why']}"
        for one in soak.failures
    ]
    if not soak.is_done():
        lines.append(
            f"**Not finished**: {soak.given.kills:,} kills and {soak.given.acked:,} acknowledged events are "
            "wanted. It goes on from here when it is started again."
        )
    return "".join(f"\n{line}\n" for line in lines)


def _row(engine: str, rounds: list[dict[str, Any]]) -> str:
    kills = sum(sum(one["kills"].values()) for one in rounds)
    sums = [sum(one[key] for one in rounds) for key in ("acked", "lost", "reordered", "repeated")]
    drained = max((one["drained_s"] for one in rounds), default=0)
    return f"| {engine} | {kills:,} | {sums[0]:,} | {sums[1]} | {sums[2]} | {sums[3]:,} | {drained} |"


def _roles(rounds: list[dict[str, Any]]) -> list[str]:
    kills: Counter[str] = Counter()
    seconds: dict[str, list[float]] = {}
    for one in rounds:
        kills.update(one["kills"])
        for name, found in one["recoveries_s"].items():
            seconds.setdefault(name, []).extend(found)
    return [
        f"| {name} | {kills[name]} | {statistics.median(found):.2f} "
        f"| {found[len(found) * 99 // 100]:.2f} | {found[-1]:.2f} |"
        for name, found in ((name, sorted(found)) for name, found in sorted(seconds.items()))
        if found
    ]


def _answers(rounds: list[dict[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in rounds:
        counts.update(one["answers"])
    return counts


def _machine() -> str:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "an unknown processor",
    )
    cores = len(
        [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("processor")]
    )
    total_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return f"{cores} cores of {model}, {total_kib / 2**20:.0f} GiB, CPython {sys.version.split()[0]}"


def _commit() -> str:
    return _out("git", "rev-parse", "--short=12", "HEAD")


def _out(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill every role under load, many times.")
    parser.add_argument("--kills", type=int, default=1000, help="over all engines")
    parser.add_argument("--acked", type=int, default=5_000_000, help="events acknowledged, over all engines")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=list(ENGINES))
    parser.add_argument("--round", type=int, default=25, help="kills in each round")
    parser.add_argument("--rate", type=float, default=6000.0, help="events a second at each door, at most")
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two kills, at most")
    parser.add_argument("--summary", default="soak.json", help="what is done; the soak goes on from there")
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument(
        "--note", default="", help="a sentence for the report, such as what else the machine did"
    )
    parser.add_argument("--report-only", action="store_true", help="of what is done, finished or not")
    return parser.parse_args()


def main() -> None:
    given = read_arguments()
    soak = Soak(given)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes of the round are stopped
    if not given.report_only:
        turns = itertools.cycle(given.engines)
        while not soak.is_done():
            soak.run(next(turns))
    flags = " ".join(flag for flag in sys.argv[1:] if flag != "--report-only")
    given.report.write_text(report(soak, f"python tools/soak.py {flags}" if flags else "make soak"))
    print(f"the report is {given.report}")


if __name__ == "__main__":
    main()
