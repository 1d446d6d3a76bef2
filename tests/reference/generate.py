r"""High-precision reference values of the infinite-width kernels, written to kernel.json.

Run `python tests/reference/generate.py` to write the file, `... --check` to measure its errors.
The route shares nothing with the library's: Fourier integrals, no mixtures of Gaussians.

Setting: layers x W / sqrt(fan-in) with standard normal W and no biases. For a pair (x, y) a layer
has a = Sigma(x, x), b = Sigma(y, y), s = Sigma(x, y), at first x.x/d, y.y/d, x.y/d. With (u, v)
normal of covariance [[a, s], [s, b]] and an activation f = offset + odd function,
    Sigma' = E f(u) f(v),   Theta' = Sigma' + Theta E f'(u) f'(v),   at first Theta = Sigma;
depth L applies this L - 1 times.

Moments. Let chi(k) be the Fourier transform of f': pi k / sinh(pi k) for the logistic function,
pi k / sinh(pi k / 2) for tanh, 2 exp(-k^2/4) for erf, exp(-k^2) for erf(x/2)/2 + 1/2. Then
    I = E f'(u) f'(v) = (2 pi)^-2 \iint chi(k) chi(l) exp(-(a k^2 + b l^2 + 2 s k l)/2) dk dl,
and J = dI/ds = E f''(u) f''(v) has the further factor -k l. Along the principal axes of the
covariance the Gaussian factorises, and as the integrand is analytic in a strip the trapezoid rule
converges exponentially. A singular covariance only removes the Gaussian of one axis: chi decays.
Price's theorem, dE f(u) f(v)/ds = I, gives G = E f(u) f(v) - offset^2 = \int_0^s I ds', for which
  * variances up to 100: the integral over s' is done under the Fourier integral, where it turns
    exp(-s k l) into (1 - exp(-s k l))/(k l); trapezoid rule along k and l, of one quadrant;
  * larger ones: s' = sqrt(a b) cos(delta), where I changes on the scale delta ~ e = sqrt((a+b)/ab)
    of the nearly singular end; so delta = e sinh(t) and Gauss-Legendre panels in t.

Gradients in x. At large norm G is nearly homogeneous of degree 0 in u, so the radial derivative
formed from dG/da and dG/ds cancels. Instead use the Euler operator 2a d/da + s d/ds, which
multiplies by u and differentiates in u, hence replaces the factor chi(k) by -d(k chi)/dk or, below
a division by k, by -k chi'(k), which is positive: nothing cancels. In all,
    2a I_a + s I_s = P - I,   2a G_a + s G_s = R = \int_0^s P ds',
    P = (2 pi)^-2 \iint -k chi'(k) chi(l) exp(...) dk dl.
A gradient is written alpha (y - (x.y/x.x) x) + beta x. With kappa = a_beta / 2a and the tilts
s_beta - kappa s and Theta_beta - kappa Theta (both 0 at first, when kappa = 1/x.x) the chain rule
is as in `recursion`. For the two erf activations all moments have closed forms, evaluated with 50
digits; `--check` compares them with the Fourier integrals.
"""

import functools
import itertools
import json
import sys
from pathlib import Path

import mpmath
import numpy as np
from mpmath import mp
from pairs import pair

mp.dps = 50
REAL = np.longdouble  # 64-bit mantissa wanted: on platforms where it is float64, do not run this
PI = REAL("3.14159265358979323846264338327950288")
DIGITS = 50  # natural logarithm of the accuracy of the trapezoid rules
DIRECT = 100  # the largest variance for which G comes from one integral
# chi(0), offset, and the scale c of chi: c k / sinh(c k), or exp(-c k^2).
HYPERBOLIC = {"sigmoid": (REAL(1), REAL("0.5"), PI), "tanh": (REAL(2), REAL(0), PI / 2)}
GAUSSIAN = {
    "erf": (REAL(2), REAL(0), REAL("0.25")),
    "erf_surrogate": (REAL(1), REAL("0.5"), REAL(1)),
}


def spectrum(activation, k):
    """Return chi(k) and -k chi'(k)."""
    height, _, scale = (HYPERBOLIC | GAUSSIAN)[activation]
    if activation in GAUSSIAN:
        chi = height * np.exp(-scale * k * k)
        return chi, 2 * scale * k * k * chi
    z = np.abs(scale * k)
    small = z < 1
    w = np.where(small, 1, z)
    decay = np.exp(-w)
    chi = 2 * w * decay / (1 - decay * decay)
    slope = chi * (w * (1 + decay * decay) / (1 - decay * decay) - 1)
    # z / sinh z and its slope from series of positive terms where the formulae above cancel
    square, term, sinhc, excess = z[small] ** 2, REAL(1), REAL(1), REAL(0)
    for n in range(2, 28, 2):
        term = term * square / (n * (n + 1))
        sinhc, excess = sinhc + term, excess + n * term
    chi[small], slope[small] = 1 / sinhc, excess / (sinhc * sinhc)
    return height * chi, height * slope


