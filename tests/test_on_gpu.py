"""What is for several devices and for a GPU, on two host devices: see `on_gpu_checks`."""

import os
import subprocess
import sys
from pathlib import Path


def test_on_a_second_device():
    """All in one process: to load the package and JAX and to compile is most of the time."""
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=2"
    script = Path(__file__).parent / "on_gpu_checks.py"
    ran = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, "XLA_FLAGS": flags},
        capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
