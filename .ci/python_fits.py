"""Say what to install before an environment is made; runs on any Python 3."""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "Suyuan needs Python 3.11, 3.12 or 3.13; %s is %d.%d. Install one of them, or name it: "
        "make PYTHON=/path/to/python3.12 …" % (sys.executable, *sys.version_info[:2])
    )
try:
    import ensurepip
    import venv
except ImportError:
    sys.exit(
        "Python's venv module is missing. On Debian and Ubuntu: "
        "sudo apt-get install python3-venv (or python%d.%d-venv)" % sys.version_info[:2]
    )
del ensurepip, venv
