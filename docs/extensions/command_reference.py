"""Reference of the command line, read from the commands themselves: usage, help, examples, arguments and options.

A page has the directive ``{command} data show`` for one command, or ``{command}`` for the list of all commands.
"""

import re
from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from elman.cli import app

_EXAMPLE = re.compile(r"\[bold\](.*?\belman .*?)\[/bold\]\s*(.*)", re.DOTALL)
_BOLD = re.compile(r"\[/?bold\]")
_CODE = re.compile(r"(`[^`]*`|\[bold\].*?\[/bold\]|(?<![\w-])--[a-z][a-z-]*)")
_BOUNDS = re.compile(r"(.+)<=x<=(.+)|x>=(.+)")
NO_BREAK = "\N{NO-BREAK SPACE}"


def commands() -> dict[str, tuple[Any, typer.Context]]:
    """Return every command with its context, by its full name: ``elman``, ``elman train``, ``elman data show``."""
    return dict(_walk(typer.main.get_command(app), "elman", None))


def options(name: str) -> list[str]:
    """Return the long names of a command's options, such as ``--epochs``; ``--help`` is left out."""
    command, _ = commands()[name]
    flags = [flag for one in command.params if one.param_type_name == "option" for flag in one.opts]
    return [flag for flag in flags if flag.startswith("--")]


def render(name: str) -> str:
    """Return the reference of one command as MyST Markdown."""
    command, context = commands()[name]
    parts = [*_about(command), _block(_one_line(command.get_usage(context)).removeprefix("Usage: "))]
    parts += [_block(f"# {note}\n{example}" if note else example) for example, note in _examples(command)]
    return "\n\n".join([*parts, *_parameters(command, context)])


def render_list() -> str:
    """Return a table of the commands with links to their pages, then the options of ``elman``, as MyST Markdown."""
    rows = []
    for name, (command, _) in commands().items():
        if name.count(" ") == 1:
            link = f"[{name.replace(' ', NO_BREAK)}](commands/{name.removeprefix('elman ')}.md)"
            rows.append(f"| {link} | {to_markdown(_paragraphs(command)[0])} |")
    table = "\n".join(["| command | what it does |", "|---|---|", *rows])
    return "\n\n".join([table, *_parameters(*commands()["elman"])])


class CommandDirective(SphinxDirective):
    """The reference of one command, or the list of all of them."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the reference as nodes."""
        text = render(f"elman {self.arguments[0]}") if self.arguments else render_list()
        return self.parse_text_to_nodes(text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive; Sphinx calls this."""
    app.add_directive("command", CommandDirective)
    return {"parallel_read_safe": True}


def _walk(command: Any, name: str, parent: Any) -> Iterator[tuple[str, tuple[Any, typer.Context]]]:
    context = typer.Context(command, info_name=name.rpartition(" ")[2], parent=parent)
    yield name, (command, context)
    for below in getattr(command, "list_commands", lambda _: [])(context):
        yield from _walk(command.get_command(context, below), f"{name} {below}", context)


def _paragraphs(command: Any) -> list[str]:
    return [_one_line(paragraph) for paragraph in (command.help or "").split("\n\n")]


def _about(command: Any) -> list[str]:
    return [to_markdown(text) for text in _paragraphs(command) if not _EXAMPLE.fullmatch(text)]


def _examples(command: Any) -> list[tuple[str, str]]:
    """Return each example of a command's help with the words behind it."""
    found = filter(None, map(_EXAMPLE.fullmatch, _paragraphs(command)))
    return [(match[1], _BOLD.sub("", match[2])) for match in found]


def _parameters(command: Any, context: typer.Context) -> list[str]:
    """Return arguments, then options, those of one panel of the help together."""
    parts, title = [f"```{{program}} {context.command_path}\n```"], ""
    for one in sorted(command.params, key=lambda param: (param.param_type_name != "argument", _panel(param))):
        if _panel(one) != title:
            title = _panel(one)
            parts.append(f"```{{rubric}} {title}\n:heading-level: {2 + context.command_path.count(' ')}\n```")
        parts.append(_parameter(one, context))
    return parts


def _panel(param: Any) -> str:
    panel = getattr(param, "rich_help_panel", None)
    return panel or ("Arguments" if param.param_type_name == "argument" else "Options")


def _parameter(param: Any, context: typer.Context) -> str:
    name, text = param.get_help_record(context)
    name = name.replace(" range>", ">")
    text, _, extra = text.partition("  [")
    facts = [_fact(fact) for fact in extra.removesuffix("]").split("; ") if fact]
    body = " ".join([to_markdown(_one_line(text)), *facts])
    if param.param_type_name == "argument":
        return f"`{name}`\n: {body}"
    return f"````{{option}} {name}\n{body}\n````"


def _fact(fact: str) -> str:
    """Return what the help puts in brackets, such as ``default: gru`` or ``x>=1``, as a sentence."""
    word, colon, value = fact.partition(": ")
    if colon:
        return f"{word.capitalize()}: `{value}`."
    if (bounds := _BOUNDS.fullmatch(fact)) is None:
        return f"{fact.capitalize()}."
    least, most, alone = bounds.groups()
    return f"At least {alone}." if alone else f"From {least} to {most}."


def _block(text: str) -> str:
    return f"```shell\n{text}\n```"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def to_markdown(text: str) -> str:
    """Return a line of help as Markdown: rich's bold and options become code, and nothing else is markup but `code`."""
    pieces = _CODE.split(text)
    shown = [
        f"`{_BOLD.sub('', piece).strip('`')}`" if at % 2 else re.sub(r"([*_<>\[\]|\\])", r"\\\1", piece)
        for at, piece in enumerate(pieces)
    ]
    return "".join(shown)
