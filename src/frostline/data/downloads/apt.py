"""Download Debian packages with the user's apt, from its configured mirrors. Nothing is installed or executed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from frostline.console import log
from frostline.data.downloads.pins import Deb

CONNECT_TIMEOUT, TOTAL_TIMEOUT = 10, 300  # seconds


def fetch(pin: Deb, to: Path, home: Path) -> None:
    """Write the package to a new file.

    home: the folder for a file that was downloaded in another way; a mirror deletes a version when no release has it.

    Raises:
        UserError: this machine has no apt, or the mirrors do not have this version.
    """
    do = f"download {pin.file} elsewhere (Debian's snapshot archive has every version) and copy it into {home}"
    apt = shutil.which("apt-get")
    if apt is None:
        raise pin.download_error("it is a Debian package, and this machine has no apt-get", do)
    log(f"downloading {pin.describe()}")
    options = [f"Acquire::http::Timeout={CONNECT_TIMEOUT}", "Acquire::Retries=0"]
    command = [apt, *(word for option in options for word in ("-o", option)), "download", str(pin)]
    folder = to.parent / "apt"
    folder.mkdir()
    try:
        process = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=TOTAL_TIMEOUT, env=os.environ | {"LC_ALL": "C"}
        )
    except subprocess.TimeoutExpired as error:
        raise pin.download_error(f"apt-get has not downloaded it within {TOTAL_TIMEOUT} s", do) from error
    files = list(folder.glob("*.deb"))
    if process.returncode or not files:
        raise pin.download_error(
            f"apt-get cannot download it ({_first_error(process.stderr)})", f"run `apt-get update`, or {do}"
        )
    files[0].replace(to)


def _first_error(stderr: str) -> str:
    errors = [line.removeprefix("E: ") for line in stderr.splitlines() if line.startswith("E: ")]
    return errors[0] if errors else "without an error message"
