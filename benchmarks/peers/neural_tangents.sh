#!/usr/bin/env bash
# Set up the environment of the peer library neural-tangents 0.6.5 for the benchmarks.
#
#   benchmarks/peers/neural_tangents.sh          # PYTHON=python3.12 ... picks the interpreter
#
# It creates benchmarks/.envs/neural-tangents (ignored by git, about 2.6 GB: the library imports
# TensorFlow unconditionally), installs the pins below, and checks the worker once against the
# closed form of the erf kernel. A second run with the same pins only repeats that check.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
env_dir="$(dirname "$here")/.envs/neural-tangents"
stamp="$env_dir/.pins"
python="${PYTHON:-python3}"
pins=(
  neural-tangents==0.6.5
  jax==0.4.30
  jaxlib==0.4.30
  numpy==1.26.4
  scipy==1.17.1
  ml_dtypes==0.5.4
  frozendict==2.4.7
  tensorflow==2.21.0
  keras==3.15.1
  tf2jax==0.3.6
)

say() { printf 'neural-tangents: %s\n' "$*"; }
die() { printf 'neural-tangents: error: %s\n' "$*" >&2; exit 1; }

if [[ -f "$stamp" && -x "$env_dir/bin/python" && "$(<"$stamp")" == "${pins[*]}" ]]; then
  say "environment is up to date"
else
  command -v "$python" >/dev/null || die "no interpreter '$python' (set PYTHON)"
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' ||
    die "the pins need Python 3.11 or 3.12, but '$python' is $("$python" -V 2>&1)"
  say "creating the environment in benchmarks/.envs/neural-tangents"
  "$python" -m venv --clear "$env_dir" || die "could not create the virtual environment"
  say "installing ${#pins[@]} pinned packages (TensorFlow among them; this takes a minute)"
  "$env_dir/bin/python" -m pip install -qq --disable-pip-version-check "${pins[@]}" ||
    die "pip could not install the pinned packages"
  printf '%s\n' "${pins[*]}" >"$stamp"
fi

say "checking the worker"
log="$(mktemp)"  # TensorFlow's notices, of interest only when the check fails
trap 'rm -f "$log"' EXIT
answer="$("$env_dir/bin/python" "$here/neural_tangents_worker.py" <<<'{"op": "check"}' 2>"$log")" ||
  { cat "$log" >&2; die "the worker did not run"; }
[[ "$answer" == *'"ok": true'* ]] || die "the worker's check failed: $answer"
say "ready: $answer"
