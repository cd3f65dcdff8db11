#!/usr/bin/env python3
"""Reference solutions of the options files that have no closed form: options/data/NAME.csv, points that nothing is trained on.

    runs/references.py [NAME ...]      all of them, three minutes on one core; NumPy only

    burgers        Cole and Hopf's integrals by Gauss and Hermite's rule; burgers-stretched: in the coordinate of burgers.opts, s >= 0
    allen-cahn     Fourier series, ETDRK4 (Kassam and Trefethen, SIAM J. Sci. Comput. 26, 2005); allen-cahn-half: x >= 0 of the even solution
    holes          poles and logarithms in the holes and their images in the edges, polynomials, least squares on the boundary
    torus-heat     Fourier series, at t = 4; torus-allen-cahn, torus-burgers: the same with ETDRK4, pi-periodic in x
    cavity         Chebyshev polynomials and functions of the corners, least squares (cavity.py); a minute more

Each is solved twice, the second time coarser; the script ends with an error where the two differ by more than 1e-10, of cavity by more
than 1e-7. That of Ghia, Ghia and Shin's table (J. Comput. Phys. 48, 1982), options/data/cavity-ghia.csv, is shown too.
"""
import os
import sys

import numpy as np

from cavity import cavity, show_ghia

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "options", "data")


def radical_inverse(i, base):
    value, digit = 0.0, 1.0 / base
    while i:
        value, i, digit = value + digit * (i % base), i // base, digit / base
    return value


def halton(n, dimension, skip=20):
    return np.array([[radical_inverse(i + skip, base) for base in (2, 3, 5)[:dimension]] for i in range(n)])


def burgers(points, fine):
    nu = 0.01 / np.pi
    node, weight = np.polynomial.hermite.hermgauss(200 if fine else 160)
    x, t = points.T
    s = x[:, None] - np.sqrt(4 * nu * t)[:, None] * node
    f = -np.cos(np.pi * s) / (2 * np.pi * nu)
    f = weight * np.exp(f - f.max(axis=1, keepdims=True))
    return [-(f * np.sin(np.pi * s)).sum(axis=1) / f.sum(axis=1)]


