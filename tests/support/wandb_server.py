"""Servers on this machine that W&B may meet: one that answers, and some that do not."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

KEY = "k" * 40


class Server(http.server.ThreadingHTTPServer):
    """As much of a W&B server as a run needs; mute from the first request for a path on, or gone after it."""

    daemon_threads, block_on_close = True, False

    def __init__(self, mute_from: str = "never", gone_from: str = "never") -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.mute_from, self.gone_from = mute_from, gone_from
        self.mute, self.over, self.paths = False, threading.Event(), list[str]()
        self.rows: dict[str, dict[int, dict[str, Any]]] = {}  # of each run's history, by line
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def history(self, run: str) -> list[dict[str, Any]]:
        """The rows of a run that were uploaded, less W&B's own columns."""
        lines = sorted(self.rows[run].items())
        return [{key: value for key, value in row.items() if not key.startswith("_")} for _, row in lines]

    def keep(self, run: str, chunk: dict[str, Any]) -> None:
        known = self.rows.setdefault(run, {})
        for file, part in chunk.get("files", {}).items():
            if "history" in file:
                known |= {part["offset"] + i: json.loads(line) for i, line in enumerate(part["content"])}

    def vanish(self) -> None:
        self.over.set()
        threading.Thread(target=self.shutdown, daemon=True).start()
        self.socket.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut is what these tests are about."""


class Answer(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self.handle_request({})

    def do_PUT(self) -> None:
        self.handle_request({})

    def do_POST(self) -> None:
        self.handle_request(None)

    def handle_request(self, answer: Any) -> None:
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server.paths.append(self.path)
        server.mute = server.mute or server.mute_from in self.path
        if server.mute:
            server.over.wait(120)
        if server.over.is_set():
            return
        if self.path.endswith("/file_stream"):
            server.keep(self.path.split("/")[-2], json.loads(body))
        payload = json.dumps(self.graph(body) if self.path == "/graphql" else answer or {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
        if server.gone_from in self.path:
            server.vanish()

    def graph(self, body: bytes) -> dict[str, Any]:
        names = json.loads(body)["variables"]
        project = {"id": "p", "name": "frostline", "entity": {"id": "e", "name": "me"}}
        bucket = {"id": "b", "name": names.get("name"), "displayName": "r", "config": "{}", "project": project}
        files = [{"name": name, "uploadUrl": f"{self.server.url}/{name}"} for name in names.get("files", [])]
        return {
            "data": {
                "model": project | {"bucket": self.known(names.get("name"))},
                "serverInfo": {"features": []},
                "upsertBucket": {"bucket": bucket, "inserted": True},
                "createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files},
            }
        }

    def known(self, run: str) -> dict[str, Any] | None:
        """What is here of a run that wants to go on."""
        if (rows := self.server.rows.get(run)) is None:
            return None
        empty = {"summaryMetrics": "{}", "config": "{}", "eventsTail": "[]", "tags": [], "notes": None}
        counts = {"historyLineCount": len(rows), "eventsLineCount": 0, "logLineCount": 0}
        last = [json.dumps(rows[max(rows)])] if rows else []
        about = {"id": "b", "name": run, "displayName": "r", "wandbConfig": '{"t": 1}'}
        return empty | counts | about | {"historyTail": json.dumps(last)}


@contextmanager
def serving(**how: str) -> Iterator[Server]:
    server = Server(**how)
    try:
        yield server
    finally:
        if not server.over.is_set():
            server.vanish()


@contextmanager
def deaf() -> Iterator[str]:
    """A port that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
