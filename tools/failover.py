"""Failovers of PostgreSQL under load at an application's door; prints one JSON document.

    python tools/failover.py [--times 10 --threads 8 --report docs/reliability.md]

What was found is kept beside the report, whose part on failovers is made anew. Ends with exit code 1 if
anything that was acknowledged was lost or reordered; then the files stay.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tools.circumstances import circumstances, commit
from tools.failing.failovers import run_failovers
from tools.reliability_page import PAGE, keep

USUAL = "--times 10 --threads 8"


def main() -> int:
    """Run them."""
    parser = argparse.ArgumentParser(description="Failovers of PostgreSQL under load.")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--report", type=Path, default=PAGE)
    given = parser.parse_args()
    words = f"--times {given.times} --threads {given.threads}"
    command = "make failover" if words == USUAL else f"python tools/failover.py {words}"
    folder = Path(tempfile.mkdtemp(prefix="livefeed-failover-"))
    result = run_failovers(folder, given.times, threads=given.threads)
    print(json.dumps(result))
    about = {"commit": commit(), "threads": given.threads}
    keep(given.report, ("failovers",), [{"kind": "failovers", **circumstances(command), **about, **result}])
    if result["lost"] or result["reordered"]:
        print(f"the files are in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
