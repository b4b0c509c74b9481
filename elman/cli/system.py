"""``elman system``: what this installation runs on."""

import platform
from importlib.metadata import PackageNotFoundError, version

from elman.cli.options import JsonOption, command_app
from elman.cli.output import to_json
from elman.version import __version__

PACKAGES = ("numpy", "safetensors", "torch", "scikit-learn", "matplotlib", "pillow")

app = command_app()


@app.command()
def system(as_json: JsonOption = False) -> None:
    """Show versions, cores and the routines for matrix products, to include with a report of a problem or a timing.

    If the linear algebra library does not know the processor and uses slower routines than possible, the last line says
    what to set. The elman command sets it by itself on processors for which this is known.
    """
    from elman.scoring.processor import cores, kernel

    found = kernel()
    facts = {
        "elman": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        **{package: _version(package) for package in PACKAGES},
        "matrix products": f"{found.library}, routines for {found.routines}",
        "advice": found.advice or "none: these are the best routines that Elman knows for this processor",
    }
    if as_json:
        print(to_json(facts, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:{width}}  {value}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
