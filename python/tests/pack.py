"""Packs the package and a library that is built already as a wheel: pack.py <folder of the library> <folder for the wheel>

What is in a released wheel besides the library is the same: its metadata come from maturin, which reads pyproject.toml and Cargo.toml.
maturin itself would build the library again, in the features of this crate alone, and with it all of DataFusion.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parents[1]
LIBRARIES = {"linux": "lib_native.so", "darwin": "lib_native.dylib", "win32": "_native.dll"}


def main(built: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    shutil.rmtree(target, ignore_errors=True)
    unpacked = target / "unpacked"
    package = unpacked / "connectwise_etl"
    shutil.copytree(HERE / "connectwise_etl", package, ignore=shutil.ignore_patterns("__pycache__", "_native.*so", "_native.pyd"))
    name = "_native.pyd" if sys.platform == "win32" else "_native.abi3.so"
    library = package / name
    shutil.copy(built / LIBRARIES[sys.platform], library)
    if shutil.which("strip"):
        # Of its 200 MB more than a third are names that only a debugger wants.
        subprocess.run(["strip", "-x" if sys.platform == "darwin" else "--strip-all", library], check=True)
    describe = [sys.executable, "-m", "maturin", "pep517", "write-dist-info", "--metadata-directory", str(unpacked)]
    subprocess.run(
        [*describe, "--interpreter", sys.executable, "--manifest-path", str(HERE / "Cargo.toml")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run([sys.executable, "-m", "wheel", "pack", "--dest-dir", str(target), str(unpacked)], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(unpacked)
    (wheel,) = target.glob("*.whl")
    return wheel


if __name__ == "__main__":
    print(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
