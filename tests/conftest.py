"""How the suite is run: a busy machine is no failure of a property, and the terminal around it decides nothing."""

import os

from cli_running import DECIDING
from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
for name in DECIDING:
    os.environ.pop(name, None)
