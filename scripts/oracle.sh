# A virtual environment with tensorstore and tifffile, the independent writers and readers of the tests. Sourced; sets oracle_python.

oracle_venv="${CARGO_TARGET_DIR:-target}/oracle"
case "$oracle_venv" in /*) ;; *) oracle_venv="$PWD/$oracle_venv" ;; esac
oracle_python="$oracle_venv/bin/python"
case "$(uname)" in MINGW* | MSYS*) oracle_python="$oracle_venv/Scripts/python.exe" ;; esac
oracle_wants="numpy==2.4.4 tensorstore==0.1.86 tifffile==2026.3.3 imagecodecs==2026.3.6"
if [ "$(cat "$oracle_venv/wants" 2>/dev/null)" != "$oracle_wants" ]; then
    python3 -m venv --clear "$oracle_venv"
    # shellcheck disable=SC2086
    "$oracle_python" -m pip --disable-pip-version-check -q install $oracle_wants
    echo "$oracle_wants" > "$oracle_venv/wants"
fi
