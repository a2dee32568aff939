"""Takes the four pictures of a page here: as a desk and a phone show it, in light and dark.

python experiments/report/pictures.py PAGE
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))

from browser import chromium

HERE = Path(__file__).parent
SIZES = {"desk": (1280, 1500), "phone": (390, 1300)}


def main(page: str) -> None:
    with chromium() as browser:
        for name, size in SIZES.items():
            for scheme in ("light", "dark"):
                browser.look(size, scheme)
                browser.open(Path(page))
                (HERE / f"{name}-{scheme}.png").write_bytes(browser.picture())


if __name__ == "__main__":
    main(*sys.argv[1:])
