"""Whether a W&B server can be used: what was asked for, is a key known, does the server answer in bounded time."""

from __future__ import annotations

import netrc
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

PROBE_SECONDS = 5.0
SECONDS_TO_REMEMBER = 600.0  # so that a sweep does not wait for the same server in each of its jobs
_troubles: dict[str, tuple[float, str]] = {}
OTHER_NAMES = {"dryrun": "offline", "run": "online", "shared": "online"}


def asked(mode: str) -> str:
    """The mode of the environment, which wins, or the one given."""
    wanted = os.environ.get("WANDB_MODE") or mode
    return OTHER_NAMES.get(wanted, wanted)


def choose(wanted: str, url: str, stored_key: str | None, stored_mode: str) -> tuple[str, str]:
    """The mode to run in and, where it is not the one that was asked for, why. Nobody is ever asked for a key."""
    if wanted == "auto" and stored_mode in ("offline", "dryrun", "disabled"):
        return OTHER_NAMES.get(stored_mode, stored_mode), ""
    if wanted not in ("auto", "online"):
        return wanted, ""
    if not (stored_key or has_key(url)):
        return "offline", f"no API key is known for {url}" if wanted == "online" else ""
    reason = _remembered(url) or remember(url, silence(url))
    return ("offline", reason) if reason else ("online", "")


def remember(url: str, trouble: str) -> str:
    """Keep for a while what is wrong with a server, if anything is; gives it back."""
    if trouble:
        _troubles[url] = time.monotonic(), trouble
    return trouble


def _remembered(url: str) -> str:
    since, trouble = _troubles.get(url, (0.0, ""))
    return trouble if trouble and time.monotonic() - since < SECONDS_TO_REMEMBER else ""


def has_key(url: str) -> bool:
    """Where W&B itself looks for credentials: two variables, then the netrc file's entry for the host."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    named = os.environ.get("NETRC")
    for path in [named] if named else ["~/.netrc", "~/_netrc"]:
        try:
            entry = netrc.netrc(Path(path).expanduser()).authenticators(urlsplit(url).netloc)
        except (OSError, netrc.NetrcParseError):
            continue
        return bool(entry and entry[2])
    return False


def silence(url: str, seconds: float = PROBE_SECONDS) -> str:
    """Why the server cannot be used, or nothing where it answers.

    In a thread, because neither the look-up of a name nor an answer that drips in keeps to a socket's timeout.
    """
    found = [f"{url} did not answer in {seconds:g} s"]
    probe = threading.Thread(target=lambda: found.append(_ask(url, seconds)), daemon=True)
    probe.start()
    probe.join(seconds)
    return found[-1]


def _ask(url: str, seconds: float) -> str:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=seconds):
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code < 500 else f"{url} is ill (HTTP {error.code})"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        # A server whose certificate Python does not know is there all the same: W&B may have been told to trust it.
        return "" if isinstance(reason, ssl.SSLError) else f"{url} does not answer ({reason})"
    except Exception as error:  # whatever speaks there does not speak HTTP
        return f"{url} is no W&B server ({type(error).__name__})"
