"""Store examples as attractors of overparameterized sigmoid autoencoders, and recall them.

The names below are loaded on first use: importing the package, and asking the command for help,
must not wait for JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attractory.activations import ErfMixture as ErfMixture
    from attractory.activations import Linear as Linear
    from attractory.activations import activation as activation
    from attractory.activations import activation_names as activation_names
    from attractory.activations import linear as linear
    from attractory.archive import load_memory as load_memory
    from attractory.archive import save_memory as save_memory
    from attractory.biased import Biased as Biased
    from attractory.census import Attractor as Attractor
    from attractory.census import AttractorCensus as AttractorCensus
    from attractory.census import attractor_census as attractor_census
    from attractory.census import census_starts as census_starts
    from attractory.certificate import Certificate as Certificate
    from attractory.certificate import CertificateStatus as CertificateStatus
    from attractory.certificate import certified_radius as certified_radius
    from attractory.corruption import absolute_size as absolute_size
    from attractory.corruption import corrupt as corrupt
    from attractory.critical import CriticalNorm as CriticalNorm
    from attractory.critical import CriticalNormStatus as CriticalNormStatus
    from attractory.critical import critical_norm as critical_norm
    from attractory.curves import RecallCurve as RecallCurve
    from attractory.curves import recall_curve as recall_curve
    from attractory.data import bundled_digits as bundled_digits
    from attractory.data import gaussian as gaussian
    from attractory.data import mnist as mnist
    from attractory.data import read_idx as read_idx
    from attractory.data import rescale as rescale
    from attractory.data import sklearn_digits as sklearn_digits
    from attractory.data import sphere as sphere
    from attractory.diagnosis import Diagnosis as Diagnosis
    from attractory.diagnosis import diagnose as diagnose
    from attractory.empirical import empirical_ntk as empirical_ntk
    from attractory.empirical import empirical_ntk_product as empirical_ntk_product
    from attractory.files import LoadedPatterns as LoadedPatterns
    from attractory.files import load_patterns as load_patterns
    from attractory.files import save_images as save_images
    from attractory.iteration import RecallResult as RecallResult
    from attractory.iteration import Status as Status
    from attractory.iteration import recall as recall
    from attractory.kernel import KernelGradient as KernelGradient
    from attractory.kernel import nngp as nngp
    from attractory.kernel import nngp_gradient as nngp_gradient
    from attractory.kernel import ntk as ntk
    from attractory.kernel import ntk_gradient as ntk_gradient
    from attractory.memory import AttractorMemory as AttractorMemory
    from attractory.memory import MemoryRecall as MemoryRecall
    from attractory.network import Autoencoder as Autoencoder
    from attractory.norms import BestNorm as BestNorm
    from attractory.norms import NormProfile as NormProfile
    from attractory.norms import best_norm as best_norm
    from attractory.norms import norm_profile as norm_profile
    from attractory.norms import relative_radius as relative_radius
    from attractory.outcome import Outcome as Outcome
    from attractory.outcome import OutcomeResult as OutcomeResult
    from attractory.outcome import recall_outcomes as recall_outcomes
    from attractory.plotting import plot_critical_norm as plot_critical_norm
    from attractory.plotting import plot_eigenvalues as plot_eigenvalues
    from attractory.plotting import plot_image_rows as plot_image_rows
    from attractory.plotting_basins import plot_census as plot_census
    from attractory.plotting_basins import plot_recall_curve as plot_recall_curve
    from attractory.plotting_radii import plot_best_norm as plot_best_norm
    from attractory.plotting_radii import plot_norm_profile as plot_norm_profile
    from attractory.plotting_radii import plot_radii as plot_radii
    from attractory.regression import InterpolationWarning as InterpolationWarning
    from attractory.regression import KernelRegression as KernelRegression
    from attractory.regression import fit_regression as fit_regression
    from attractory.rejection import Rejection as Rejection
    from attractory.rejection import confidence as confidence
    from attractory.rejection import held_out_evidence as held_out_evidence
    from attractory.rejection import unknown_evidence as unknown_evidence
    from attractory.sampled import SampledRegression as SampledRegression
    from attractory.sampled import fit_sampled_regression as fit_sampled_regression
    from attractory.shock import CriticalShock as CriticalShock
    from attractory.shock import critical_shock as critical_shock
    from attractory.spectrum import eigenvalues as eigenvalues
    from attractory.spectrum import spectral_radius as spectral_radius
    from attractory.storage import StorageError as StorageError
    from attractory.storage import read_file as read_file
    from attractory.storage import write_file as write_file
    from attractory.training import TrainingResult as TrainingResult
    from attractory.training import TrainingStatus as TrainingStatus
    from attractory.training import fit as fit

_NAMES = {
    "activations": ("ErfMixture", "Linear", "activation", "activation_names", "linear"),
    "archive": ("load_memory", "save_memory"),
    "biased": ("Biased",),
    "census": ("Attractor", "AttractorCensus", "attractor_census", "census_starts"),
    "certificate": ("Certificate", "CertificateStatus", "certified_radius"),
    "corruption": ("absolute_size", "corrupt"),
    "critical": ("CriticalNorm", "CriticalNormStatus", "critical_norm"),
    "curves": ("RecallCurve", "recall_curve"),
    "data": (
        "bundled_digits", "gaussian", "mnist", "read_idx", "rescale", "sklearn_digits", "sphere",
    ),
    "diagnosis": ("Diagnosis", "diagnose"),
    "empirical": ("empirical_ntk", "empirical_ntk_product"),
    "files": ("LoadedPatterns", "load_patterns", "save_images"),
    "iteration": ("RecallResult", "Status", "recall"),
    "kernel": ("KernelGradient", "nngp", "nngp_gradient", "ntk", "ntk_gradient"),
    "memory": ("AttractorMemory", "MemoryRecall"),
    "network": ("Autoencoder",),
    "norms": ("BestNorm", "NormProfile", "best_norm", "norm_profile", "relative_radius"),
    "outcome": ("Outcome", "OutcomeResult", "recall_outcomes"),
    "plotting": ("plot_critical_norm", "plot_eigenvalues", "plot_image_rows"),
    "plotting_basins": ("plot_census", "plot_recall_curve"),
    "plotting_radii": ("plot_best_norm", "plot_norm_profile", "plot_radii"),
    "regression": ("InterpolationWarning", "KernelRegression", "fit_regression"),
    "rejection": ("Rejection", "confidence", "held_out_evidence", "unknown_evidence"),
    "sampled": ("SampledRegression", "fit_sampled_regression"),
    "shock": ("CriticalShock", "critical_shock"),
    "spectrum": ("eigenvalues", "spectral_radius"),
    "storage": ("StorageError", "read_file", "write_file"),
    "training": ("TrainingResult", "TrainingStatus", "fit"),
}  # fmt: skip
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'attractory' has no attribute {name!r}")
    value = getattr(import_module(f"attractory.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
