from .patterns import LoadedPatterns as LoadedPatterns
from .patterns import NothingRead as NothingRead
from .patterns import load_patterns as load_patterns
from .saving import save_images as save_images
from .tensor_file import StorageError as StorageError
