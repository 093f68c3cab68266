"""The JavaScript SDK under Node, driven from here: one process for as long as the tests last."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.sdk_js import HERE, PACKAGE
from tests.required import require_or_skip


class Refused(Exception):
    """The SDK reported an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']} {error['status']} {error['message']}")
        self.code = str(error["code"])
        self.status = int(error["status"])


class Node:
    """A process that calls portals through the SDK."""

    def __init__(self, node_modules: Path, ca_file: Path) -> None:
        entry = node_modules / PACKAGE / "dist" / "esm" / "index.mjs"
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._process = subprocess.Popen(
            [require_or_skip("node"), str(HERE / "driver.mjs"), str(entry)],
            env={**kept, "NODE_EXTRA_CA_CERTS": str(ca_file)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, client: str, action: str, **request: Any) -> Any:
        """Do one thing with the client of that name, which is made by its first request.

        Raises:
            Refused: The SDK reported an error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"client": client, "do": action, **request}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "node ended"
        answer = json.loads(line)
        found = answer.get("error") or (answer["result"] or {}) if isinstance(answer, dict) else {}
        error = answer.get("error") or (found.get("error") if isinstance(found, dict) else None)
        if error:
            raise Refused(error)
        return answer["result"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


class Js:
    """B24Hook or B24OAuth: what its calls return is what the SDK returns."""

    def __init__(self, node: Node, name: str, **credentials: Any) -> None:
        self._node = node
        self._name = name
        self._credentials = credentials

    def call(self, method: str, **params: Any) -> Any:
        return self._ask("call", method=method, params=params)

    def batch(self, calls: Any) -> Any:
        return self._ask("batch", calls=calls)

    def chunks(self, calls: Any) -> Any:
        return self._ask("chunks", calls=calls)

    def list(self, method: str, **params: Any) -> Any:
        return self._ask("list", method=method, params=params)

    def is_admin(self) -> bool:
        return self._ask("admin")

    def renewed(self) -> Any:
        return self._ask("renewed")

    def _ask(self, action: str, **request: Any) -> Any:
        return self._node.ask(self._name, action, **self._credentials, **request)
