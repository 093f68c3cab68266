"""The page on reliability is what the tools make of what they have kept; each keeps the other's part."""

from pathlib import Path

from tools.reliability_page import PAGE, data_of, keep, read, text_of

FAILOVERS = {
    "kind": "failovers",
    "command": "make failover",
    "commit": "0123456789ab",
    "day": "2026-11-23",
    "machine": "2 cores",
    "server": "18.0",
    "threads": 8,
    "failovers": 2,
    "acked": 2400,
    "lost": 0,
    "reordered": 0,
    "repeated": 3,
    "promotions_s": [0.31, 0.29],
    "recoveries_s": [0.5, 1.25],
    "answers": {"200": 2400, "503": 12},
    "without_retry_after": 0,
}


def test_the_page_is_made_of_what_is_kept() -> None:
    assert text_of(read(data_of(PAGE))) == PAGE.read_text()


def test_failovers_replace_failovers_and_leave_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    kept = [one for one in read(data_of(PAGE)) if one["kind"] != "failovers"]
    keep(page, ("soak", "round", "failure"), kept)
    before = page.read_text()

    keep(page, ("failovers",), [FAILOVERS])
    keep(page, ("failovers",), [FAILOVERS | {"commit": "ba9876543210"}])
    both = page.read_text()

    assert both.startswith(before)
    assert "commit `ba9876543210`" in both
    assert "0123456789ab" not in both
    assert "| 2 | 0.29 | 1.25 |" in both
    keep(page, ("soak", "round", "failure"), kept)
    assert page.read_text() == both, "a soak keeps the failovers"
