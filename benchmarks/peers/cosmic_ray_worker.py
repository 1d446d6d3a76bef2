"""Mutants of a file by Cosmic Ray's operators: JSON lines in, JSON lines out.

A place of the code is drawn first and then one of the mutations possible there, as an arithmetic
operator has eleven and a comparison seven. Left out are annotations, default values of tuning at
the top of the module (NAME = number), texts, imports and decorators.
"""

import ast
import json
import random
import sys
from collections import defaultdict
from pathlib import Path

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

ARITHMETIC = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}
IDENTITY = {"Is", "IsNot"}


def plausible(name):
    """Return whether an operator makes what somebody may have written, and not a TypeError."""
    kind, *change = name.split("/")[1].split("_")
    if kind == "ReplaceBinaryOperator":
        return len({op in ARITHMETIC for op in change}) == 1
    if kind == "ReplaceComparisonOperator":
        return len({op in IDENTITY for op in change}) == 1
    if kind == "ReplaceUnaryOperator":
        return change[0] == "Delete" or change == ["USub", "UAdd"]
    return kind not in ("VariableInserter", "VariableReplacer", "RemoveDecorator")


def spans_left_out(source):
    """Return (begin, end) of annotations, module-level constants, f-strings and `__repr__`."""
    spans = []

    def add(node):
        spans.append(((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)))

    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom):
            add(node)
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if getattr(node, name, None) is not None:
                add(getattr(node, name))
        if isinstance(node, ast.JoinedStr):
            add(node)
        if isinstance(node, ast.FunctionDef) and node.name == "__repr__":
            add(node)
    return spans


def mutants(path, count, seed):
    source = Path(path).read_text(encoding="utf-8")
    lines = source.splitlines()
    spans = spans_left_out(source)
    places = defaultdict(list)
    for name in sorted(plugins.operator_names()):
        if not plausible(name):
            continue
        operator, occurrence = plugins.get_operator(name)(), 0
        for node in ast_nodes(get_ast(source)):
            for begin, end in operator.mutation_positions(node):
                places[begin, end].append((name, occurrence))
                occurrence += 1
    # Python's columns count bytes, and these characters.
    bytes_at = lambda p: (p[0], len(lines[p[0] - 1][: p[1]].encode()))  # noqa: E731
    allowed = {
        place: found for place, found in places.items()
        if not any(b <= bytes_at(place[0]) and bytes_at(place[1]) <= e for b, e in spans)
    }  # fmt: skip
    rng = random.Random(seed)
    order = sorted(allowed)
    chosen = rng.sample(order, min(count, len(order)))
    out = []
    for place in sorted(chosen):
        name, occurrence = rng.choice(allowed[place])
        try:
            code = mutate_code(source, plugins.get_operator(name)(), occurrence)
        except AttributeError:  # the exception's operator stumbles over dotted names
            continue
        if code and code != source:
            out.append({"name": f"{name.split('/')[1]} {place[0][0]}:{place[0][1]}", "code": code})
    return {"places": len(order), "mutants": out}


for line in sys.stdin:
    try:
        answer = mutants(**json.loads(line))
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
