"""Benchmarks say what they compare with, leave nothing behind, and refuse to run without their baselines."""

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests import engines
from tests.required import require_package
from tests.system.world import rows

from livefeed.cli.bench import baselines, databases
from livefeed.cli.bench.beside import held_transaction
from livefeed.cli.bench.command import bench
from livefeed.cli.bench.house.isolation import Measured, compared
from livefeed.cli.bench.result import Result, median_of
from livefeed.errors import SettingsError, StoreError, StoreUnavailable

PROGRAMS = sorted((Path(__file__).parents[2] / "bench" / "baselines").glob("*.py"))


def result(value: float, ratio: float | None = None) -> Result:
    return Result(bench="rest", value=value, unit="1/s", n=1, errors=0, cpu_s=0, rss_mb=0, ratio=ratio)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_baseline_imports_nothing_of_livefeed(path: Path):
    tree = ast.parse(path.read_text())
    named = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    named += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]

    assert [] == [name for name in named if name.startswith("livefeed")]


def test_a_baseline_that_is_not_here_is_named():
    with pytest.raises(SettingsError, match=r"nothing\.py"):
        baselines.program("nothing")


def test_the_run_with_the_median_ratio_is_shown():
    assert 2.0 == median_of([result(3, 0.1), result(1, 0.9), result(2, 0.5)]).value


def test_without_a_baseline_the_run_with_the_median_figure_is_shown():
    assert 2.0 == median_of([result(3), result(1), result(2)]).value


def test_a_result_has_the_promised_keys():
    compared = {"bench", "value", "unit", "baseline_name", "baseline", "ratio", "p50_ms", "p99_ms"}
    counted = {"n", "errors", "engine", "handlers", "handler_ms", "lanes", "cpu_s", "rss_mb"}

    assert compared | counted <= set(Result.__struct_fields__)


def test_a_run_gets_a_file_of_its_own_and_leaves_nothing_behind(tmp_path: Path):
    kept = tmp_path / "kept.db"
    kept.write_bytes(b"mine")

    with databases.fresh(f"sqlite:///{kept}") as first, databases.fresh(f"sqlite:///{kept}") as second:
        for url in (first, second):
            Path(url.removeprefix("sqlite:///")).write_bytes(b"")
        assert first != second

    assert [kept] == list(tmp_path.iterdir())
    assert b"mine" == kept.read_bytes()


@pytest.mark.parametrize("name", ["deliver", "flow", "ingest", "isolation", "rest", "store"])
def test_a_bench_takes_any_database_and_explains_itself(name: str):
    shown = CliRunner().invoke(bench, [name, "--help"])

    assert 0 == shown.exit_code
    for option in ("--db", "--seconds", "--json"):
        assert option in shown.output


def test_a_database_that_is_none_is_refused_before_anything_runs():
    refused = CliRunner().invoke(bench, ["rest", "--db", "mysql://x"])

    assert isinstance(refused.exception, SettingsError)
    require_package("psycopg")
    with pytest.raises(StoreUnavailable), databases.fresh("postgresql://feed@127.0.0.1:1/bench"):
        pytest.fail("a run was begun")


def stretch(p99_ms: float, *, beside: bool) -> Measured:
    return Measured(neighbour="silent", round=1, beside=beside, p50_ms=1, p99_ms=p99_ms, n=1, errors=0)


def test_both_sides_of_a_comparison_are_medians():
    stretches = [stretch(value, beside=False) for value in (4, 100, 2)]
    stretches += [stretch(value, beside=True) for value in (5, 1, 90)]

    together = compared("silent", stretches)

    assert (4, 5) == (together.p99_without_ms, together.p99_beside_ms)
    assert 0.25 == together.apart


@pytest.mark.system
def test_rest_measures_a_portal_beside_its_baseline():
    (document,) = rows("bench", "rest", "--method", "get", "--seconds", "0.4")

    assert ("rest", "sqlite", 0) == (document["bench"], document["engine"], document["errors"])
    assert document["n"] > 0
    assert document["ratio"] == pytest.approx(document["value"] / document["baseline"])


def test_a_transaction_is_held_open_beside_the_store_from_begin_to_end(engine: str, tmp_path: Path):
    url = engines.database(tmp_path, "bench", engine=engine)
    done = CliRunner().invoke(
        bench, ["store", "--open-transaction", "--seconds", "0.3", "--db", url, "--json"]
    )
    assert done.exception is None
    document = json.loads(done.stdout)

    assert (1, 0) == (document["figures"]["open_transaction"], document["errors"])
    assert document["n"] > 0
    assert document["figures"]["unseen"] >= document["n"], "it sees nothing of what was appended"
    assert document["ratio"] == pytest.approx(document["value"] / document["baseline"])


@pytest.mark.parametrize("words", [(), ("--cold",)])
def test_a_store_with_lanes_is_filled_once_and_compared_with_an_empty_one_in_each_run(
    words: tuple[str, ...], tmp_path: Path
):
    kept = tmp_path / "mine.db"
    load = ("--lanes", "900", "--consumers", "30", "--seconds", "0.1", "--runs", "2")
    done = CliRunner().invoke(bench, ["store", *load, *words, "--db", f"sqlite:///{kept}", "--json"])
    assert done.exception is None
    document = json.loads(done.stdout)

    assert (900, 30) == (document["lanes"], document["figures"]["consumers"])
    assert document["ratio"] == pytest.approx(document["value"] / document["baseline"])
    assert 2 == done.stderr.count("times the baseline")
    assert [] == list(tmp_path.iterdir())


def test_only_what_was_put_into_a_file_can_be_cold():
    for words in (["--cold"], ["--cold", "--lanes", "9", "--db", "postgresql://u@h/x"]):
        refused = CliRunner().invoke(bench, ["store", *words])
        assert 2 == refused.exit_code


def test_a_held_transaction_that_somebody_ends_gives_no_figures(tmp_path: Path):
    url = engines.database(tmp_path, "bench", ["livefeed.durable"], engine="postgresql")
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"

    with pytest.raises(StoreUnavailable, match="was ended"), held_transaction(url):
        assert [(True,)] == engines.cluster().sql(f"{ends} AND datname = '{url.rsplit('/', 1)[1]}'")


def test_a_held_transaction_idles_longer_than_our_connections_may(tmp_path: Path):
    url = engines.database(tmp_path, "bench", ["livefeed.durable"], engine="postgresql")
    with held_transaction(f"{url}?options=-c%20idle_in_transaction_session_timeout%3D20ms"):
        engines.cluster().sql("SELECT pg_sleep(0.2)")


def test_a_held_transaction_that_cannot_begin_says_so(tmp_path: Path):
    url = engines.database(tmp_path, "bench", ["livefeed.durable"], engine="postgresql")
    engines.cluster().sql("ALTER TABLE entry RENAME TO gone", database=url.rsplit("/", 1)[1])

    with pytest.raises(StoreError, match="entry"), held_transaction(url):
        pass
