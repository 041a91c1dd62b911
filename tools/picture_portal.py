"""Walk through the portal of a demo's work folder in Chromium, and keep a picture of each stage in docs/images/portal.

python tools/picture_portal.py WORK [SITE]

With the name of a site that is connected, the appliance is deployed there too.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.portal_walk import NAME, Walk, browser, served  # noqa: E402 -- the checkout is put on the path first

PICTURES = ROOT / "docs" / "images" / "portal"


def main(work: Path, site: str = "") -> int:
    """Walk, and say what the browser complained about."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    with served(work) as running, browser() as chromium:
        walk = Walk(running, chromium, PICTURES)
        walk.go()
        if site:
            ada = walk.sign_in("ada")
            walk.elsewhere(ada, site, f"{NAME}-a2")
            walk.leave(ada, f"{NAME}-a2")
    for complaint in walk.complaints:
        print(complaint)
    return 1 if walk.complaints else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
