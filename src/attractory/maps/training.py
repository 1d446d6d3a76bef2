r"""Train a finite network until its patterns are fixed points.

The loss is the mean squared error per entry, ‖f(X̂) − X̂‖²/(n d). The default solver follows the
Gauss–Newton flow in function space (`maps.gauss_newton_flow`, and `maps.gauss_newton` where that
gets on too slowly); the first-order ones are there to compare with the paper and with each other.
In the lazy regime, at small norm or great width, all end at the interpolant nearest to the initial
weights; at large norm they do not.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from attractory._util.precision import full_precision
from attractory._util.progress import Progress, reporting
from attractory._util.statuses import StatusEnum
from attractory._util.validation import as_points, positive, whole
from attractory.maps.finite_ntk import largest_eigenvalue
from attractory.maps.first_order import OPTIMISERS, first_order_steps
from attractory.maps.gauss_newton import gauss_newton_step
from attractory.maps.gauss_newton_flow import SPRINT, last_layer, sprint
from attractory.maps.network import Autoencoder
from attractory.maps.training_state import Place, arrive, start

__all__ = ["TrainingResult", "TrainingStatus", "train"]

_FINEST = 1e-4  # to which a Gauss–Newton system is solved; float32 has little more to give
_SMALLEST_SHARE = 1e-6  # of a step; less is a stall
_CHUNK = 100  # first-order steps between two looks at the loss
_QUICK = 5e10  # rows times weights of the steps between two looks: some seconds
_EXACT = 1e-3  # of the loss; a last layer that leaves more cannot end it
_FALL = 0.85  # of the loss, a step; steps along the flow that leave more get on too slowly
_PATIENCE = 20  # Gauss–Newton steps, or chunks of others, without progress that are a stall


class TrainingStatus(StatusEnum):
    """How a run ended."""

    CONVERGED = 0, "the loss is below the tolerance"
    STEP_LIMIT = 1, "the step limit came first; raise max_steps or go on"
    STALLED = (
        2,
        "the loss has stopped falling; a wider network, a smaller norm, float64 or a "
        "larger tolerance would do",
    )
    DIVERGED = 3, "the loss grew beyond bounds; lower the learning rate"
    INTERRUPTED = 4, "interrupted; the model is the last complete step"


@dataclass(frozen=True)
class TrainingResult:
    """What training left behind.

    Attributes:
        model: the network after the last complete step.
        losses: mean squared error per entry before each step and at the end, (steps + 1,).
        steps: steps taken.
        passes: products of n rows with the weights, in forward passes; a product with half of the
            weights is half a pass.
        status: how it ended.
        solver: as given.
        seconds: wall time, compilation included.
    """

    model: Autoencoder
    losses: Float[np.ndarray, " k"]
    steps: int
    passes: int
    status: TrainingStatus
    solver: str
    seconds: float

    @property
    def converged(self) -> bool:
        """Whether the loss fell below the tolerance."""
        return self.status == TrainingStatus.CONVERGED

    def __repr__(self) -> str:
        """Summarise the run."""
        return (
            f"TrainingResult({self.solver}: {self.status.name.lower()} at loss "
            f"{self.losses[-1]:.1e} after {self.steps} steps, {self.passes} passes, "
            f"{self.seconds:.1f} s)"
        )


def train(
    network: Autoencoder,
    patterns: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    solver: Literal["gauss_newton", "gradient_descent", "momentum", "adam"] = "gauss_newton",
    tolerance: float = 1e-7,
    max_steps: int | None = None,
    learning_rate: float | None = None,
    progress: Progress = None,
) -> TrainingResult:
    """Train a network to reproduce its patterns; calling it again with the model goes on.

    Ctrl-C ends a run early and returns what it has.

    Args:
        network: where to start.
        patterns: (n, d).
        targets: what to map them to, (n, d); by default themselves.
        solver: "gauss_newton", or "gradient_descent", "momentum" (0.9), "adam" by Optax.
        tolerance: mean squared error per entry at which to stop.
        max_steps: most steps; 300 for Gauss–Newton, a million for the others by default.
        learning_rate: of the first-order solvers, for the loss ½‖f(X̂) − X̂‖². By default 1/λ for
            the largest eigenvalue λ of the network's NTK, found anew as it grows (a quarter of
            that with momentum), and 0.003 for Adam.
        progress: a bar or none, or a function of steps and loss; see `Progress`.

    Raises:
        ValueError: if patterns do not match the network, are not finite, hold more numbers than
            the network has weights, or the tolerance is out of reach of the network's precision;
            for an unknown solver, tolerance or learning rate ≤ 0, max_steps < 1.

    Example:
        >>> from attractory.datasets import sphere
        >>> patterns = sphere(5, 8, norm=3.0)
        >>> result = train(Autoencoder(8, width=500, key=0), patterns)
        >>> result.converged, bool(result.losses[-1] <= 1e-7)
        (True, True)
    """
    x = as_points(patterns, "patterns", network.dim)
    y = x if targets is None else as_points(targets, "targets", network.dim)
    if len(y) != len(x):
        raise ValueError(f"targets must be as many as patterns, {len(x)}, got {len(y)}")
    tolerance = positive(tolerance, "tolerance")
    _check_reach(network, x, tolerance)
    newton = solver == "gauss_newton"
    if not newton and solver not in OPTIMISERS:
        raise ValueError(
            f"solver must be 'gauss_newton', {', '.join(map(repr, OPTIMISERS))}; got {solver!r}"
        )
    if newton and learning_rate is not None:
        raise ValueError("learning_rate is for the first-order solvers; gauss_newton has none")
    limit = whole(300 if newton else 1_000_000, "max_steps", 1)
    limit = limit if max_steps is None else whole(max_steps, "max_steps", 1)
    rate = None if learning_rate is None else positive(learning_rate, "learning_rate")

    start = time.perf_counter()
    run = _Run(network)
    with full_precision(), reporting(progress, solver, _distance(tolerance)) as report:
        data = jnp.asarray(x.astype(network.dtype)), jnp.asarray(y.astype(network.dtype))
        try:
            if newton:
                status = _gauss_newton(run, data, tolerance, limit, report)
            else:
                status = _first_order(run, data, tolerance, limit, solver, rate, report)
        except KeyboardInterrupt:
            status = TrainingStatus.INTERRUPTED
            run.losses = run.losses[: run.steps + 1]
        if run.place is not None:
            run.losses[-1] = float(run.settle(data).loss)
        if not run.losses:
            run.losses = [np.inf]
    return TrainingResult(
        run.model,
        np.asarray(run.losses),
        run.steps,
        round(run.passes),
        status,
        solver,
        time.perf_counter() - start,
    )


Data = tuple[Array, Array]  # patterns and targets


class _Run:
    """What an interrupted run must not lose; changed only between steps."""

    def __init__(self, network: Autoencoder):
        self.model = network
        self.place: Place | None = None  # that the run has come to since, on its way
        self.losses: list[float] = []
        self.steps = 0
        self.passes = 0.0

    def take(self, at: Autoencoder | Place, losses: list[float], steps: int, passes: float) -> None:
        self.losses, self.passes = self.losses + losses, self.passes + passes
        self.steps += steps
        if isinstance(at, Place):
            self.place = at
        else:
            self.model = at

    def settle(self, data: Data) -> Place:
        """Look at the patterns with the weights as they are, the first layer's moved too."""
        if self.place is not None:
            self.model, self.place = arrive(self.model, self.place, data[0]), None
            self.passes += 1
        self.passes += 1
        return start(self.model, *data)


