"""A real Dask scheduler and two workers, each a process of its own, on loopback."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
WORKER = "worker", "--nthreads", "1", "--no-dashboard"


class Cluster:
    """Dask's own commands, on loopback."""

    def __init__(self, folder):
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--no-show")
        self.workers = [self._start(*WORKER) for _ in range(2)]
        while not (self.file.exists() and self.file.read_text().endswith("}")):
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        from distributed import Client  # the fixture skips tests without it

        with Client(self.address, timeout=600, set_as_default=False) as client:
            client.wait_for_workers(2)

    def _start(self, kind, *options):
        path = os.pathsep.join([str(HERE), *sys.path])
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options]
        command += ["--host", "127.0.0.1", "--scheduler-file", str(self.file)]
        command += (
            ["--no-nanny", "--local-directory", str(self.file.parent)] if kind == "worker" else []
        )
        return subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def end(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
