# A virtual environment with tensorstore, zarr-python, ome-zarr-py and tifffile, the independent writers and readers of the
# tests. Sourced; sets oracle_python.

oracle_venv="${CARGO_TARGET_DIR:-target}/oracle"
case "$oracle_venv" in /*) ;; *) oracle_venv="$PWD/$oracle_venv" ;; esac
oracle_python="$oracle_venv/bin/python"
case "$(uname)" in MINGW* | MSYS*) oracle_python="$oracle_venv/Scripts/python.exe" ;; esac
oracle_wants="numpy==2.4.4 tensorstore==0.1.86 zarr==3.1.5 tifffile==2026.3.3 imagecodecs==2026.3.6"
# What ome-zarr-py imports when it writes; the rest of what it asks for (S3, HTTP, image files) would be twice as much.
oracle_wants="$oracle_wants dask==2026.8.0 scipy==1.17.1 Deprecated==1.3.1 lazy-loader==0.6 pydantic==2.12.5"
oracle_alone="ome-zarr==0.18.0 ome-zarr-models==1.7 pydantic-zarr==0.9.2 scikit-image==0.26.0"
if [ "$(cat "$oracle_venv/wants" 2>/dev/null)" != "$oracle_wants $oracle_alone" ]; then
    python3 -m venv --clear "$oracle_venv"
    # shellcheck disable=SC2086
    "$oracle_python" -m pip --disable-pip-version-check -q install $oracle_wants
    # shellcheck disable=SC2086
    "$oracle_python" -m pip --disable-pip-version-check -q install --no-deps $oracle_alone
    echo "$oracle_wants $oracle_alone" > "$oracle_venv/wants"
fi
