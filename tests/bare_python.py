"""A plugin of pytest: a Python in which some packages are not installed, those in ELMAN_TEST_MISSING."""

import importlib.abc
import os
import sys


class MissingPackages(importlib.abc.MetaPathFinder):
    """Refuses to find some packages, as if they were not installed."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in os.environ.get("ELMAN_TEST_MISSING", "").split(","):
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


sys.meta_path.insert(0, MissingPackages())
