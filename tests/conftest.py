"""How the properties of the suite are run: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
