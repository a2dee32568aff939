"""A headless Chromium, controlled by the W3C WebDriver protocol; and axe-core, which finds accessibility problems.

Neither is installed with the package; tests that need them are skipped without them.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromedriver")
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
AXE = "axe-core@4.10.3"  # MPL-2.0; fetched, never shipped
DESK, PHONE = (1280, 900), (390, 844)  # CSS pixels
SECONDS = 120


@dataclass
class Browser:
    """A window. at: the address of its WebDriver session."""

    at: str

    def ask(self, way: str, path: str, content: dict[str, Any] | None = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.at}{path}", data, {"Content-Type": "application/json"}, method=way)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def open(self, page: Path) -> None:
        self.ask("POST", "/url", {"url": page.absolute().as_uri()})

    def look(self, size: tuple[int, int], scheme: str = "light") -> None:
        """size: width and height; scheme: light or dark."""
        width, height = size
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.tell("Emulation.setDeviceMetricsOverride", shape)
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.tell("Emulation.setEmulatedMedia", {"features": features})

    def tell(self, command: str, parameters: dict[str, Any]) -> Any:
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def do(self, script: str, *arguments: Any) -> Any:
        """Return the value of a script's `return` statement."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script: str) -> Any:
        """Return the value that the script passes to its last argument, a function."""
        return self.ask("POST", "/execute/async", {"script": script, "args": []})

    def press(self, key: str) -> None:
        """Press a key in the element that has the focus."""
        strokes = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})

    def picture(self) -> bytes:
        """Return a PNG of the window."""
        return base64.b64decode(self.ask("GET", "/screenshot"))

    def violations(self, axe: str) -> list[str]:
        """Return the violations of WCAG 2 A and AA and of the best practices of axe. axe: its source."""
        self.do(f"{axe}\nwindow.axe = axe;")
        violations = self.wait(
            "const done = arguments[0]; axe.run().then(r => done(r.violations), e => done([String(e)]))"
        )
        return [one if isinstance(one, str) else f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser and close it at the end; skip the test if none is installed."""
    if lacking := [name for name in PROGRAMS if shutil.which(name) is None]:
        pytest.skip(f"{' and '.join(lacking)} not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    root = f"http://127.0.0.1:{port}"
    try:
        _answers(root)
        wanted = {"goog:chromeOptions": {"args": OPTIONS, "binary": shutil.which("chromium")}}
        session = Browser(f"{root}/session").ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        browser = Browser(f"{root}/session/{session['sessionId']}")
        browser.ask("POST", "/timeouts", {"script": 1000 * SECONDS, "pageLoad": 1000 * SECONDS})
        yield browser
        browser.ask("DELETE", "")
    finally:
        driver.terminate()
        driver.wait(10)


def _answers(root: str) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{root}/status", timeout=SECONDS).close()
            return
        except OSError:
            assert time.monotonic() < end, "chromedriver does not answer"
            time.sleep(0.1)


def axe_core(folder: Path) -> str:
    """Return the source of axe-core from npm; skip the test if npm cannot fetch it."""
    if shutil.which("npm") is None:
        pytest.skip("npm, which fetches axe-core, is not installed")
    command = ["npm", "pack", "--silent", AXE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot fetch {AXE}: {done.stderr.strip().splitlines()[-1:]}")
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        file = archive.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()
