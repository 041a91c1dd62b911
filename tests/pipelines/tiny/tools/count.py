"""Count the words of one text; a text with fewer than ``least`` is refused with exit code 3."""

import json
import sys
from pathlib import Path

text, least = Path(sys.argv[1]).read_text(encoding="utf-8"), int(sys.argv[2])
words = len(text.split())
print(f"{words} words")
if words < least:
    print("too few words", file=sys.stderr)
    sys.exit(3)
Path("words.json").write_text(json.dumps({"words": words}), encoding="utf-8")
