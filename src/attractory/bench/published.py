"""The protocols: six that were published elsewhere, each with its own damage and success rule.

What each took from its publication was checked against the code that came with it where that is
public; what is not known for certain is said in its `method`.
"""

from functools import partial

from attractory._util.validation import near
from attractory.bench import damage
from attractory.bench.protocols import Condition, Data, Protocol
from attractory.bench.published_cues import (
    dropped,
    flipped,
    lower_zero,
    noise,
    pixels_told,
    positive_noise,
    replaced,
    right_hidden,
)
from attractory.bench.rules import (
    cosine_above,
    distance_below,
    error_below,
    near_the_row,
    overlap_from,
    squared_error_at_most,
)

__all__ = ["PROTOCOLS", "protocols_named"]

SIGNS = 100  # numbers of a random pattern


def _universal(of_images: bool) -> tuple[Condition, ...]:
    rule = squared_error_at_most(60, 784)
    noisy = [
        Condition(f"noise {size:g}", partial(positive_noise, size), rule, "unit")
        for size in (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5)
    ]
    masked = [
        Condition(f"masked {100 * share:.0f} %", partial(lower_zero, share), rule, "unit")
        for share in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    return (*noisy, *masked)


def _fenchel_young(of_images: bool) -> tuple[Condition, ...]:
    return (Condition("lower half", partial(lower_zero, 0.5), cosine_above(0.9), "signed"),)


def _bayes(of_images: bool) -> tuple[Condition, ...]:
    rule = error_below(0.0025)
    kinds = [
        (f"noise {size:g}", partial(noise, size)) for size in (0.2, 0.4, 0.8)
    ] + [
        (f"{name} {share:g}", partial(make, share))
        for name, make in (("dropped", dropped), ("hidden", right_hidden))
        for share in (0.25, 0.5, 0.75)
    ]  # fmt: skip
    return tuple(Condition(name, make, rule, "unit") for name, make in kinds)


def _predictive(of_images: bool) -> tuple[Condition, ...]:
    noisy = Condition("noise, variance 0.2", partial(noise, 0.2**0.5), error_below(0.005), "unit")
    told = [
        Condition(f"1/{k} told", partial(pixels_told, 1 / k), error_below(0.001), "unit")
        for k in (2, 4, 8, 16)
    ]
    return (noisy, *told)


def _autoencoders(of_images: bool) -> tuple[Condition, ...]:
    rule = distance_below(0.01)
    return tuple(
        Condition(f"norm {norm:g}, {name} {size:g}", partial(make, size), rule, norm)
        for norm in (4.0, 8.0, 16.0, 32.0)
        for name, make, sizes in (("noise", noise, (0.1, 0.5)), ("replaced", replaced, (0.3,)))
        for size in sizes
    )


def _random_signs(of_images: bool) -> tuple[Condition, ...]:
    return tuple(
        Condition(f"flipped {share:g}", partial(flipped, share), overlap_from(0.95))
        for share in (0.0, 0.1, 0.2, 0.3)
    )


def _many_kinds(of_images: bool) -> tuple[Condition, ...]:
    kinds, scale = (damage.IMAGES, "unit") if of_images else (damage.VECTORS, "as it is")
    return tuple(Condition(name, make, near_the_row(0.01), scale) for name, make in kinds.items())


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "universal-hopfield",
            "Universal Hopfield networks",
            "B. Millidge, T. Salvatori, Y. Song, T. Lukasiewicz, R. Bogacz, Universal Hopfield "
            "networks: a general framework for single-shot associative memory models, ICML 2022",
            "Images in [0, 1]. White noise of standard deviation 0.05 to 1.5, made positive and "
            "clipped to 1, or a share of the lines, from below, 0. A cue counts if the squared "
            "error is at most 60. Settings as in the authors' code. The 60 are for 784 pixels; for "
            "others they are scaled in proportion to the pixels, so that the error of a pixel is "
            "the same. The paper draws noise at 100 rows, and other numbers of rows at 0.5.",
            (10, 20, 50, 100, 200, 300, 500, 700, 1000),
            _universal,
            needs_images=True,
        ),
        Protocol(
            "hopfield-fenchel-young",
            "Hopfield–Fenchel–Young networks",
            "S. Santos, V. Niculae, D. McNamee, A. F. T. Martins, Hopfield–Fenchel–Young networks: "
            "a unified framework for associative memory retrieval, arXiv 2411.08590, 2024",
            "Images as −1 to 1; the lower half becomes 0, which is grey. A cue counts if its state "
            "and the row have a cosine above 0.9. Settings as in the authors' code; rows "
            "there are stored by powers of two.",
            (16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
            _fenchel_young,
            needs_images=True,
        ),
        Protocol(
            "bayes-pcn",
            "BayesPCN",
            "J. Yoo, F. Wood, BayesPCN: a continually learnable predictive coding associative "
            "memory, NeurIPS 2022",
            "Images in [0, 1], written one at a time by memories that can. White noise of standard "
            "deviation 0.2, 0.4, 0.8, not clipped; or a quarter, half, three quarters of the "
            "pixels dropped, or of the columns hidden, both 0 and told. A cue counts if "
            "the mean squared error is below 0.01 on the scale −1 to 1, on which the authors' code "
            "measures it: 0.0025 here. The threshold differs between versions of that code.",
            (4, 16, 64, 128, 256, 512, 1024),
            _bayes,
            needs_images=True,
            one_by_one=True,
        ),
        Protocol(
            "predictive-coding",
            "Predictive coding networks",
            "T. Salvatori, Y. Song, Y. Hong, L. Sha, S. Frieder, Z. Xu, R. Bogacz, T. Lukasiewicz, "
            "Associative memories via predictive coding, NeurIPS 2021",
            "Values in [0, 1]. White noise of variance 0.2, not clipped, with a mean squared error "
            "below 0.005; or 1/2, 1/4, 1/8, 1/16 of the pixels told, the others 0, with an error "
            "below 0.001. Which pixels are told is drawn at random for every cue; how the paper "
            "chose them, and what became of values outside [0, 1], was not checked.",
            (50, 100, 250, 500, 750, 1000),
            _predictive,
        ),
        Protocol(
            "noisy-autoencoders",
            "Noisy overparameterised autoencoders",
            "X. Rao and others, On robust learning of memory attractors with noisy deep "
            "associative memory networks, Neural Networks, 2025",
            "Rows scaled by one factor so that the largest norm is 4, 8, 16 or 32. White noise of "
            "standard deviation 0.1 or 0.5, whatever the norm, or 0.3 of the numbers replaced by "
            "any values of the range. A cue counts if it ends within a distance of 0.01, whatever "
            "the norm. The authors' code iterates 20 times, as the rivals here do at most; our "
            "memory stops by its own rule. That the norm is that of the largest row was not "
            "checked.",
            (50, 100, 200, 400, 800, 1600),
            _autoencoders,
        ),
        Protocol(
            "random-signs",
            "Random patterns of ±1",
            "A. Tamamori, Quantitative attractor analysis of high-capacity kernel Hopfield "
            "networks, 2025 (arXiv 2505.01218)",
            f"Random patterns of {SIGNS} signs, of a load (patterns for each sign) up to 20, "
            "whatever the data; a share of the signs turned. A cue counts if 0.975 of "
            "its signs are right, an overlap of 0.95. After that paper, whose patterns have more "
            "signs; its threshold was not checked.",
            (10, 50, 100, 200, 500, 1000, 2000),
            _random_signs,
            signs=SIGNS,
        ),
        Protocol(
            "many-kinds",
            "Many kinds of damage",
            "this library (docs/explanation/recall.md)",
            "Images in [0, 1] with 15 kinds of damage, or other rows with 5; recall was made on "
            "these kinds, among others. A cue counts if its state is within 1 % of the row's "
            "distance from the mean row.",
            (10, 20, 50, 100, 200, 300, 1000, 10_000),
            _many_kinds,
        ),
    )
}


def protocols_named(names: list[str] | tuple[str, ...] = ()) -> list[Protocol]:
    """Return the protocols of these names, in their own order; all of them for none.

    Raises:
        ValueError: for an unknown name; the message gives the near ones.

    Example:
        >>> [protocol.name for protocol in protocols_named(["Bayes-PCN"])]
        ['bayes-pcn']
    """
    wanted = {"-".join(str(name).strip().lower().replace("_", "-").split()) for name in names}
    for name in wanted:
        if name not in PROTOCOLS:
            raise ValueError(f"protocols must be of the benchmark's, got {near(name, PROTOCOLS)}")
    return [each for name, each in PROTOCOLS.items() if not names or name in wanted]


def possible(protocols: list[Protocol], data: Data) -> list[Protocol]:
    """Return the protocols that can be run on data."""
    return [each for each in protocols if each.refusal(data) is None]
