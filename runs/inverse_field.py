#!/usr/bin/env python3
"""How well can the field a of options/inverse-field.opts be known from its data at all?

    runs/inverse_field.py     a second; NumPy

Linearised about the exact u and a: a change b of a, zero on the boundary as in the file, changes u by v with
v_t = div(a grad v) + div(b grad u), v = 0 on the walls, v(0) free (in 16 sines). With b in K x K sines, J the values of v for each
of them and of v(0), N data of deviation sigma have the Gramian G = N mean(J^T J) / sigma^2, and the a posteriori covariance of the
coefficients is (G + prior)^-1. Printed: the root of the mean square of b over the norm of a, that is the relative L2 error of a that
the best estimate has on average, without a prior, and where the coefficient of the sines i, j is normal of deviation
(1 + (i^2 + j^2)/4)^-s. In space Chebyshev's collocation, in time exact by eigenvectors; the mean by Gauss's points.
"""
import numpy as np

data, sigma, order, times, places = 2500, 0.1, 22, 20, 24
x = np.cos(np.pi * np.arange(order + 1) / order)
signs = np.r_[0.5, np.ones(order - 1), 0.5] * (-1.0) ** np.arange(order + 1)
derivative = np.outer(1 / signs, signs) / (x[:, None] - x + np.eye(order + 1))
derivative -= np.diag(derivative.sum(1))
one = np.eye(order + 1)
along_x, along_y = np.kron(derivative, one), np.kron(one, derivative)
X, Y = (grid.ravel() for grid in np.meshgrid(x, x, indexing="ij"))
inside = np.maximum(abs(X), abs(Y)) < 1 - 1e-9
shape = np.sin(np.pi * X) * np.sin(np.pi * Y)
field = 2 + shape

operator = along_x @ (field[:, None] * along_x) + along_y @ (field[:, None] * along_y)
rates, modes = np.linalg.eig(operator[np.ix_(inside, inside)])
nodes, weights = np.polynomial.legendre.leggauss(places)
to_nodes = signs / (nodes[:, None] - x)
to_nodes = np.kron(*2 * [to_nodes / to_nodes.sum(1)[:, None]])
weights = np.kron(weights, weights) / 4


def sines(number):
    """Products of sines, zero on the boundary, a column each."""
    pairs = [(i, j) for i in range(1, number + 1) for j in range(1, number + 1)]
    return pairs, np.array([np.sin(i * np.pi * (X + 1) / 2) * np.sin(j * np.pi * (Y + 1) / 2) for i, j in pairs]).T


def error(number, smoothness=None):
    """The relative L2 error of a with number x number sines; the prior's exponent s or none."""
    pairs, changes = sines(number)
    source = along_x @ (changes * (along_x @ shape)[:, None]) + along_y @ (changes * (along_y @ shape)[:, None])
    source, start = (np.linalg.solve(modes, part[inside]) for part in (source, sines(4)[1]))
    gramian = 0
    for node, weight in zip(*np.polynomial.legendre.leggauss(times)):
        time = (node + 1) / 2
        decay = np.exp(rates * time)[:, None]
        forced = (np.exp(-time) - decay) / (-1 - rates)[:, None] * source
        values = to_nodes[:, inside] @ (modes @ np.hstack([forced, decay * start])).real
        gramian = gramian + weight / 2 * values.T @ (weights[:, None] * values)
    gramian *= data / sigma**2
    if smoothness is not None:
        gramian[np.diag_indices(len(pairs))] += [(1 + (i * i + j * j) / 4) ** (2 * smoothness) for i, j in pairs]
    covariance = np.linalg.pinv(gramian, rcond=1e-14, hermitian=True)[: len(pairs), : len(pairs)]
    here = to_nodes @ changes
    return np.sqrt(np.trace(covariance @ here.T @ (weights[:, None] * here)) / (weights @ (to_nodes @ field) ** 2))


for number in (2, 3, 4, 6, 8):
    print(f"{number * number:3} sines, no prior: {error(number):.1e}")
for smoothness in (1, 2, 3):
    print(f" 64 sines, prior with s = {smoothness}: {error(8, smoothness):.1e}")
