"""How commands show what to type: one usage line, and no types where they tell a reader nothing.

Typer's releases differ in the usage line and in what stands behind a flag, so both are set here.
"""

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["Command", "Group", "usage_of"]


def _plain(parameters: list[Any]) -> list[Any]:
    """Name arguments in capitals, without types, as flags are: they tell a reader nothing."""
    for each in parameters:
        if each.param_type_name == "argument":
            each.metavar = (each.metavar or each.name).strip("[].").upper()
            each.metavar += "..." if each.nargs != 1 else ""
            each.display_type_rich = lambda ctx: ""
        elif getattr(each, "is_flag", False):
            each.metavar = ""
    return parameters


class Command(TyperCommand):
    """A subcommand whose usage line has its required options, as `--out OUT` of `store`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, without types that say nothing."""
        return _plain(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name in its usage line."""
        pieces = ["[OPTIONS]"]
        for each in self.get_params(ctx):
            if each.param_type_name == "argument":
                pieces.append(each.metavar if each.required else f"[{each.metavar}]")
            elif each.required:
                pieces.insert(-1, f"{each.opts[0]} {(each.name or '').upper()}")
        return pieces


class Group(TyperGroup):
    """The command itself, with its subcommands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, without types that say nothing."""
        return _plain(super().get_params(ctx))


def usage_of(error: Exception) -> str:
    """Return how the command is used, if something was not given; else an empty text."""
    context = getattr(error, "ctx", None)
    # The class of this error lives in click or in typer, depending on typer's release.
    missing = isinstance(error, typer.BadParameter) and hasattr(error, "param_type")
    if context is None or not missing:
        return ""
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return f"usage: {context.command_path} {pieces}; -h explains"
