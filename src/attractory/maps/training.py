r"""Train a finite network until its patterns are fixed points.

The loss is the mean squared error per entry, ‖f(X̂) − X̂‖²/(n d). The default solver follows the
Gauss–Newton flow in function space (`maps.gauss_newton_flow`, and `maps.gauss_newton` where the
flow makes too little progress); the first-order solvers are there for comparison with the paper.
In the lazy regime, at small norm or great width, all end at the interpolant nearest to the initial
weights; at large norm they do not.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.interrupts import check, forget, heeded
from attractory._util.plotted import Plotted
from attractory._util.precision import full_precision
from attractory._util.progress import Progress, reporting
from attractory._util.statuses import StatusEnum
from attractory._util.validation import as_points, moderate, positive, whole
from attractory.maps.finite_ntk import largest_eigenvalue
from attractory.maps.first_order import OPTIMISERS, first_order_steps
from attractory.maps.gauss_newton import gauss_newton_step
from attractory.maps.gauss_newton_flow import MOST_STEPS, FlowSteps, flow_steps, last_layer
from attractory.maps.network import Autoencoder
from attractory.maps.training_state import TrainingState, initial_state, trained_network

__all__ = ["TrainingResult", "TrainingStatus", "train"]

# By the bytes of a number: patterns whose fourth powers, in sums of many, are numbers.
_MOST = {4: 1e8, 8: 1e50}
_FINEST = 1e-4  # smallest relative residual of a Gauss–Newton system: float32 has little more
_SMALLEST_SHARE = 1e-6  # of a Gauss–Newton step; a run that needs less has stalled
_CHUNK = 100  # first-order steps in one compiled call
_QUICK = 5e10  # rows times weights of the flow steps in one compiled call: some seconds
_EXACT = 1e-3  # relative to the loss: what the last layer may leave of it to end a run
_FALL = 0.85  # relative to the loss: flow steps that leave more of it make too little progress
_PATIENCE = 20  # Gauss–Newton steps, or chunks of first-order ones, without progress: a stall


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
class TrainingResult(Plotted):
    """A trained network, and how training ended.

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

    def uninterrupted(self) -> "TrainingResult":
        """Return this run, or raise KeyboardInterrupt if Ctrl-C ended it."""
        if self.status == TrainingStatus.INTERRUPTED:
            raise KeyboardInterrupt
        return self

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
    solver: Literal[
        "gauss_newton", "gradient_flow", "gradient_descent", "momentum", "adam"
    ] = "gauss_newton",
    tolerance: float = 1e-7,
    max_steps: int | None = None,
    learning_rate: float | None = None,
    progress: Progress = None,
) -> TrainingResult:
    """Train a network to reproduce its patterns; calling it again with the model goes on.

    Ctrl-C ends a run early and returns what it has, with the status INTERRUPTED; look at it before
    the network is used (`TrainingResult.uninterrupted`).

    Args:
        network: where to start.
        patterns: (n, d).
        targets: what to map them to, (n, d); by default themselves.
        solver: "gauss_newton"; "gradient_flow", which takes twice as many passes and ends nearer to
            where gradient descent does; or "gradient_descent", "momentum" (0.9), "adam" by Optax.
        tolerance: mean squared error per entry at which to stop.
        max_steps: most steps; 300 for Gauss–Newton, a million for the others by default.
        learning_rate: of the first-order solvers, for the loss ½‖f(X̂) − X̂‖². By default 1/λ for
            the largest eigenvalue λ of the network's NTK, updated as it grows (a quarter of
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
    if not isinstance(network, Autoencoder):
        raise TypeError(f"network must be an Autoencoder, got {type(network).__name__}")
    x = as_points(patterns, "patterns", network.dim)
    y = x if targets is None else as_points(targets, "targets", network.dim)
    if len(y) != len(x):
        raise ValueError(f"targets must be as many as patterns, {len(x)}, got {len(y)}")
    for values, name in ((x, "patterns"), (y, "targets")):
        moderate(values, name, _MOST[network.dtype.itemsize])
    tolerance = positive(tolerance, "tolerance")
    _check_reach(network, x, tolerance)
    newton = solver in ("gauss_newton", "gradient_flow")
    if not newton and solver not in OPTIMISERS:
        raise ValueError(
            "solver must be 'gauss_newton', 'gradient_flow', "
            f"{', '.join(map(repr, OPTIMISERS))}; got {solver!r}"
        )
    if newton and learning_rate is not None:
        raise ValueError("learning_rate is for the first-order solvers; gauss_newton has none")
    limit = whole(300 if newton else 1_000_000, "max_steps", 1)
    limit = limit if max_steps is None else whole(max_steps, "max_steps", 1)
    rate = None if learning_rate is None else positive(learning_rate, "learning_rate")

    start = time.perf_counter()
    run = _Run(network)
    shown = reporting(progress, solver, _distance(tolerance))
    with heeded(), full_precision(), shown as show:

        def report(steps: int, loss: float) -> None:
            check()
            show(steps, loss)

        data = jax.device_put((x.astype(network.dtype), y.astype(network.dtype)))
        try:
            if newton:
                status = _GaussNewton(run, data, tolerance, limit, solver).finish(report)
            else:
                status = _first_order(run, data, tolerance, limit, solver, rate, report)
        except KeyboardInterrupt:
            forget()
            status = TrainingStatus.INTERRUPTED
            run.losses = run.losses[: run.steps + 1]
        if run.state is not None:
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
Steps = tuple[TrainingState, list[float], float]  # where they led, losses after each, and passes


class _Run:
    """What an interrupted run returns; changed only between steps."""

    def __init__(self, network: Autoencoder):
        self.model = network
        self.state: TrainingState | None = None  # where the run is, if not at the model
        self.losses: list[float] = []
        self.steps = 0
        self.passes = 0.0

    def take(
        self, at: Autoencoder | TrainingState, losses: list[float], steps: int, passes: float
    ) -> None:
        """Take over what some steps led to."""
        self.losses, self.passes = self.losses + losses, self.passes + passes
        self.steps += steps
        if isinstance(at, TrainingState):
            self.state = at
        else:
            self.model = at

    def settle(self, data: Data) -> TrainingState:
        """Take the state's weights into the model, and return its state, computed from them."""
        if self.state is not None:
            self.model, self.state = trained_network(self.model, self.state, data[0]), None
            self.passes += 1
        self.passes += 1
        return initial_state(self.model, *data)


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


