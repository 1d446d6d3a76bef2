"""The peer neural-tangents 0.6.5, in a process and an environment of its own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


class NeuralTangents:
    """A running worker; `ask` sends one request and waits for its answer."""

    def __init__(self):
        setup = subprocess.run([HERE / "neural_tangents.sh"], stdout=subprocess.DEVNULL)
        if setup.returncode:
            sys.exit("the environment of neural-tangents could not be set up (see above)")
        self._folder = tempfile.TemporaryDirectory()
        self._count = 0
        self._process = subprocess.Popen(
            [
                HERE.parent / ".envs/neural-tangents/bin/python",
                HERE / "neural_tangents_worker.py",
            ],
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
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()
