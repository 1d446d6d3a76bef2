#!/usr/bin/env bash
# Set up PyTorch 2.13 for the benchmarks, in benchmarks/.envs/torch (ignored by git).
set -euo pipefail
env_dir="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")/.envs/torch"
if ! "$env_dir/bin/python" -c 'import torch; assert torch.__version__ >= "2.13"' 2>/dev/null; then
  "${PYTHON:-python3}" -m venv --clear "$env_dir"
  "$env_dir/bin/python" -m pip install -q --disable-pip-version-check torch==2.13.0 numpy
fi