def _check_reach(network: Autoencoder, x: np.ndarray, tolerance: float) -> None:
    if x.size > network.parameters:
        raise ValueError(
            f"patterns hold {x.size} numbers, more than the {network.parameters} weights of the "
            f"network, which cannot interpolate them; use a width of at least "
            f"{-(-x.size // (2 * network.dim))}"
        )
    floor = float(np.mean(x**2)) * float(np.finfo(network.dtype).eps) ** 2
    if tolerance < floor:
        raise ValueError(
            f"tolerance {tolerance:g} is below what {network.dtype} can resolve for these patterns "
            f"(about {floor:.0e}); raise it, or make the network with dtype=numpy.float64"
        )


def _gauss_newton(
    run: _Run, data: Data, tolerance: float, limit: int, report: Callable[[int, float], object]
) -> TrainingStatus:
    later = 1 - run.model.weights[0].size / run.model.parameters  # of a pass
    last = run.model.weights[-1].size / run.model.parameters
    place, longest, share = run.settle(data), 1.0, 1.0
    loss, fresh, slow, near = float(place.loss), True, False, 0.0
    quick = int(_QUICK / (data[0].shape[0] * run.model.parameters))
    first = loss if len(data[0]) <= run.model.widths[-1] else 0.0  # or the last layer cannot end it
    while True:
        if loss <= tolerance and not fresh:  # so the search says; now of the weights themselves
            place = run.settle(data)
            loss, fresh = float(place.loss), True
        report(run.steps, loss)
        run.losses = [*run.losses[: run.steps], loss]
        if loss <= tolerance:
            return TrainingStatus.CONVERGED
        if not np.isfinite(loss):
            return TrainingStatus.DIVERGED
        if run.steps >= limit:
            return TrainingStatus.STEP_LIMIT
        if len(run.losses) > _PATIENCE and loss > 0.9 * run.losses[-1 - _PATIENCE]:
            return TrainingStatus.STALLED
        if loss <= near:
            after = last_layer(run.model, place, data[1])
            if not float(after.loss) <= max(tolerance, _EXACT * loss):
                first = near = 0.0  # patterns that the hidden values hardly tell apart
                continue
            losses, passes = [float(after.loss)], last
        elif not slow:
            count = max(1, min(SPRINT, limit - run.steps, quick))
            done = sprint(run.model, place, *data, longest, tolerance, first, count)
            losses = np.asarray(done.losses)[: int(done.steps)].tolist()
            slow = not losses[-1] < _FALL ** len(losses) * loss
            if not losses[-1] < min([loss, *losses[:-1]]):  # the last of them failed
                slow, losses = True, losses[:-1]
                if not losses:
                    continue
                done = sprint(run.model, place, *data, longest, tolerance, first, len(losses))
            after, longest, near = done.place, done.longest, float(done.near)
            # Each step goes back, each try forth; the update costs another product.
            passes = later * (2 * len(losses) + int(done.tries))
        else:
            finest = max(_FINEST, 0.5 * float(np.sqrt(tolerance / loss)))
            step = gauss_newton_step(run.model, place, *data, share, finest)
            reached, share, iterations, tries = np.asarray(step.figures).tolist()
            if not reached < loss or share < _SMALLEST_SHARE:
                return TrainingStatus.STALLED
            after, losses = step.place, [reached]
            passes = later * (2 * iterations + tries + 1)
            share = min(1.0, 2 * share)
        place, loss, fresh = after, losses[-1], False
        run.take(place, losses, len(losses), passes)


