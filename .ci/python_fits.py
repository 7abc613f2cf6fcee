"""Say what to install before an environment is made; runs on any Python 3."""

import importlib.util
import sys

here = f"{sys.version_info[0]}.{sys.version_info[1]}"
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        f"Suyuan needs Python 3.11, 3.12 or 3.13; {sys.executable} is {here}. "
        "Install one of them, or name it: make PYTHON=/path/to/python3.12 demo"
    )
if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
    sys.exit(
        "Python's venv module is missing. On Debian and Ubuntu: "
        f"sudo apt-get install python3-venv (or python{here}-venv)"
    )