def axis(activation, variance, shift, fine):
    """Return the nodes and step of the trapezoid rule for chi(k) exp(-variance k^2 / 2)."""
    scale = (HYPERBOLIC | GAUSSIAN)[activation][2]
    digits = DIGITS * fine
    if activation in GAUSSIAN:
        variance, strip, rate = variance + 2 * scale, REAL(np.inf), REAL(0)
    else:
        strip, rate = REAL("0.95") * PI / scale, scale
    # The error is exp(-2 pi y / step + variance y^2 / 2) for the best y within the strip, and the
    # tail at the end is exp(-variance end^2 / 2 - rate end).
    if 2 * digits < variance * strip**2:
        step = PI * np.sqrt(2 / (variance * digits))
    else:
        step = 2 * PI * strip / (digits + variance * strip**2 / 2)
    end = 2 * digits / (rate + np.sqrt(rate * rate + 2 * variance * digits))
    return step * (np.arange(-int(end / step) - 1, int(end / step) + 2) + REAL(shift)), step


def derivative_moments(activation, a, b, s, gap, fine=1):
    """Return I, P, J for s >= 0; gap is a b - s^2."""
    large = (a + b) / 2 + np.hypot((a - b) / 2, s)
    small = gap / large
    turn = np.arctan2(2 * s, a - b) / 2
    p, step_p = axis(activation, large, 0.5, fine)
    p = p[p > 0]  # the integrand is even
    q, step_q = axis(activation, small, 0, fine)
    k = np.cos(turn) * p[:, None] - np.sin(turn) * q
    l = np.sin(turn) * p[:, None] + np.cos(turn) * q  # noqa: E741
    chi, slope = spectrum(activation, k)
    weight = np.exp(-large * p * p / 2)[:, None] * np.exp(-small * q * q / 2)
    weight = weight * spectrum(activation, l)[0] * (step_p * step_q / (2 * PI * PI))
    first = weight * chi
    return np.sum(first), np.sum(weight * slope), np.sum(first * -k * l)


@functools.cache
def panel(count):
    """Return Gauss-Legendre nodes and weights on [0, 1], polished to extended precision."""
    x = np.polynomial.legendre.leggauss(count)[0].astype(REAL)
    for _ in range(3):
        before, now = np.ones_like(x), x
        for n in range(2, count + 1):
            before, now = now, ((2 * n - 1) * x * now - (n - 1) * before) / n
        slope = count * (x * now - before) / (x * x - 1)
        x = x - now / slope
    return (1 + x) / 2, 1 / ((1 - x * x) * slope**2)


def integrated_by_path(activation, a, b, s, gap, fine=1):
    """Return G, R for s >= 0 by integrating I, P over the covariance."""
    root = np.sqrt(a * b)
    scale = np.sqrt((a + b + 1) / (a * b))
    start = np.arcsinh(np.arctan2(np.sqrt(gap), s) / scale)
    length = np.arcsinh(PI / 2 / scale) - start
    panels = int(np.ceil(length)) * fine
    x, w = panel(20)
    g = r = REAL(0)
    for t, weight in zip(
        (start + length * (np.arange(panels)[:, None] + x) / panels).ravel(),
        np.tile(w * length / panels, panels),
        strict=True,
    ):
        delta = scale * np.sinh(t)
        sine = np.sin(delta)
        covariance, its_gap = root * np.cos(delta), a * b * sine * sine
        i, p, _ = derivative_moments(activation, a, b, max(covariance, REAL(0)), its_gap, fine)
        weight = weight * root * sine * scale * np.cosh(t)
        g, r = g + weight * i, r + weight * p
    return g, r


def integrated_directly(activation, a, b, s, gap, fine=1):
    """Return G, R for s >= 0 by one Fourier integral."""
    # A singular covariance leaves only the decay of chi, hence the range of no variance; the nodes
    # avoid 0. For a node and its mirror image (1 - e^-z)/z + (e^z - 1)/z = e^z (1 - e^-2z)/z.
    reach = axis(activation, REAL(0), 0.5, fine)[0][-1]
    grids = []
    for variance in (a, b):
        step = axis(activation, variance, 0.5, fine)[1]
        grids.append(((np.arange(int(reach / step) + 1) + REAL("0.5")) * step, step))
    (k, step_k), (l, step_l) = grids  # noqa: E741
    chi, slope = spectrum(activation, k)
    product = k[:, None] * l
    near = (np.sqrt(a) * k[:, None] - np.sqrt(b) * l) ** 2 / 2
    near = near + gap / (np.sqrt(a * b) + s) * product
    weight = np.exp(-near) * -np.expm1(-2 * s * product) / product
    weight = weight * spectrum(activation, l)[0] * (step_k * step_l / (2 * PI * PI))
    return np.sum(weight * chi[:, None]), np.sum(weight * slope[:, None])


