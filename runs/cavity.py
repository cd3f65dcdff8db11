"""The lid-driven cavity by Chebyshev polynomials and functions of its corners: velocities for options/data/cavity.csv.

    lap(lap(psi)) = Re (psi_y lap(psi_x) - psi_x lap(psi_y)),   u = psi_y, v = -psi_x,   u = 1 on the lid y = 1, no slip elsewhere

Below the lid's ends the velocity jumps, and the vorticity grows like 1/r. The stream function is sought as

    psi = lid + walls (sum of a_ij T_i(2x - 1) T_j(2y - 1)  +  sum over corners of r^(s - 4) times polynomials in the angle)

where lid has the boundary values and Taylor's solution of the Stokes equations in both upper corners (Batchelor, An Introduction to
Fluid Dynamics, section 4.8), walls = (x (1-x) y (1-y))^2, and the powers of r are: polynomials of r/(r + 0.05) times r^2 in the upper
corners, since convection adds r^2 f(angle) and then a series in Re r (Botella and Peyret, Comput. Fluids 27, 1998); and Moffatt's
eddies r^(lambda + 1), sin(lambda pi/2) = -+lambda, in all four. Coefficients by Gauss and Newton's method for least squares of the
equation, times r^2 of all corners, at Chebyshev points and, in polar coordinates, about the upper corners. Without the eddies and r^2 of the
lower corners u is wrong by 2e-3.

Derivatives are exact: each function is the array of its Taylor coefficients d^(i+j) f/dx^i dy^j / (i! j!), i + j <= 4, at the points.
"""
import numpy as np

ORDER = 4
PAIRS = [(i, j) for i in range(ORDER + 1) for j in range(ORDER + 1 - i)]
AT = {pair: k for k, pair in enumerate(PAIRS)}
PRODUCTS = [(AT[i + k, j + l], AT[i, j], AT[k, l]) for i, j in PAIRS for k, l in PAIRS if (i + k, j + l) in AT]
FACTORIAL = [1, 1, 2, 6, 24]

REYNOLDS = 100
REACH = 0.05  # of the polynomials in r/(r + REACH)


def jet(value, x=0, y=0):
    """value + x dx + y dy"""
    f = np.zeros((len(PAIRS), len(value)))
    f[0], f[AT[1, 0]], f[AT[0, 1]] = value, x, y
    return f


def times(f, g):
    h = np.zeros(f.shape, np.result_type(f, g))
    for k, a, b in PRODUCTS:
        h[k] += f[a] * g[b]
    return h


def compose(f, taylor):
    """The function with these Taylor coefficients at f, by Horner's scheme"""
    d, h = f.copy(), np.zeros_like(f)
    d[0], h[0] = 0, taylor[ORDER]
    for coefficient in taylor[ORDER - 1::-1]:
        h = times(h, d)
        h[0] += coefficient
    return h


def exp(f):
    return compose(f, [np.exp(f[0]) / n for n in FACTORIAL])


def log(f):
    return compose(f, [np.log(f[0])] + [-1 / (k * (-f[0])**k) for k in range(1, ORDER + 1)])


def inverse(f):
    return compose(f, [-1 / (-f[0])**(k + 1) for k in range(ORDER + 1)])


def chebyshev(f, n):
    """T_0(f) to T_{n-1}(f)"""
    t = [jet(np.ones_like(f[0])), f]
    while len(t) < n:
        t.append(2 * times(f, t[-1]) - t[-2])
    return t[:n]


def eddy(guess, sign):
    """lambda with sin(lambda pi/2) = sign lambda"""
    z, h = guess, np.pi / 2
    for _ in range(20):
        z -= (np.sin(h * z) - sign * z) / (h * np.cos(h * z) - sign)
    return z


EDDIES = eddy(2.74 + 1.12j, -1), eddy(4.81 + 1.46j, 1)


def derivative(f, i, j):
    return f[AT[i, j]] * (FACTORIAL[i] * FACTORIAL[j])


def parts(f):
    """f_x, f_y, lap(f)_x, lap(f)_y, lap(lap(f))"""
    d = {pair: derivative(f, *pair) for pair in PAIRS}
    return np.array([d[1, 0], d[0, 1], d[3, 0] + d[1, 2], d[2, 1] + d[0, 3], d[4, 0] + 2 * d[2, 2] + d[0, 4]])


