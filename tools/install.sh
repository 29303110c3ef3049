#!/bin/sh
# Make a virtual environment and install hackbook into it: `install.sh PYTHON VENV`. Every failure is one clear line.
set -u
python=$1 venv=$2 log=$2/install.log
fail() { echo "hackbook: $1" >&2; exit 1; }

command -v "$python" >/dev/null 2>&1 || fail "$python is missing; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed, $python is $("$python" -c 'import platform; print(platform.python_version())'); name another: make PYTHON=python3.12"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "Python's venv module is missing; on Debian and Ubuntu: sudo apt install python3-venv"

"$python" -m venv "$venv" >/dev/null 2>&1 || fail "could not make a virtual environment in $venv; is the folder writable, and the disk not full?"
echo "hackbook: installing into $venv (some minutes the first time; details in $log)"
"$venv/bin/python" -m pip install --disable-pip-version-check --no-warn-script-location -e '.[dev]' >"$log" 2>&1 && {
    # a demo in one file needs it; without it everything else works
    "$venv/bin/hackbook" engine --no-progress >>"$log" 2>&1 || echo "hackbook: the engine of demos in one file could not be downloaded; call \`hackbook engine\` when you are online"
    exit 0
}
grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeoutError|Failed to establish|Temporary failure in name resolution|Network is unreachable|from versions: none' "$log" &&
    fail "the package index cannot be reached; check the network connection, then call make again (details in $log)"
grep -q 'No space left on device' "$log" && fail "the disk is full; about 4 GB are needed (details in $log)"
fail "the installation failed: $(grep -E '^ERROR' "$log" | tail -n 1) (details in $log)"
