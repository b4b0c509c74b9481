"""The build hook of the wheel: compiles the scoring kernel if there is a C compiler; the install succeeds without one.

The wheel is tagged for the platform if it contains the library, and for any platform otherwise. An editable install
compiles into the checkout.
"""

import platform
import sys
import sysconfig
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "elman/scoring/kernel"


class KernelHook(BuildHookInterface):
    """Adds the library and its note to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is written; see `BuildHookInterface`."""
        if self.target_name != "wheel":
            return
        building = self._load_building()
        if version == "editable":
            building.build_if_possible(Path(self.root, PLACE, "built"))
            return
        self._scratch = tempfile.TemporaryDirectory()
        folder = Path(self._scratch.name)
        library = building.build_if_possible(folder)
        build_data["force_include"] |= {str(path): f"{PLACE}/built/{path.name}" for path in folder.iterdir()}
        if library is not None:
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{find_platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled, which is in the wheel now."""
        if hasattr(self, "_scratch"):
            self._scratch.cleanup()

    def _load_building(self) -> Any:
        """Return the module that compiles, which is loaded by its path: Elman is not installed yet."""
        spec = spec_from_file_location("elman_kernel_build", Path(self.root, PLACE, "build.py"))
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def find_platform() -> str:
    """Return the platform of the wheel's tag; the library needs nothing but the C library."""
    if sys.platform == "darwin":  # Python may be built for two processors, the library is for one
        return f"macosx_11_0_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
