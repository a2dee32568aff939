"""Python packages, fetched from the index that the user's pip is set to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from frostline.console import Progress
from frostline.data.downloads.pins import Pin

if TYPE_CHECKING:
    from pypi_simple import PyPISimple

SECONDS_TO_CONNECT, SECONDS_OF_SILENCE = 10.0, 60.0


def fetch(pin: Pin, to: Path, home: Path) -> None:
    """Write the pinned file to a new file; `home` is where this package's cached files are.

    Raises:
        UserError: the index cannot be reached, or does not have it.
    """
    import pypi_simple
    import requests

    timeout = (SECONDS_TO_CONNECT, SECONDS_OF_SILENCE)
    try:
        with _client() as client:
            files = {file.filename: file for file in client.get_project_page(pin.package, timeout).packages}
            if pin.file not in files:
                raise pin.failed(f"the package index has no {pin.file}", "ask its keeper for it, or use another index")
            client.download_package(
                files[pin.file],
                to,
                verify=False,  # against the pin instead: see _check
                progress=lambda total: Progress(f"fetching {pin}", total or pin.bytes, unit="B"),
                timeout=timeout,
            )
    except pypi_simple.NoSuchProjectError as error:
        raise pin.failed("the package index has no such package", "ask its keeper for it, or use another") from error
    except (requests.RequestException, ValueError) as error:
        what = f"{pin.size} could not be fetched ({type(error).__name__})"
        do = "check the network and pip's index-url (PIP_INDEX_URL), or fetch it elsewhere and copy " + str(home)
        raise pin.failed(what, do) from error


def _client() -> PyPISimple:
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple

    settings = _pip_settings()
    client = PyPISimple(settings.get("index-url") or PYPI_SIMPLE_ENDPOINT)
    if cert := settings.get("cert"):
        client.s.verify = cert
    return client


def _pip_settings() -> dict[str, str]:
    """The user's mirror, as pip is told it: environment first, then pip's own files (pip may be absent)."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    pairs = [line.removeprefix("global.").split("=", 1) for line in listed if line.startswith("global.")]
    settings = {name: value.strip("'\"") for name, value in pairs}
    named = {"index-url": "PIP_INDEX_URL", "cert": "PIP_CERT"}
    return settings | {name: os.environ[variable] for name, variable in named.items() if os.environ.get(variable)}
