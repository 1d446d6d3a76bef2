"""What the report explains: its words and symbols, and the errata that its claims refer to."""

__all__ = ["ERRATA", "KEY"]

KEY = {
    "claim": "a statement of the paper, of our list of its errata, or of ours beyond it. The rule "
    "beside it says what must be measured for it to hold; it was written before the measurement.",
    "cell": "one setting of a simulation, computed by itself: one point of a figure's grid.",
    "seed": "one draw of patterns, weights and noise. Intervals are over seeds; fewer than 4 "
    "decide nothing.",
    "a [b, c]": "the mean over seeds, and the interval that holds it with 95 %, for all intervals "
    "of a claim together.",
    "at least a": "the value lies at the end of what was tried, and may be larger.",
    "n, n₀ (dim)": "number of patterns stored, and how many numbers each has.",
    "r, norm": "Euclidean norm of the patterns, the same for all of a memory.",
    "ρ": "correlation of two patterns: the cosine of their angle.",
    "depth, width": "number of weight matrices (2: one hidden layer), and units in a hidden layer.",
    "infinite width": "the map that ever wider networks tend to: regression with the neural "
    "tangent kernel (NTK).",
    "f0": "the untrained network's map. “f0 sampled” keeps that of one random network, “f0 = 0” "
    "leaves it out.",
    "surrogate": "½erf(x/2) + ½, which the paper takes for the logistic function where it "
    "calculates.",
    "spectral radius, |λ|": "largest modulus of the eigenvalues of the map's Jacobian at a "
    "pattern, and the moduli of all of them. Below 1 the pattern attracts what is near it.",
    "noise radius (std)": "standard deviation of the Gaussian noise on every coordinate of a cue.",
    "recalled": "within 1 % of the pattern's norm after 50 applications of the map.",
    "basin": "how much noise a cue may have and still be recalled.",
    "Gauss–Newton, momentum": "ways to train a network; the first takes a handful of steps.",
}

# In short; docs/reference/errata.md has all 16, with the numbers.
ERRATA = {
    1: "D.2: the second line printed for ‖I₂‖² lacks a factor r²; the first line is right.",
    11: "E.4: that α is too large for Lemma 3 does not explain the large eigenvalues of tanh and "
    "erf at n = 20 and dim 32: there the linear region's radius is below 1. They come from f0.",
    12: "E.2, E.3: “larger norm, larger basin” holds up to norms of some 5 to 10 √n₀; at infinite "
    "width the basin then shrinks.",
    13: "E.1: the shares 10, 40 and 70 % hold at small norm and are lost at norm 3; the paper does "
    "not name its norm.",
    16: "Section 4.4: whether the largest eigenvalue “drops below one” is decided by f0. With "
    "f0 = 0 it is below 1 at every norm.",
}
