r"""Section 4.2, appendix B: the kernel's diagonal from below, and a single stored example.

Lemma 5. Θ(x, x) ≥ E[σ(g)²] = E[(σ(g) − ½)²] + ¼ ≥ ¼ for σ − ½ odd, at every depth L ≥ 2; ¼ is
attained at L = 2, x = 0. (For any other offset it is the offset's square: 0 for tanh and erf.)

One stored example x₁, f0 = 0: f(x) = x₁ Θ(x₁, x)/Θ(x₁, x₁). At x₁ the gradient of Θ points along x₁
and is half that of the diagonal, by symmetry, so that J = λ x̂₁x̂₁ᵀ with

    ‖J(x₁)‖ = λ = d log Θ(x, x) / d log ‖x‖² at x₁,

the slope of the diagonal in a double logarithmic plot: 0 at small norm where Θ → ¼, ½ at large
norm where Θ grows with √p (section 4.4), and below 1 always. Lemma 5 bounds it by 4 ‖x₁‖‖∂Θ/∂x‖.
With f0 sampled, J = J₀ + (x₁ − f0(x₁)) ∂Θ/Θ and the bound is ‖J₀‖ + 4 ‖x₁ − f0(x₁)‖‖∂Θ‖.
"""

from typing import Any

import numpy as np

from attractory._util.validation import nonnegative, positive, whole
from attractory.activations import Activation, ErfMixture, Linear
from attractory.activations import activation as find_activation
from attractory.kernels.kernel import Kernel
from attractory.kernels.matrices import ntk, ntk_gradient
from attractory.kernels.single_input import diagonal
from attractory.theory.findings import Finding, Prediction
from attractory.theory.maps import limit_map

__all__ = ["lemma_5", "single_example"]


def _not_logistic(act: Activation) -> tuple[str, ...]:
    if not isinstance(act, ErfMixture) or abs(act.offset - 0.5) > 1e-12:
        value = float(act(0.0))
        return (f"a sigmoid with σ − ½ odd: {act.name} has σ(0) = {value:g}",)
    return ()


def _point(dim: int, norm: float) -> np.ndarray:
    point = np.zeros((1, dim))
    point[0, 0] = norm
    return point


def lemma_5(
    *, dim: int = 32, norm: float = 10.0, activation: str | Activation = "sigmoid", depth: int = 2
) -> Finding:
    """Check Θ(x, x) ≥ ¼, and compare the kernel with the lemma's recursion.

    Args:
        dim: size of x.
        norm: ‖x‖, 0 included.
        activation: a name or an object of `attractory.activations`.
        depth: number of weight matrices, at least 2.

    Example:
        >>> lemma_5(norm=0.0).verdict, round(lemma_5(norm=0.0).predictions[0].measured, 14)  # tight
        ('holds', 0.25)
        >>> lemma_5(norm=1.0, activation="tanh").verdict
        'assumptions not met: a sigmoid with σ − ½ odd: tanh has σ(0) = 0'
    """
    dim, depth = whole(dim, "dim", 1), whole(depth, "depth", 2)
    act, norm = find_activation(activation), nonnegative(norm, "norm")
    measured = float(ntk(_point(dim, norm), activation=act, depth=depth)[0, 0])
    recursion, _ = diagonal(Kernel(act, depth), norm**2 / dim)
    predictions = (
        Prediction("Θ(x, x)", 0.25, measured, "≥", 1e-14, unmet=_not_logistic(act)),
        Prediction("Θ(x, x), the proof's recursion", recursion, measured, "=", 1e-12 * recursion),
    )
    setting: dict[str, Any] = {"dim": dim, "norm": norm, "activation": act.name, "depth": depth}
    return Finding("Lemma 5", setting, predictions)


def single_example(
    *,
    dim: int = 32,
    norm: float = 10.0,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    f0: str = "zero",
    width: int = 2000,
    key: int = 0,
) -> Finding:
    """Compare the Jacobian's operator norm at a single stored example with its two forms.

    Args:
        dim, activation, depth: as for `lemma_5`.
        norm: of the example, above 0.
        f0: "zero", or "sampled" from a network of that width and key.
        width, key: of the network.

    Returns:
        Predictions: ‖J‖ is the diagonal's slope (f0 = 0), Lemma 5's bound, and ‖J‖ < 1 (f0 = 0).

    Example:
        >>> single_example(norm=30.0).verdict
        'holds'
    """
    dim, depth = whole(dim, "dim", 1), whole(depth, "depth", 2)
    act, norm = find_activation(activation), positive(norm, "norm")
    x = _point(dim, norm)
    f, start = limit_map(x, f0, activation=act, depth=depth, width=width, key=key)
    steepest = float(np.linalg.norm(ntk_gradient(x, x, activation=act, depth=depth).dense()))
    theta, slope = diagonal(Kernel(act, depth), norm**2 / dim)
    sampled, offset, first = start is not None, norm, 0.0
    if start is not None:
        offset = float(np.linalg.norm(x[0] - np.asarray(start(x[0]))))
        first = float(np.linalg.norm(start.jacobian(x[0]), 2))
    size = float(np.linalg.norm(f.jacobian(x[0]), 2))
    bound = Prediction(
        "‖J‖ by Lemma 5: ‖J₀‖ + 4 ‖x − f0(x)‖‖∂Θ‖" if sampled else "‖J‖ by Lemma 5: 4 ‖x‖‖∂Θ‖",
        first + 4 * offset * steepest, size, "≤", 1e-12 * (1 + size), _not_logistic(act),
    )  # fmt: skip
    predictions: tuple[Prediction, ...] = (bound,)
    if not sampled:
        degenerate = ()
        if isinstance(act, Linear) and act.beta == 0:
            degenerate = ("a sigmoid: Θ of a linear σ is proportional to ‖x‖²",)
        predictions = (
            Prediction("‖J‖ = d log Θ/d log ‖x‖²", slope / theta, size, "=", 1e-10),
            bound,
            Prediction("‖J‖", 1.0, size, "<", unmet=degenerate),
        )
    setting: dict[str, Any] = {
        "dim": dim, "norm": norm, "activation": act.name, "depth": depth, "f0": f0,
    }  # fmt: skip
    return Finding("Section 4.2, one example", setting, predictions)
