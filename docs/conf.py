"""Settings of the documentation site: `python -m sphinx -W -b html docs docs/_build/html`."""

import os
import sys
import warnings
from pathlib import Path

import matplotlib as mpl

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import attractory  # noqa: E402

mpl.use("agg")
# Warnings in the output of an example are for its reader: no path of this machine.
warnings.formatwarning = lambda message, kind, *_, **__: f"{kind.__name__}: {message}\n"

project = "Attractory"
author = "The Attractory developers"
copyright = f"2026, {author}"
version = release = attractory.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "docstrings",
    "figures",
    "mathml",
    "measured",
    "names",
    "signatures",
    "snippets",
]
exclude_patterns = ["_build", "**/README.rst"]
templates_path = ["_templates"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}

# Pages are Markdown. Headings are targets of links, down to the third level.
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# A name in single backquotes is a link where there is a page for it, and code everywhere else.
default_role = "py:obj"
add_module_names = False
autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_numpy_docstring = False
napoleon_attr_annotations = False
napoleon_use_ivar = True
# Without it names of attributes lose the underscore at their end.
strip_signature_backslash = True
napoleon_use_rtype = False
maximum_signature_line_length = 88
python_display_short_literal_types = True

html_theme = "pydata_sphinx_theme"
html_title = "Attractory"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_context = {"default_mode": "auto"}
html_sidebars = {"install": []}  # nothing is below it

# Each example is a file that ends in a figure. They run in one process, which compiles once.
# ATTRACTORY_DOCS_TEXT=1 leaves them, and the pages' snippets, as they are.
plot_gallery = str(not os.environ.get("ATTRACTORY_DOCS_TEXT"))
sphinx_gallery_conf = {
    "examples_dirs": ["../examples/tutorials", "../examples/gallery"],
    "gallery_dirs": ["tutorials", "gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "ignore_repr_types": "matplotlib",
    "min_reported_time": 1e9,
    "show_signature": False,
    "write_computation_times": False,
    "image_scrapers": ("figures.scrape",),
    "matplotlib_animations": False,
    "reset_modules": (),
    "copyfile_regex": r".*\.(png|csv)",
}