def moments_by_fourier(activation, a, b, s, gap, fine=1):
    """Return G, R, I, P, J."""
    size = abs(s)
    integrated = integrated_directly if max(a, b) <= DIRECT else integrated_by_path
    g, r = (REAL(0), REAL(0)) if s == 0 else integrated(activation, a, b, size, gap, fine)
    i, p, j = derivative_moments(activation, a, b, size, gap, fine)
    return (g, r, i, p, j) if s >= 0 else (-g, -r, i, p, -j)


def moments_in_closed_form(activation, a, b, s, gap):
    """Return G, R, I, P, J of an erf activation; o is 1/2 for erf and 2 for the surrogate."""
    height, _, scale = (mp.mpf(str(value)) for value in GAUSSIAN[activation])
    o = 2 * scale
    root = mp.sqrt(o * o + o * (a + b) + gap)
    i = height**2 / (2 * mp.pi * root)
    g = height**2 / (2 * mp.pi) * mp.atan2(s, root)
    return g, i * s * o / (a + o), i, i * o * (o + b) / root**2, i * s / root**2


def recursion(moments, offset, first, depth):
    """Return (nngp, ntk, their scales, and their gradients alpha, beta) at depth 2 to `depth`."""
    a, b, s, gap, kappa, dim = first
    theta = s
    s_alpha = theta_alpha = 1 / dim
    s_tilt = theta_tilt = 0 * s
    scale = abs(s)
    results = []
    for layer in range(2, depth + 1):
        g, r, i, p, j = moments(a, b, s, gap)
        sigma, sigma_scale = offset**2 + g, offset**2 + abs(g)
        sigma_alpha, sigma_beta = i * s_alpha, i * s_tilt + r * kappa
        theta_alpha = sigma_alpha + theta_alpha * i + theta * j * s_alpha
        theta_beta = sigma_beta + theta_tilt * i + theta * (j * s_tilt + p * kappa)
        theta, scale = sigma + theta * i, sigma_scale + scale * i
        results.append(
            (sigma, theta, sigma_scale, scale, sigma_alpha, sigma_beta, theta_alpha, theta_beta)
        )
        if layer < depth:
            # When x = y (or -y) these are the numbers of s, digit for digit: no gap then.
            equal = gap == 0 and a == b
            g_a, r_a = (abs(g), abs(r)) if equal else moments(a, a, a, 0 * a)[:2]
            g_b = g_a if a == b else moments(b, b, b, 0 * b)[0]
            kappa, a, b = r_a * kappa / (offset**2 + g_a), offset**2 + g_a, offset**2 + g_b
            s, s_alpha, s_tilt = sigma, sigma_alpha, sigma_beta - kappa * sigma
            theta_tilt = theta_beta - kappa * theta
            gap = max((a * b) - s * s, 0 * a)  # variances are below 1 now: plain is good enough
    return results


def first_layer(recipe):
    """Return a, b, s, a b - s^2, 1 / x.x and the dimension, of the exact vectors."""
    x, y = ([mp.mpf(value) for value in vector.tolist()] for vector in pair(recipe))
    with mp.workprec(2000):  # enough for every product and sum to be exact
        xx, yy, xy, dim = mp.fdot(x, x), mp.fdot(y, y), mp.fdot(x, y), mp.mpf(recipe["dim"])
        return xx / dim, yy / dim, xy / dim, (xx * yy - xy * xy) / dim**2, 1 / xx, dim


def kernels(activation, recipe, depth, fine=1):
    """Return what `recursion` returns for an activation and a recipe."""
    first = [+value for value in first_layer(recipe)]
    if activation in GAUSSIAN:
        moments = functools.partial(moments_in_closed_form, activation)
        return recursion(moments, mp.mpf(float(GAUSSIAN[activation][1])), first, depth)
    moments = functools.partial(moments_by_fourier, activation, fine=fine)
    first = [REAL(mpmath.nstr(value, 25)) for value in first]
    return recursion(moments, HYPERBOLIC[activation][1], first, depth)


def decimal(value):
    if not isinstance(value, mp.mpf):
        value = mp.mpf(float(value)) + mp.mpf(float(value - REAL(float(value))))
    return mpmath.nstr(value, 20)


