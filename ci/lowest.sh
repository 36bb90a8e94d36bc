#!/usr/bin/env bash
# The lowest versions of the dependencies that pyproject.toml allows, in a virtual environment of their own, and the tests that
# go through each of them. A bound that is too low fails here, not at a user's.
set -euo pipefail
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet 'uv>=0.5'
"$work/venv/bin/uv" pip install --quiet --python "$work/venv/bin/python" --resolution lowest-direct .
"$work/venv/bin/uv" pip install --quiet --python "$work/venv/bin/python" 'pytest>=8.4' 'hypothesis>=6.100'
"$work/venv/bin/uv" pip list --python "$work/venv/bin/python" 2>/dev/null | grep -iE 'tree-sitter|hcl2|jsonschema|pyyaml'
"$work/venv/bin/python" -m pytest -x tests/unit/syntax tests/unit/policy tests/test_samples.py tests/test_parity.py