def basis(x, y, size):
    """The parts of lid, and those of all functions that the coefficients belong to: [5, functions, points]"""
    polynomials, (powers, angles), eddies = size
    one, X, Y = jet(np.ones_like(x)), jet(x, x=1), jet(y, y=1)
    corners = [(X, one - Y), (one - X, one - Y), (X, Y), (one - X, Y)]
    polar = [log(a + 1j * b) for a, b in corners]  # log(r) + i angle
    square = [times(f, f) for f in (X, one - X, Y, one - Y)]

    def taylor(corner):
        (a, b), theta = corners[corner], polar[corner].imag
        return 4 / (np.pi**2 - 4) * (times(theta, a + np.pi / 2 * b) - np.pi**2 / 4 * b)

    left, right, top = times(square[1], one + 2 * X), times(square[0], 3 * one - 2 * X), times(square[2], 3 * one - 2 * Y)
    lid = times(top, times(left, taylor(0)) + times(right, taylor(1)))
    walls = [16 * times(square[0], square[1]), 16 * times(square[2], square[3])]
    row = [times(walls[1], t) for t in chebyshev(2 * Y - one, polynomials)]
    out = [parts(times(times(walls[0], s), t)) for s in chebyshev(2 * X - one, polynomials) for t in row]
    wall = times(*walls)
    for corner, z in enumerate(polar):
        angular = chebyshev(4 / np.pi * z.imag - one, max(angles, eddies))
        if corner < 2:
            radial = chebyshev(one - 2 * REACH * inverse(exp(z.real) + REACH * one), powers)
            near = times(wall, exp(-2 * z.real))
            out += [parts(times(times(near, s), t)) for s in radial for t in angular[:angles]]
        for power in EDDIES if corner > 1 else (EDDIES[0], EDDIES[0] + 1):
            whirl = times(wall, exp((power - 3) * z.real))
            out += [parts(times(part, t)) for part in (whirl.real, whirl.imag) for t in angular[:eddies]]
    return parts(lid), np.array(out).swapaxes(0, 1)


def clustered(n, lower, upper):
    """Chebyshev points and weights of an interval"""
    angle = (np.arange(n) + 0.5) * np.pi / n
    return lower + (upper - lower) * (1 - np.cos(angle)) / 2, (upper - lower) * np.pi / (2 * n) * np.sin(angle)


def collocation(n, radii, angles):
    """Points, and square roots of weights of squares of residuals: of the area, times r^2 of all corners"""
    s, ws = clustered(n, 0, 1)
    logr, wr = clustered(radii, np.log(1e-4), np.log(0.4))
    theta, wt = clustered(angles, 0, np.pi / 2)
    a, b = np.outer(np.cos(theta), np.exp(logr)).ravel(), np.outer(np.sin(theta), np.exp(logr)).ravel()
    polar = np.outer(wt, wr * np.exp(2 * logr)).ravel()
    x, y = np.concatenate([np.tile(s, n), a, 1 - a]), np.concatenate([np.repeat(s, n), 1 - b, 1 - b])
    weight = np.sqrt(np.concatenate([np.outer(ws, ws).ravel(), polar, polar]))
    for p in (0, 1):
        for q in (0, 1):
            weight *= (x - p)**2 + (y - q)**2
    return x, y, weight


def solve(size, points):
    """The coefficients, from those of the flow at rest"""
    x, y, weight = collocation(*points)
    lid, functions = basis(x, y, size)
    c = np.zeros(functions.shape[1])
    for _ in range(10):
        fx, fy, lx, ly, bi = lid + np.tensordot(functions, c, (1, 0))
        f = weight * (bi - REYNOLDS * (fy * lx - fx * ly))
        gx, gy, mx, my, bi = functions
        jacobian = (weight * (bi - REYNOLDS * (fy * mx + lx * gy - fx * my - ly * gx))).T
        scale = np.linalg.norm(jacobian, axis=0)
        step = np.linalg.lstsq(jacobian / scale, f, rcond=1e-12)[0] / scale
        c -= step
        if abs(step @ gy).max() < 1e-10:
            return c
    raise SystemExit("cavity: Newton's method has not converged")


def cavity(points, fine):
    """u and v at the points"""
    size, rows = ((32, (14, 14), 10), (46, 34, 18)) if fine else ((28, (14, 14), 10), (42, 34, 18))
    c = solve(size, rows)
    lid, functions = basis(*points.T, size)
    fx, fy = lid[:2] + np.tensordot(functions[:2], c, (1, 0))
    return [fy, -fx]


def show_ghia(file):
    """How far the rows of the table, x, y, 1 for u or 0 for v, value, are from this solution"""
    x, y, of_u, value = np.loadtxt(file, delimiter=",", skiprows=2).T
    u, v = cavity(np.stack([x, y], axis=1), True)
    for name, mine, rows in (("u", u, of_u == 1), ("v", v, of_u == 0)):
        print(f"cavity: Ghia, Ghia and Shin's {name} differs by at most {abs(mine - value)[rows].max():.1e}")
