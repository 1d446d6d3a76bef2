"""A peer in a process and an environment of its own: JSON lines in, JSON lines out."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


class Worker:
    """A running worker; `ask` sends one request and waits for its answer."""

    def __init__(self, setup, environment, script):
        if subprocess.run([HERE / setup], stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"the environment {environment} could not be set up (see above)")
        self._folder = tempfile.TemporaryDirectory()
        self._count = 0
        self._process = subprocess.Popen(
            [HERE.parent / ".envs" / environment / "bin/python", HERE / script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def put(self, **arrays):
        """Save arrays for the worker; return the path."""
        self._count += 1
        path = Path(self._folder.name) / f"{self._count}.npz"
        np.savez(path, **arrays)
        return str(path)

    def ask(self, **request):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the worker died; run it by hand to see why")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()


def neural_tangents():
    return Worker("neural_tangents.sh", "neural-tangents", "neural_tangents_worker.py")


def torch():
    return Worker("torch.sh", "torch", "torch_worker.py")


def auto_lirpa():
    return Worker("auto_lirpa.sh", "auto-lirpa", "auto_lirpa_worker.py")
