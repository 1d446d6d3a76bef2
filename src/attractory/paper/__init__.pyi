from .claims import Claim as Claim
from .claims import PaperFigure as PaperFigure
from .claims import Results as Results
from .report import Reproduction as Reproduction
from .report import Run as Run
from .run import FIGURES as FIGURES
from .run import figures_named as figures_named
from .run import reproduce as reproduce