class _GaussNewton:
    """A run of the default solver: which kind of step comes next, and what each remembers.

    Attributes:
        state, loss: where the run is.
        measured: whether the loss was computed from the weights, and not found by a step.
        gradient: whether these go along the gradient flow.
        flows: whether steps along the flow make progress; when they cease to, the steps solved by
            conjugate gradients take over.
        longest: bound on the length of the next flow step.
        share: of the next solved step, tried first.
        first: the loss at the start; 0 if the last layer cannot end the run.
        exact_below: the loss from which on the last layer may end it.
    """

    def __init__(self, run: _Run, data: Data, tolerance: float, limit: int, solver: str):
        self.gradient = solver == "gradient_flow"
        self.run, self.data, self.tolerance, self.limit = run, data, tolerance, limit
        model, rows = run.model, len(data[0])
        self.later_pass = 1 - model.weights[0].size / model.parameters  # layers 2 … L: of a pass
        self.last_pass = model.weights[-1].size / model.parameters
        self.together = int(_QUICK / (rows * model.parameters))  # flow steps in one call
        self._measure()
        self.flows, self.longest, self.share, self.exact_below = True, 1.0, 1.0, 0.0
        self.first = self.loss if rows <= model.widths[-1] else 0.0

    def finish(self, report: Callable[[int, float], object]) -> TrainingStatus:
        """Take steps until the run ends."""
        while True:
            status = self._look(report)
            if status is None:
                status = self._step()
            if status is not None:
                return status

    def _measure(self) -> None:
        self.state = self.run.settle(self.data)
        self.loss, self.measured = float(self.state.loss), True

    def _look(self, report: Callable[[int, float], object]) -> TrainingStatus | None:
        """Record the loss, and return how the run has ended, if it has."""
        run = self.run
        if self.loss <= self.tolerance and not self.measured:
            self._measure()
        report(run.steps, self.loss)
        run.losses = [*run.losses[: run.steps], self.loss]
        if self.loss <= self.tolerance:
            return TrainingStatus.CONVERGED
        if not np.isfinite(self.loss):
            return TrainingStatus.DIVERGED
        if run.steps >= self.limit:
            return TrainingStatus.STEP_LIMIT
        if len(run.losses) > _PATIENCE and self.loss > 0.9 * run.losses[-1 - _PATIENCE]:
            return TrainingStatus.STALLED
        return None

    def _step(self) -> TrainingStatus | None:
        """Take a step of the kind that is due, or a few along the flow."""
        if self.loss <= self.exact_below:
            done = self._last_layer_step()
        elif self.flows:
            done = self._flow_steps()
        else:
            done = self._solved_step()
            if done is None:
                return TrainingStatus.STALLED
        if done is not None:  # else another kind is due
            self.state, losses, passes = done
            self.loss, self.measured = losses[-1], False
            self.run.take(self.state, losses, len(losses), passes)
        return None

    def _last_layer_step(self) -> Steps | None:
        after = last_layer(self.run.model, self.state, self.data[1])
        loss = float(after.loss)
        if not loss <= max(self.tolerance, _EXACT * self.loss):
            # The hidden values hardly distinguish some patterns: the last layer cannot end it.
            self.first = self.exact_below = 0.0
            return None
        return after, [loss], self.last_pass

    def _flow_steps(self) -> Steps | None:
        count = max(1, min(MOST_STEPS, self.limit - self.run.steps, self.together))
        done = self._flow(count)
        losses = np.asarray(done.losses)[: int(done.steps)].tolist()
        self.flows = losses[-1] < _FALL ** len(losses) * self.loss
        if not losses[-1] < min([self.loss, *losses[:-1]]):  # the last of them failed
            self.flows, losses = False, losses[:-1]
            if not losses:
                return None
            done = self._flow(len(losses))
        self.longest, self.exact_below = float(done.longest), float(done.exact_below)
        # A step takes a backward pass, and a forward pass for each try; the update is one product.
        return done.state, losses, self.later_pass * (2 * len(losses) + int(done.tries))

    def _flow(self, count: int) -> FlowSteps:
        model, longest = self.run.model, self.longest
        return flow_steps(
            model, self.state, *self.data, longest, self.tolerance, self.first, count, self.gradient
        )

    def _solved_step(self) -> Steps | None:
        finest = max(_FINEST, 0.5 * float(np.sqrt(self.tolerance / self.loss)))
        step = gauss_newton_step(self.run.model, self.state, *self.data, self.share, finest)
        reached, share, iterations, tries = np.asarray(step.figures).tolist()
        if not reached < self.loss or share < _SMALLEST_SHARE:
            return None
        self.share = min(1.0, 2 * share)
        return step.state, [reached], self.later_pass * (2 * iterations + tries + 1)


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
    """Return how to describe a step: progress is measured in orders of magnitude of the loss."""
    top = 0.0

    def describe(steps: int, loss: float) -> tuple[float, float, str]:
        nonlocal top
        left = max(0.0, float(np.log10(loss / tolerance))) if loss > 0 else 0.0
        top = max(top, left)
        return top - left, top or 1.0, f"step {steps}, loss {loss:.1e} (to {tolerance:.0e})"

    return describe
