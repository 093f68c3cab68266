"""A receiver of deliveries that writes down each one before it answers; uses nothing of livefeed.

python delivery_sink.py PORT FILE MEMBER_ID
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


def sink(port: int, path: str, portal: str) -> ThreadingHTTPServer:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            form = parse_qs(body)
            line = {
                "kind": "received",
                "portal": portal,
                "post": int(form["data[FIELDS][POST_ID]"][0]),
                "seq": None,
                "at_ms": time.time_ns() // 1_000_000,
                "id": self.headers["webhook-id"],
            }
            if form["event"][0] == "ONLIVEFEEDPOSTUPDATE":
                os.write(file, json.dumps(line).encode() + b"\n")
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """A portal that was killed resets its connections; that is what this is for."""

    server = Server(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


if __name__ == "__main__":
    sink(int(sys.argv[1]), sys.argv[2], sys.argv[3]).serve_forever()
