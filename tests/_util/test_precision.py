"""The caller's JAX settings change no number and refuse nothing, and stay as they were."""

from contextlib import ExitStack
from typing import Any

import jax
import numpy as np
import pytest

from attractory import (
    AttractorMemory,
    Autoencoder,
    activation,
    fit_regression,
    ntk,
    recall,
    spectral_radius,
)
from attractory.datasets import sphere
from attractory.kernels import ntk_gradient
from attractory.maps import empirical_ntk

SETTINGS: dict[str, Any] = {
    "numpy_rank_promotion": "raise",
    "numpy_dtype_promotion": "strict",
    "debug_nans": True,
    "debug_infs": True,
    "default_prng_impl": "rbg",
    "threefry_partitionable": False,
    "default_matmul_precision": "bfloat16",
    "transfer_guard": "disallow",
    "checking_leaks": None,
    "disable_jit": True,
    "enable_x64": True,
}
X = sphere(5, 8, norm=10.0)
TANH: Any = activation("tanh")


def entered(name: str) -> Any:
    value = SETTINGS[name]
    return getattr(jax, name)() if value is None else getattr(jax, name)(value)


def numbers() -> dict[str, np.ndarray]:
    f = fit_regression(X, activation="erf")
    network = Autoencoder(8, width=16, key=3, activation="erf")
    memory = AttractorMemory(activation="erf", norm=20.0).fit(np.eye(4, 9))
    return {
        "kernel": ntk(X, depth=2),
        "gradient": ntk_gradient(X, X, activation="erf").dense(),
        "map": f(X / 2),
        "jacobian": f.jacobian(X),
        "radius": spectral_radius(f, X),
        "recall": recall(f, X + 0.1).state,
        "activation": np.asarray(TANH(X)),
        "mixture": np.asarray(TANH.mixture(X)),
        "weights": np.asarray(network.weights[0]),
        "network": network(X),
        "finite kernel": empirical_ntk(network, X),
        "memory": memory.recall(np.eye(4, 9) + 0.01).state,
    }


@pytest.fixture(scope="module")
def plain() -> dict[str, np.ndarray]:
    return numbers()


def test_all_settings_at_once_change_nothing(plain: dict[str, np.ndarray]) -> None:
    with ExitStack() as stack:
        for name in SETTINGS:
            stack.enter_context(entered(name))
        found = numbers()
    for name, values in plain.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("name", SETTINGS)
def test_one_setting_changes_neither_kernel_nor_weights(
    plain: dict[str, np.ndarray], name: str
) -> None:
    with entered(name):
        found = ntk(X, depth=2), np.asarray(Autoencoder(8, width=16, key=3).weights[0])
    for values, wanted in zip(found, ("kernel", "weights"), strict=True):
        np.testing.assert_array_equal(values, plain[wanted])


def test_settings_are_the_callers_again_after_a_call_and_after_an_error() -> None:
    with jax.numpy_rank_promotion("raise"), jax.debug_nans(True):
        ntk(X)
        with pytest.raises(ValueError, match="depth"):
            ntk(X, depth=1)
        assert jax.config.jax_numpy_rank_promotion == "raise"  # type: ignore[attr-defined]
        assert jax.config.jax_debug_nans  # type: ignore[attr-defined]


def test_a_callers_trace_takes_strict_promotion() -> None:
    f = fit_regression(X, activation="erf")
    with jax.numpy_rank_promotion("raise"), jax.enable_x64(True):
        inside = jax.jit(lambda x: f(x))(X)
    np.testing.assert_allclose(inside, f(X), rtol=1e-12)
