"""Whether a W&B server can be used: the requested mode, a known API key, and an answer within bounded time."""

from __future__ import annotations

import netrc
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from frostline.errors import UserError
from frostline.results.home_paths import expand_home

PROBE_SECONDS = 5.0
SECONDS_TO_REMEMBER = 600.0  # so that a sweep waits for an unreachable server once, not in each of its jobs
MODE_ALIASES = {"dryrun": "offline", "run": "online", "shared": "online"}
_recent_failures: dict[str, tuple[float, str]] = {}  # by the server's URL: when, and the reason


def requested_mode(mode: str) -> str:
    """Return the mode of WANDB_MODE, or `mode` if that is not set; WANDB_DISABLED=true turns W&B off before both."""
    if os.environ.get("WANDB_DISABLED", "").lower() in ("1", "true", "yes", "on"):
        return "disabled"
    requested = os.environ.get("WANDB_MODE") or mode
    return MODE_ALIASES.get(requested, requested)


def choose_mode(requested: str, url: str, stored_key: str | None, stored_mode: str) -> tuple[str, str]:
    """Return the mode of a run and, if it is not the requested one, the reason. It never prompts for a key."""
    if requested == "auto" and stored_mode in ("offline", "dryrun", "disabled"):
        return MODE_ALIASES.get(stored_mode, stored_mode), ""
    if requested not in ("auto", "online"):
        return requested, ""
    if not (stored_key or has_key(url)):
        return "offline", f"no API key is known for {url}" if requested == "online" else ""
    reason = _recent_failure(url) or remember_failure(url, unreachable_reason(url))
    return ("offline", reason) if reason else ("online", "")


def remember_failure(url: str, reason: str) -> str:
    """Remember for some minutes why a server cannot be used, if there is a reason, and return it."""
    if reason:
        _recent_failures[url] = time.monotonic(), reason
    return reason


def _recent_failure(url: str) -> str:
    since, reason = _recent_failures.get(url, (0.0, ""))
    return reason if reason and time.monotonic() - since < SECONDS_TO_REMEMBER else ""


def has_key(url: str) -> bool:
    """Return whether credentials are where W&B reads them: in two variables, or in the netrc file for the host."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    file = os.environ.get("NETRC")
    for path in [file] if file else ["~/.netrc", "~/_netrc"]:
        try:
            entry = netrc.netrc(expand_home(path, "NETRC")).authenticators(urlsplit(url).netloc)
        except (OSError, UserError, netrc.NetrcParseError):  # UserError: the user has no home folder
            continue
        return bool(entry and entry[2])
    return False


def unreachable_reason(url: str, seconds: float = PROBE_SECONDS) -> str:
    """Return why the server cannot be used, or an empty string if it answers.

    The request runs in a thread, because a socket's timeout limits neither the look-up of a name nor an answer that
    arrives byte by byte.
    """
    reasons = [f"{url} did not answer in {seconds:g} s"]
    probe = threading.Thread(target=lambda: reasons.append(_request(url, seconds)), daemon=True)
    probe.start()
    probe.join(seconds)
    return reasons[-1]


def _request(url: str, seconds: float) -> str:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=seconds):
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code < 500 else f"{url} failed (HTTP {error.code})"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        # A server whose certificate Python does not trust can still be used: W&B may be configured to trust it.
        return "" if isinstance(reason, ssl.SSLError) else f"{url} does not answer ({reason})"
    except Exception as error:  # the answer is not HTTP
        return f"{url} is no W&B server ({type(error).__name__})"
