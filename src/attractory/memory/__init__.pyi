from .diagnosis import Diagnosis as Diagnosis
from .diagnosis import diagnose as diagnose
from .estimator import AttractorMemory as AttractorMemory
from .estimator import MemoryRecall as MemoryRecall
from .files import load_memory as load_memory
from .files import save_memory as save_memory
from .sequence import SequenceMemory as SequenceMemory
from .state import NotStoredError as NotStoredError