def _first_order(
    run: _Run,
    data: Data,
    tolerance: float,
    limit: int,
    solver: str,
    rate: float | None,
    report: Callable[[int, float], object],
) -> TrainingStatus:
    state, first = None, None
    while True:
        size = rate if rate is not None else _safe_rate(run.model, data[0], solver)
        count = min(_CHUNK, limit - run.steps)
        done = first_order_steps(run.model, state, *data, solver, size, tolerance, count, _CHUNK)
        taken = int(done.steps)
        losses = np.asarray(done.losses)[: taken + 1].tolist()
        loss = losses[-1]
        first = losses[0] if first is None else first
        report(run.steps + taken, loss)
        if not np.isfinite(loss) or loss > 1e4 * max(first, tolerance):
            # The model stays the last one whose loss was finite.
            run.losses = [*run.losses[: run.steps], losses[0]]
            return TrainingStatus.DIVERGED
        state = done.state
        run.losses = run.losses[: run.steps]
        run.take(done.network, losses, taken, 3.0 * taken)
        if loss <= tolerance:
            return TrainingStatus.CONVERGED
        if run.steps >= limit:
            return TrainingStatus.STEP_LIMIT
        back = 1 + _PATIENCE * _CHUNK
        if len(run.losses) > back and loss > 0.999 * run.losses[-back]:
            return TrainingStatus.STALLED


def _safe_rate(network: Autoencoder, x: Array, solver: str) -> float:
    if solver == "adam":
        return 3e-3
    largest = float(largest_eigenvalue(network, x))
    return (0.25 if solver == "momentum" else 1.0) / largest


def _distance(tolerance: float) -> Callable[[int, float], tuple[float, float, str]]:
    """Return how to describe a step: the way to go is in orders of magnitude of the loss."""
    top = 0.0

    def describe(steps: int, loss: float) -> tuple[float, float, str]:
        nonlocal top
        left = max(0.0, float(np.log10(loss / tolerance))) if loss > 0 else 0.0
        top = max(top, left)
        return top - left, top or 1.0, f"step {steps}, loss {loss:.1e} (to {tolerance:.0e})"

    return describe
