"""``elman system``: what this installation runs on."""

from elman.cli.options import JsonOption, command_app
from elman.cli.output import to_json

app = command_app()


@app.command()
def system(as_json: JsonOption = False) -> None:
    """Show versions, cores and what scores, to include with a report of a problem or a timing.

    "scoring kernel" is the compiled one, with the instruction set that it uses, or numpy, and the reason. If the linear
    algebra library does not know the processor and uses slower routines than possible, the last line says what to set.
    The elman command sets it by itself on processors for which this is known.
    """
    from elman.scoring.system import system as describe

    facts = describe()
    if as_json:
        print(to_json(facts, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:{width}}  {value}")
