"""The page docs/reliability.md, made of what the last soak and the last failovers have left.

    python tools/reliability_page.py

``make soak`` and ``make failover`` each keep their part in docs/reliability.jsonl, one document a line, and
make the page anew.
"""

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
ENGINES = ("sqlite", "postgresql")
SOAK = Path(__file__).with_name("soaking") / "report.md.txt"
FAILOVERS = Path(__file__).with_name("failing") / "report.md.txt"

Document = dict[str, Any]


def data_of(page: Path) -> Path:
    """Where the figures of a page are."""
    return page.with_suffix(".jsonl")


def keep(page: Path, kinds: Sequence[str], documents: Sequence[Document]) -> None:
    """Put these documents in the place of those of the same kinds, and make the page anew."""
    data = data_of(page)
    others = [one for one in read(data) if one["kind"] not in kinds]
    lines = [json.dumps(one) for one in sorted([*others, *documents], key=lambda one: one["kind"])]
    data.write_text("\n".join(lines) + "\n")
    page.write_text(text_of(read(data)))


def read(data: Path) -> list[Document]:
    """What is kept there."""
    return [json.loads(line) for line in data.read_text().splitlines()] if data.exists() else []


def text_of(documents: Sequence[Document]) -> str:
    """The page."""
    soaks = [one for one in documents if one["kind"] == "soak"]
    rounds = [one for one in documents if one["kind"] == "round"]
    failures = [one for one in documents if one["kind"] == "failure"]
    failovers = [one for one in documents if one["kind"] == "failovers"]
    parts = [_soak(one, rounds, failures) for one in soaks] + [_failovers(one) for one in failovers]
    return "\n".join(parts)


def _soak(soak: Document, rounds: Sequence[Document], failures: Sequence[Document]) -> str:
    sums = {key: sum(one[key] for one in rounds) for key in ("acked", "lost", "repeated", "reordered")}
    kills = sum(sum(one["kills"].values()) for one in rounds)
    return SOAK.read_text().format(
        **sums,
        command=soak["command"],
        commits=_commits(rounds),
        machine=soak["machine"],
        day=soak["day"],
        rounds=len(rounds),
        hours=sum(one["seconds"] for one in rounds) / 3600,
        note=f" {soak['note']}" if soak["note"] else "",
        state=_state(soak, failures),
        kills=kills,
        rows="\n".join(_row(engine, rounds) for engine in ENGINES),
        roles="\n".join(_roles(rounds)),
        answers=_counted(_summed(rounds, "answers")),
    )


def _commits(rounds: Sequence[Document]) -> str:
    counts = Counter(one["commit"] for one in rounds)
    if len(counts) == 1:
        return f"commit `{next(iter(counts))}`"
    engines = {name: sorted({one["engine"] for one in rounds if one["commit"] == name}) for name in counts}
    return "commits " + ", ".join(
        f"`{name}` ({count} rounds, {' and '.join(engines[name])})" for name, count in counts.items()
    )


def _state(soak: Document, failures: Sequence[Document]) -> str:
    lines = [
        f"**A round failed**: {one['engine']}, seed {one['seed']}, commit `{one['commit']}`: {one['why']}"
        for one in failures
    ]
    if not soak["is_done"]:
        lines.append(
            f"**Not finished**: {soak['kills']:,} kills and {soak['acked']:,} acknowledged events are "
            "wanted. It goes on from here when it is started again."
        )
    return "".join(f"\n{line}\n" for line in lines)


def _row(engine: str, all_rounds: Sequence[Document]) -> str:
    rounds = [one for one in all_rounds if one["engine"] == engine]
    kills = sum(sum(one["kills"].values()) for one in rounds)
    sums = [sum(one[key] for one in rounds) for key in ("acked", "lost", "reordered", "repeated")]
    drained = max((one["drained_s"] for one in rounds), default=0)
    return f"| {engine} | {kills:,} | {sums[0]:,} | {sums[1]} | {sums[2]} | {sums[3]:,} | {drained} |"


def _roles(rounds: Sequence[Document]) -> list[str]:
    kills = _summed(rounds, "kills")
    seconds: dict[str, list[float]] = {}
    for one in rounds:
        for name, found in one["recoveries_s"].items():
            seconds.setdefault(name, []).extend(found)
    return [
        f"| {name} | {kills[name]} | {statistics.median(found):.2f} "
        f"| {found[len(found) * 99 // 100]:.2f} | {found[-1]:.2f} |"
        for name, found in ((name, sorted(found)) for name, found in sorted(seconds.items()))
        if found
    ]


def _failovers(found: Document) -> str:
    promotions, recoveries = found["promotions_s"], found["recoveries_s"]
    rows = [
        *(
            (str(number), f"{promotion:.2f}", f"{recovery:.2f}")
            for number, (promotion, recovery) in enumerate(zip(promotions, recoveries, strict=True), 1)
        ),
        ("median", f"{statistics.median(promotions):.2f}", f"{statistics.median(recoveries):.2f}"),
        ("longest", f"{max(promotions):.2f}", f"{max(recoveries):.2f}"),
    ]
    return FAILOVERS.read_text().format(
        **found
        | {
            "rows": "\n".join(f"| {' | '.join(row)} |" for row in rows),
            "answers": _counted(Counter(found["answers"])),
        }
    )


def _summed(rounds: Sequence[Document], key: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in rounds:
        counts.update(one[key])
    return counts


def _counted(answers: Counter[str]) -> str:
    return ", ".join(f"{count:,} × {name}" for name, count in answers.most_common())


if __name__ == "__main__":
    keep(PAGE, (), ())
