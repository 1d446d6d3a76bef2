#!/usr/bin/env bash
# Set up auto_LiRPA 0.3 with PyTorch 2.13 in benchmarks/.envs/auto-lirpa (ignored by git). It asks for
# PyTorch below 1.13; the worker gives it what later ones have elsewhere.
set -euo pipefail
env_dir="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")/.envs/auto-lirpa"
if ! "$env_dir/bin/python" -c 'import torch, numpy, appdirs, yaml; from importlib.metadata import version; version("auto-lirpa")' 2>/dev/null; then
  "${PYTHON:-python3}" -m venv --clear "$env_dir"
  "$env_dir/bin/python" -m pip install -q --disable-pip-version-check torch==2.13.0 'numpy<2' appdirs pyyaml packaging ninja tqdm
  "$env_dir/bin/python" -m pip install -q --disable-pip-version-check --no-deps torchvision auto-lirpa==0.3
fi
