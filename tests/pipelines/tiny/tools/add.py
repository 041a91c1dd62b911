"""Add the counts up."""

import json
import sys
from pathlib import Path

counts = [json.loads(Path(path).read_text(encoding="utf-8"))["words"] for path in sys.argv[2:]]
rows = "".join(f"{number}\t{words}\n" for number, words in enumerate(counts, 1))
Path("table.tsv").write_text(f"text\twords\n{rows}", encoding="utf-8")
Path("total.json").write_text(json.dumps({"total": sum(counts)}), encoding="utf-8")