def plan():
    """Yield (recipe, {activation: depth}); depths and dimensions take turns."""
    norms = [(n, n) for n in (1e-2, 1.0, 30.0, 100.0, 1e3, 1e4)]
    norms += [(1e4, 1e-2), (1.0, 100.0), (1e3, 30.0), (1e3, 1e4)]
    kinds = [{"correlation": c} for c in (-1.0, -0.99, -0.5, 0.01, 0.5, 0.99, 1.0)]
    kinds += [{"angle": 1e-3}, {"angle": 1e-6}]
    names = [*HYPERBOLIC, *GAUSSIAN]
    for (i, (norm_x, norm_y)), (j, kind) in itertools.product(enumerate(norms), enumerate(kinds)):
        recipe = {"dim": (2, 32, 784)[(i + j) % 3], "norm_x": norm_x, "norm_y": norm_y, **kind}
        turns = {name: 2 + (i + j // 3 + n) % 3 for n, name in enumerate(names)}
        yield recipe | {"seed": 100 * i + j}, turns
    # one hidden layer, images, nearly or quite the same: where quadratures in common use fail
    for i, j in itertools.product(range(3, 6), range(6, 9)):
        recipe = {"dim": 784, "norm_x": norms[i][0], "norm_y": norms[i][0], **kinds[j]}
        yield recipe | {"seed": 2000 + 100 * i + j}, dict.fromkeys(HYPERBOLIC, 2)


def main():
    cases = []
    for recipe, depths in plan():
        for activation, depth in depths.items():
            values = [decimal(value) for value in kernels(activation, recipe, depth)[-1]]
            case = {"activation": activation, "depth": depth, **recipe}
            case |= dict(zip(("nngp", "ntk", "nngp_scale", "ntk_scale"), values, strict=False))
            cases.append(case | {"nngp_gradient": values[4:6], "ntk_gradient": values[6:]})
    lines = ",\n".join(json.dumps(case) for case in cases)
    Path(__file__).with_name("kernel.json").write_text(f"[\n{lines}\n]\n")


def moments_in_real_space(activation, a, b, s, gap):
    """Return G, R, I, P, J by the trapezoid rule over u and v themselves, for moderate a, b."""
    steepness, (height, _offset, _) = {"sigmoid": 1, "tanh": 2}[activation], HYPERBOLIC[activation]
    step = 2 * PI * PI / (steepness * np.sqrt(max(a, b, REAL(1))) * 60)
    z = np.arange(-int(10 / step), int(10 / step) + 1) * step
    weight = np.exp(-(z[:, None] ** 2 + z * z) / 2) * (step * step / (2 * PI))
    u, v = np.sqrt(a) * z[:, None], (s * z[:, None] + np.sqrt(gap) * z) / np.sqrt(a)
    (f, f1, f2), (g, g1, g2) = (
        (height * (t / 2), height * c * (1 - t * t) / 4, -height * c * c * t * (1 - t * t) / 4)
        for c, t in ((REAL(steepness), np.tanh(steepness * w / 2)) for w in (u, v))
    )
    return [np.sum(weight * h) for h in (f * g, u * f1 * g, f1 * g1, (f1 + u * f2) * g1, f2 * g2)]


def check():
    """Print the largest errors, of kernels by their scales and of gradients by their norms."""
    worst = {}

    def compare(title, values, truth, scales):
        found = [float(abs(v - t) / c) for v, t, c in zip(values, truth, scales, strict=True)]
        worst[title] = [max(pair) for pair in zip(found, worst.get(title, found), strict=True)]

    for recipe, depths in plan():
        exact = first_layer(recipe)
        first = [REAL(mpmath.nstr(+value, 25)) for value in exact]
        a, b, s, gap, kappa, dim = first
        for activation, depth in depths.items():
            _, offset, _ = (HYPERBOLIC | GAUSSIAN)[activation]
            by_fourier = functools.partial(moments_by_fourier, activation)
            base = recursion(by_fourier, offset, first, depth)[-1]
            if activation in GAUSSIAN:
                closed = kernels(activation, recipe, depth)[-1]
                other = [REAL(mpmath.nstr(value, 25)) for value in closed]
            else:
                other = kernels(activation, recipe, depth, fine=2)[-1]
            lengths = np.sqrt(np.array([dim * gap / a, 1 / kappa]))
            units = [np.linalg.norm(np.array(other[n : n + 2]) * lengths) for n in (4, 6)]
            scales = [*other[2:4], *(unit / np.maximum(lengths, 1e-300) for unit in units)]
            compare(activation, base, other, [*scales[:2], *scales[:2], *scales[2], *scales[3]])
            if activation in HYPERBOLIC and max(a, b) < 100:
                real = moments_in_real_space(activation, a, b, s, gap)
                g, r, i, p, j = by_fourier(a, b, s, gap)
                sizes = abs(g), abs(r), i, p, np.sqrt(p * p + j * j)
                compare(activation + " moments", (g, r, i, p, j), real, sizes)
    for title, errors in worst.items():
        print(f"{title:24}", *(f"{error:.0e}" for error in errors))


if __name__ == "__main__":
    check() if "--check" in sys.argv else main()