def etdrk4(u, linear, nonlinear, step):
    """A function that does one step of u' = linear u + nonlinear(u), all Fourier coefficients; contour integrals for phi."""
    e, half = np.exp(step * linear), np.exp(step * linear / 2)
    root = np.exp(1j * np.pi * (np.arange(1, 65) - 0.5) / 32)
    linear, back = np.unique(linear, return_inverse=True)
    z = step * linear[:, None] + root
    q = step * ((np.exp(z / 2) - 1) / z).mean(axis=1)[back]
    f1 = step * ((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3).mean(axis=1)[back]
    f2 = step * ((2 + z + np.exp(z) * (z - 2)) / z**3).mean(axis=1)[back]
    f3 = step * ((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3).mean(axis=1)[back]

    def advance(u):
        nu = nonlinear(u)
        a = half * u + q * nu
        na = nonlinear(a)
        b = half * u + q * na
        nb = nonlinear(b)
        c = half * a + q * (2 * nb - nu)
        return e * u + f1 * nu + 2 * f2 * (na + nb) + f3 * nonlinear(c)

    return advance


def march(points, lower, upper, modes, steps, start, symbol, nonlinear):
    """The solution at the points, whose times are among those of the `steps` steps."""
    length = upper - lower
    many = 2**20  # so that the coefficients of initial values with a kink are good too
    k = 2 * np.pi * np.fft.fftfreq(modes, length / modes)
    u = np.fft.fft(start(lower + length * np.arange(many) / many) + 0j) * modes / many
    u = np.concatenate([u[:modes // 2], u[-modes // 2:]])
    end = points[:, 1].max()
    advance = etdrk4(u, symbol(k), lambda v: np.fft.fft(nonlinear(np.fft.ifft(v))), end / steps)
    when = np.rint(points[:, 1] / end * steps).astype(int)
    value = np.zeros(len(points), complex)
    for step in range(steps + 1):
        for i in np.flatnonzero(when == step):
            value[i] = (u * np.exp(1j * k * (points[i, 0] - lower))).sum() / modes
        if step < steps:
            u = advance(u)
    return value


def allen_cahn(points, fine):
    value = march(points, -1, 1, 4096 if fine else 3072, 4000 if fine else 2000, lambda x: x**2 * np.cos(np.pi * x),
                  lambda k: 5 - 1e-4 * k**2 + 0j, lambda u: -5 * u.real**3)
    return [value.real]


TORUS = 2 * np.pi * np.arange(24) / 24


def torus(modes, steps, symbol, nonlinear):
    """At t = 4 at the points of TORUS, by ETDRK4 in Fourier modes, two thirds of which are kept; all is periodic by pi in x."""
    n, m = modes
    a, b = np.sin(np.pi * np.arange(n) / n)[:, None], np.sin(2 * np.pi * np.arange(m) / m)[None, :]
    u = (np.exp(3 * a + b) + np.exp(-3 * a + b) - np.exp(3 * a - b) - np.exp(-3 * a - b)) / 100
    k, l = 2 * np.fft.fftfreq(n, 1 / n)[:, None], np.fft.rfftfreq(m, 1 / m)[None, :]
    keep = (abs(k) < 2 * n / 3) & (abs(l) < m / 3)

    def right(v):
        return (nonlinear(np.fft.irfft2(v.reshape(keep.shape), modes), k, l) * keep).ravel()

    v = (np.fft.rfft2(u) * keep).ravel()
    advance = etdrk4(v, symbol(k**2 + l**2).ravel(), right, 4 / steps)
    for _ in range(steps):
        v = advance(v)
    u = np.fft.irfft2(v.reshape(keep.shape), modes)[::n // 12, ::m // 24]
    return [np.concatenate([u, u]).ravel()]


def torus_heat(points, fine):
    n = 144 if fine else 120
    return torus((n // 2, n), 1, lambda s: -0.1 * s, lambda u, k, l: 0 * (k + l))


def torus_allen_cahn(points, fine):
    return torus((96, 528) if fine else (84, 456), 2000 if fine else 1600, lambda s: 1 - s / 200,
                 lambda u, k, l: -np.fft.rfft2(u**3))


def torus_burgers(points, fine):
    return torus((300, 600) if fine else (264, 528), 1600 if fine else 1200, lambda s: -0.01 * s,
                 lambda u, k, l: -0.5j * (k + l) * np.fft.rfft2(u**2))


def holes(points, fine):
    place = (-0.7, -0.3, 0.3, 0.7)  # of the holes, and of their images in the edges
    centers = [complex(a, b) for a in place for b in place]
    order = 28 if fine else 24

    def columns(z):
        list_ = []
        for c in centers:
            list_.append(np.log(abs(z - c) / 0.1))
            for k in range(1, order):
                p = (0.1 / (z - c))**k
                list_ += [p.real, p.imag]
        for k in range(order):
            p = (z / 0.7)**k
            list_ += [p.real, p.imag]
        return np.array(list_).T

    s = np.linspace(-0.5, 0.5, 401)
    edge = np.concatenate([s - 0.5j, s + 0.5j, -0.5 + 1j * s, 0.5 + 1j * s])
    circle = np.concatenate([c + 0.1 * np.exp(2j * np.pi * np.arange(200) / 200) for c in centers if abs(c) < 0.5])
    a = columns(np.concatenate([edge, circle]))
    b = np.concatenate([np.ones(len(edge)), np.zeros(len(circle))])
    return [columns(points[:, 0] + 1j * points[:, 1]) @ np.linalg.lstsq(a, b, rcond=1e-14)[0]]


def time_points(n, lower, upper, end, steps):
    q = halton(n, 2)
    t = np.rint(q[:, 1] * steps) / steps * end
    t[-1] = end
    return np.stack([lower + (upper - lower) * q[:, 0], t], axis=1)


def hole_points(n):
    q = halton(4 * n, 2) - 0.5
    keep = [all((x - a)**2 + (y - b)**2 > 0.01 for a in (-0.3, 0.3) for b in (-0.3, 0.3)) for x, y in q]
    return q[keep][:n]


def stretched(points, fine):
    """burgers at x = sinh(5 s)/sinh(5), where the columns of the points are s and t"""
    return burgers(np.stack([np.sinh(5 * points[:, 0]) / np.sinh(5), points[:, 1]], axis=1), fine)


def stretched_points(n):
    x, t = time_points(n, 0, 1, 1, 1000).T
    return np.stack([np.arcsinh(x * np.sinh(5)) / 5, t], axis=1)


def half(points):
    """points with x in [-1, 1] at |x|: of solutions that are even"""
    return np.abs(points)


# name: how it is solved, points, columns
def grid_points(x):
    return np.array([[a, b] for a in x for b in x])


def lines(n, more):
    """n points on each of the lines through the middle of the unit square, and more inside"""
    s, half = (np.arange(n) + 1) / (n + 1), np.full(n, 0.5)
    return np.concatenate([np.stack([half, s], axis=1), np.stack([s, half], axis=1), halton(more, 2)])


REFERENCES = {
    "burgers": (burgers, time_points(400, -1, 1, 1, 1000), "x,t,u"),
    "burgers-stretched": (stretched, stretched_points(400), "s,t,u"),
    "allen-cahn": (allen_cahn, time_points(300, -1, 1, 1, 1000), "x,t,u"),
    "allen-cahn-half": (allen_cahn, half(time_points(300, -1, 1, 1, 1000)), "x,t,u"),
    "holes": (holes, hole_points(200), "x,y,u"),
    "torus-heat": (torus_heat, grid_points(TORUS), "x,y,u"),
    "cavity": (cavity, lines(39, 100), "x,y,u,v"),
    "torus-allen-cahn": (torus_allen_cahn, grid_points(TORUS), "x,y,u"),
    "torus-burgers": (torus_burgers, grid_points(TORUS), "x,y,u"),
}

TOLERANCE = {"cavity": 1e-7}


def main():
    for name in sys.argv[1:] or REFERENCES:
        solve, points, header = REFERENCES[name]
        value, coarse = solve(points, True), solve(points, False)
        difference = max(abs(a - b).max() for a, b in zip(value, coarse))
        print(f"{name}: {len(points)} points, two resolutions differ by {difference:.1e}")
        if not difference < TOLERANCE.get(name, 1e-10):
            sys.exit(f"{name}: not resolved")
        with open(os.path.join(FOLDER, f"{name}.csv"), "w", encoding="ascii") as file:
            file.write(f"# runs/references.py {name}\n{header}\n")
            for row in zip(*points.T, *value):
                file.write(",".join(f"{number:.13g}" for number in row) + "\n")
        if name == "cavity":
            show_ghia(os.path.join(FOLDER, "cavity-ghia.csv"))


if __name__ == "__main__":
    main()
