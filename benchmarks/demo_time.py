"""The whole demo in a new work folder: wall seconds by stage, and the memory of its largest processes.

    python benchmarks/demo_time.py

Goal: at most 90 s on two cores, phantoms and repeat included, and at most 1.5 GB of memory over all its processes.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

SECONDS = 90
MEMORY_MB = 1500


def main() -> int:
    """Measure, print a table and a JSON line; exit 1 if the goal is missed."""
    with tempfile.TemporaryDirectory(prefix="voxpop-bench-") as folder:
        command = [sys.executable, "-m", "voxpop", "demo", "--json", "--work", str(Path(folder) / "work")]
        begun = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
            peak = Peak(demo.pid)
            peak.start()
            told, _ = demo.communicate()
        wall_s = time.perf_counter() - begun
    peak.join()
    answer = json.loads(told)
    figures = {"wall_s": round(wall_s, 1), "peak_memory_mb": round(peak.bytes / 1e6), **answer["seconds"]}
    for name, value in figures.items():
        print(f"{name:<20} {value}")
    print(json.dumps(figures))
    return 0 if wall_s <= SECONDS and peak.bytes <= MEMORY_MB * 1e6 else 1


class Peak(threading.Thread):
    """The largest sum of proportional memory over a process and its children, sampled twice a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self.bytes = 0

    def run(self) -> None:
        """Sample until the process ends."""
        while self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE:
            self.bytes = max(self.bytes, self._now())
            time.sleep(0.5)

    def _now(self) -> int:
        total = 0
        try:
            for process in (self._process, *self._process.children(recursive=True)):
                total += process.memory_full_info().pss
        except psutil.Error:
            return 0
        return total


if __name__ == "__main__":
    sys.exit(main())
