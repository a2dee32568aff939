"""Paths that begin with ~: the one place in which they are expanded."""

from __future__ import annotations

from pathlib import Path

from frostline.errors import user_error


def expand_home(path: str | Path, key: str) -> Path:
    """Return a path whose leading ~ or ~NAME is replaced by the home folder of this user, or of the user NAME.

    Raises:
        UserError: there is no such home folder. key: that has the path.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        first = Path(path).parts[0]
        whose = f"a user called '{first[1:]}'" if first[1:] else "this user"
        what = f"'{path}' begins with {first}, and there is no home folder of {whose}"
        do = f"write the path in full, or ./{path} for a path that begins with these characters"
        raise user_error(key, what, do) from error
