#!/usr/bin/env bash
# Set up Cosmic Ray 8.7 for the benchmarks, in benchmarks/.envs/cosmic-ray (ignored by git).
set -euo pipefail
env_dir="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")/.envs/cosmic-ray"
if ! "$env_dir/bin/python" -c 'import cosmic_ray' 2>/dev/null; then
  "${PYTHON:-python3}" -m venv --clear "$env_dir"
  "$env_dir/bin/python" -m pip install -q --disable-pip-version-check cosmic-ray==8.7.0
fi
