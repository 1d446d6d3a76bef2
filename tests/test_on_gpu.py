"""What is for a GPU, on the second of two host devices: see `on_gpu_checks`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("checks", ["matrices", "solves recall guard"])
def test_on_a_second_device(checks):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=2"
    script = Path(__file__).parent / "on_gpu_checks.py"
    ran = subprocess.run(
        [sys.executable, str(script), *checks.split()],
        env={**os.environ, "XLA_FLAGS": flags}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
