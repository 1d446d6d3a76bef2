"""Formulas as MathML, made while the site is built: browsers draw it without any script.

MathJax would be loaded from elsewhere or add megabytes. docutils turns the LaTeX of our pages into
MathML, and a formula that it does not know is an error of the build.
"""

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


def _mathml(node: nodes.math | nodes.math_block, *, block: bool) -> str:
    text = " ".join(node.astext().split())
    try:
        return tex2mathml(text, as_block=block)
    except MathError as error:
        raise ExtensionError(f"{node.source}, line {node.line}: {error} in {text!r}") from error


def _inline(writer, node: nodes.math) -> None:
    writer.body.append(f'<span class="math">{_mathml(node, block=False)}</span>')
    raise nodes.SkipNode


def _display(writer, node: nodes.math_block) -> None:
    # It can be focused, so that a wide formula is scrolled with the keyboard.
    body = _mathml(node, block=True)
    writer.body.append(f'<div class="math" tabindex="0">{body}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer as `html_math_renderer = "mathml"`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
