"""The explorer: a page in the browser on which a memory is built, damaged cues recalled, and seen.

`attractory explore` starts it; the extra `explore` brings Bokeh, whose server keeps a session for
each page and draws the plots. What the page shows is computed and drawn by functions that know
nothing of it, and need no extra: a `Setup` says which memory, a cue is a row, `cues` damage it, and
`draw` makes the figure that the page exports.

Files, in the order in which they use one another:

- `setup`: the settings of a memory and their limits.
- `sources`: patterns from the bundled digits, and from files and uploads, within limits.
- `cues`: what is done to a cue.
- `views`: what is seen of a memory, as arrays.
- `figure`: the same as a figure, for export.
- `script`: the Python that makes that figure.
- `session`: one visitor's memory and cue, changed by messages.
- `worker`: threads in which a newer request takes the place of an older one.
- `plots`, `app`, `server`: the page, by Bokeh. `page` holds its HTML, style and JavaScript.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
