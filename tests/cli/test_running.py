"""A run file that outlived its process takes nobody's way, whoever has that process's number now."""

import socket
from pathlib import Path

from livefeed.cli.running import announced, find_running
from livefeed.settings import DatabaseUrl


def test_a_run_file_counts_while_somebody_listens_there(tmp_path: Path):
    database = DatabaseUrl.parse(f"sqlite:///{tmp_path}/portal.db")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with announced(database, url, "token"):
            running = find_running(database)
            assert running is not None
            assert url == running.url

            listener.close()

            # The number in it is that of a living process, this one.
            assert find_running(database) is None
