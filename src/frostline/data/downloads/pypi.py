"""Download Python packages from the index for which the user's pip is configured."""

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

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0  # seconds
DO_WITHOUT_FILE = "ask its administrator for it, or use another index"


def fetch(pin: Pin, to: Path, home: Path) -> None:
    """Write the pinned file to a new file.

    home: the folder for a file that was downloaded in another way.

    Raises:
        UserError: the index cannot be reached, or does not have the file.
    """
    import pypi_simple
    import requests

    timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
    try:
        with _client() as client:
            files = {file.filename: file for file in client.get_project_page(pin.package, timeout).packages}
            if pin.file not in files:
                raise pin.download_error(
                    f"the package index has no {pin.file}", "ask its administrator for it, or use another index"
                )
            client.download_package(
                files[pin.file],
                to,
                verify=False,  # package_cache verifies the checksum of the pin
                progress=lambda total: Progress(f"downloading {pin}", total or pin.bytes, unit="B"),
                timeout=timeout,
            )
    except pypi_simple.NoSuchProjectError as error:
        raise pin.download_error(
            "the package index has no such package", "ask its administrator for it, or use another"
        ) from error
    except (requests.RequestException, ValueError) as error:
        what = f"{pin.size} could not be downloaded ({type(error).__name__})"
        do = "check the network and pip's index-url (PIP_INDEX_URL), or download it elsewhere and copy it into " + str(
            home
        )
        raise pin.download_error(what, do) from error


def _client() -> PyPISimple:
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple

    settings = _pip_settings()
    client = PyPISimple(settings.get("index-url") or PYPI_SIMPLE_ENDPOINT)
    if cert := settings.get("cert"):
        client.s.verify = cert
    return client


def _pip_settings() -> dict[str, str]:
    """Return the settings of pip: environment variables first, then its config files. pip may be missing."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    pairs = [line.removeprefix("global.").split("=", 1) for line in lines if line.startswith("global.")]
    settings = {name: value.strip("'\"") for name, value in pairs}
    variables = {"index-url": "PIP_INDEX_URL", "cert": "PIP_CERT"}
    return settings | {name: os.environ[variable] for name, variable in variables.items() if os.environ.get(variable)}
