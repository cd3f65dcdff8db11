#!/usr/bin/env python3
"""Where the runs of runs/saddles.sh ended: table on the screen, runs/out/saddles.png. Needs numpy, and matplotlib for the picture.

  runs/saddles.py runs/out/saddles

A run is, by the first line that fits,

  good        its loss, in parts of that of u = 0, is below 1e-5, or below 1e-2 and 10 times Gauss-Newton's median of this
              problem and width
  saddle      |gradient| < 1e-8 and the exact Hessian has negative eigenvalues, beyond rounding: p epsilon max|l|
  minimum     |gradient| < 1e-8 and none: a poor local minimum
  diverged    the loss is above ten times that of u = 0, or the method broke down
  no step     the method found no step that lowers the loss, or none that makes a difference
  iterations  none of these after all iterations
"""
import csv
import glob
import json
import os
import sys

import numpy as np

ENDS = ("good", "saddle", "minimum", "diverged", "no step", "iterations")
METHODS = ("newton", "ldlt", "line", "gauss", "absolute", "cubic", "trust")
CUTS = ("eps6", "eps14", "shift")
PROBLEMS = ("wave", "cubic", "plane", "poisson1d", "poisson2d")
WIDTHS = (4, 8, 16, 32)


def laplacian(second):
    return lambda w, t: np.sum(w * w) * second(t)


def tanh2(t):
    return -2 * np.tanh(t) / np.cosh(np.clip(t, -300, 300)) ** 2


# name: dimension, Gauss points a coordinate, what of a unit at w x + b the residual has, the residual's data f
DATA = {
    "wave": (1, 100, lambda w, t: np.sin(t), lambda x: np.sin(np.pi * x[0]) + np.cos(2 * np.pi * x[0]) / 2),
    "cubic": (1, 100, lambda w, t: np.tanh(t), lambda x: x[0] ** 3),
    "plane": (2, 16, lambda w, t: np.sin(t), lambda x: np.sin(np.pi * x[0]) * np.cos(np.pi * x[1]) + x[0] * x[1]),
    "poisson1d": (1, 64, laplacian(tanh2), lambda x: np.pi**2 * np.sin(np.pi * x[0])),
    "poisson2d": (2, 14, laplacian(tanh2), lambda x: 2 * np.pi**2 * np.sin(np.pi * x[0]) * np.sin(np.pi * x[1])),
}


def quadrature(problem):
    """Points (d, n), weights of a mean over the square, f at the points."""
    d, n, _, f = DATA[problem]
    x, w = np.polynomial.legendre.leggauss(n)
    points = np.stack([axis.ravel() for axis in np.meshgrid(*[x] * d)])
    weights = np.prod([axis.ravel() for axis in np.meshgrid(*[w / 2] * d)], axis=0)
    return points, weights, f(points)


def known_inertia(problem, theta, width):
    """At u = 0: how many units have a block -d<A phi_k, f>/d(w_k, b_k) of B that rounding does not hide: the negative
    eigenvalue is about |B_k|^2, so |B_k|^2 > p epsilon, by central differences; least eigenvalue of Phi = <A phi_k, A phi_l>, the
    output's bias among them in a regression; max|c|."""
    points, weights, f = quadrature(problem)
    d, unit = DATA[problem][0], DATA[problem][2]
    w, b, c = theta[: d * width].reshape(d, width), theta[d * width : (d + 1) * width], theta[(d + 1) * width :]

    def product(q):
        return np.sum(weights * f * unit(q[:d], q[:d] @ points + q[d]))

    rank, h = 0, 1e-5
    for p in np.vstack((w, b)).T:
        gradient = [(product(p + h * e) - product(p - h * e)) / (2 * h) for e in np.eye(d + 1)]
        rank += np.sum(np.square(gradient)) > len(theta) * np.finfo(float).eps
    phi = [unit(w[:, k], w[:, k] @ points + b[k]) for k in range(width)] + [np.ones_like(f)] * (not problem.startswith("poisson"))
    return rank, np.linalg.eigvalsh(np.array(phi) * weights @ np.array(phi).T)[0], np.abs(c).max()


def read_run(name):
    """What is kept of a run; None for one that wrote no result."""
    if not os.path.exists(name + ".json") or not os.path.exists(name + ".csv"):
        return None
    with open(name + ".json") as file:
        summary = json.load(file)
    rows = {}
    with open(name + ".csv", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault((row["operator"], row["quantity"]), []).append(float(row["value"]))
    run = {key: summary[key] for key in ("loss", "gradient_norm", "iterations", "converged_reason", "relative_l2_error")}
    run["theta"] = np.fromfile(name + ".theta", ">f8", offset=8)
    run["spectrum"] = np.array(rows["hessian", "all"])
    run["index"] = int(rows["hessian", "negative"][0])
    run["clear"] = int(np.sum(run["spectrum"] < -1e-8 * np.abs(run["spectrum"]).max()))
    run["overlap"] = rows.get(("jacobian", "overlap"), [np.nan] * 4)
    run["rank"] = rows["jacobian", "rank"]
    return run


def read_all(folder):
    """{(problem, method, width, seed): run}"""
    runs = {}
    for name in sorted(glob.glob(os.path.join(folder, "*.txt"))):
        problem, method, width, seed = os.path.basename(name)[:-4].split("-")
        runs[problem, method, int(width), int(seed)] = read_run(name[:-4])
    return runs


def judge(run, zero, reference):
    """Which of ENDS; zero: the loss of u = 0; reference: Gauss-Newton's"""
    if run is None or not np.isfinite(run["loss"]):
        return "diverged"
    if run["loss"] <= max(1e-5 * zero, min(10 * reference, 1e-2 * zero)):
        return "good"
    if run["gradient_norm"] < 1e-8:
        return "saddle" if run["index"] else "minimum"
    if run["loss"] > 10 * zero:
        return "diverged"
    return "iterations" if run["converged_reason"] == "DIVERGED_MAXITS" else "no step"


def classify(runs):
    """ends: {key: which}, zeros: {problem: loss of u = 0}"""
    zeros, ends = {}, {}
    for problem in PROBLEMS:
        _, weights, f = quadrature(problem)
        zeros[problem] = np.sum(weights * f * f) / 2
    for key in runs:
        losses = [r["loss"] for k, r in runs.items() if k[:3] == (key[0], "gauss", key[2]) and r]
        ends[key] = judge(runs[key], zeros[key[0]], np.median(losses) if losses else 0)
    return ends, zeros


def share(keys, ends, end):
    return f"{100 * np.mean([ends[k] == end for k in keys]):.0f}" if keys else "-"


def print_table(runs, ends, zeros):
    print("Shares in percent; median of loss / loss of u = 0; saddle at: share by width")
    print(f"{'problem':<10} {'method':<9}" + "".join(f"{e:>11}" for e in ENDS) + f"{'median':>10}   saddle at" + "".join(f"{w:>5}" for w in WIDTHS))
    for problem in PROBLEMS + ("all",):
        for method in METHODS + CUTS * (problem != "all"):
            keys = [k for k in ends if k[1] == method and problem in (k[0], "all")]
            losses = [runs[k]["loss"] / zeros[k[0]] if runs[k] else np.inf for k in keys]
            if keys:
                print(f"{problem:<10} {method:<9}" + "".join(f"{share(keys, ends, e):>11}" for e in ENDS) + f"{np.median(losses):>10.1e}" + " " * 12
                      + "".join(f"{share([k for k in keys if k[2] == w], ends, 'saddle'):>5}" for w in WIDTHS))


def print_saddles(runs, ends, zeros):
    """What the saddles are: u = 0 and their index, weights, what is out of reach."""
    saddles = {k: runs[k] for k in ends if ends[k] == "saddle" and k[1] in METHODS}
    print(f"\n{len(saddles)} saddles of {sum(k[1] in METHODS for k in ends)} runs")
    if not saddles:
        return
    def count(what, chosen):
        print(f"  {100 * np.mean([bool(c) for c in chosen]):4.0f}%  {what}")
    count("have an eigenvalue below -1e-8 max|l|; those of the others are smaller, though beyond rounding", [r["clear"] for r in saddles.values()])
    count("are u = 0: loss within 1e-4 of it", [abs(r["loss"] / zeros[k[0]] - 1) < 1e-4 for k, r in saddles.items()])
    count("have a parameter above 50", [np.abs(r["theta"]).max() > 50 for r in saddles.values()])
    count("have a Jacobian of rank below p/2, sigma > 1e-8 sigma_1", [r["rank"][2] < len(r["theta"]) / 2 for r in saddles.values()])
    count("have |P R| < 1e-4 |R|, P onto the singular vectors with sigma > 1e-8 sigma_1", [r["overlap"][2] < 1e-4 for r in saddles.values()])
    ratio = [r["loss"] / zeros[k[0]] for k, r in saddles.items()]
    print("  loss / loss of u = 0: quartiles " + ", ".join(f"{q:.2g}" for q in np.quantile(ratio, [0.25, 0.5, 0.75])))


def print_known(runs, zeros):
    """Saddles u = 0, c = 0 that runs of Newton ended at, where Sylvester's law says the index: against rank(B)."""
    pairs = []
    print("\nRuns of Newton, cut-offs among them, that ended at u = 0 with all |c_k| < 1e-6 and Phi > 1e-4")
    for (problem, method, width, seed), run in runs.items():
        if method not in ("newton", "ldlt") + CUTS or run is None or run["gradient_norm"] > 1e-8 or abs(run["loss"] / zeros[problem] - 1) > 1e-8:
            continue
        rank, least, c = known_inertia(problem, run["theta"], width)
        if c < 1e-6 and least > 1e-4:
            pairs.append((rank, run["index"]))
            print(f"  {problem:<6} {method:<6} width {width:>2} seed {seed}  rank(B) {rank:>2}   index {run['index']:>2}")
    print(f"  equal in {sum(r == i for r, i in pairs)} of {len(pairs)}")


def plot(runs, ends, zeros, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, ((left, right), (low, last)) = plt.subplots(2, 2, figsize=(10, 7))
    colours = dict(zip(METHODS, ("tab:red", "tab:orange", "tab:pink", "tab:blue", "tab:green", "tab:olive", "tab:cyan")))
    random = np.random.default_rng(0)
    for method in METHODS:
        for still in (True, False):
            keys = [k for k in ends if k[1] == method and runs[k] and (runs[k]["gradient_norm"] < 1e-8) == still]
            loss = np.clip([runs[k]["loss"] / zeros[k[0]] for k in keys], 1e-20, 1e4)
            index = np.array([runs[k]["clear"] for k in keys]) + random.uniform(-0.3, 0.3, len(keys))
            left.plot(index, loss, "o" if still else "x", color=colours[method], markersize=4, alpha=0.6, markeredgewidth=0.8,
                      label=method if still else None)
            overlap = np.array([max(runs[k]["overlap"][2], 1e-16) for k in keys])
            last.plot(overlap, loss, "o" if still else "x", color=colours[method], markersize=4, alpha=0.6, markeredgewidth=0.8)
    left.set(yscale="log", xlabel="index: eigenvalues of H below $-10^{-8}\\max|\\lambda|$", ylabel="loss / loss of $u = 0$")
    left.set_title("dots: |gradient| < 1e-8", fontsize=9)
    left.legend(fontsize=7, loc="lower right", framealpha=0.8)
    last.set(xscale="log", yscale="log", xlabel="$|P_J R|\\,/\\,|R|$, $\\sigma > 10^{-8}\\sigma_1$", ylabel="loss / loss of $u = 0$")
    bottom = np.zeros(len(METHODS))
    shades = ("tab:blue", "tab:red", "tab:purple", "black", "silver", "gainsboro")
    for end, shade in zip(ENDS, shades):
        part = np.array([np.mean([ends[k] == end for k in ends if k[1] == m] or [0]) for m in METHODS])
        right.bar(METHODS, part, bottom=bottom, color=shade, label=end)
        bottom += part
    right.set_ylabel("share of all runs")
    right.tick_params(axis="x", labelsize=8)
    right.legend(fontsize=7, loc="lower left", bbox_to_anchor=(1, 0), frameon=False)
    for method in ("newton", "absolute", "gauss"):
        keys = [k for k in ends if k[:3] == ("plane", method, 16) and runs[k] and ends[k] == ("saddle" if method == "newton" else "good")]
        if keys:
            value = runs[keys[0]]["spectrum"]
            for sign, marker in ((value > 0, "."), (value < 0, "x")):
                low.plot(np.arange(1, len(value) + 1)[sign], np.abs(value[sign]), marker, color=colours[method], markersize=4,
                         label=f"{method}: {ends[keys[0]]}" if marker == "." else None)
    low.set(yscale="log", xlabel="number (plane, 16 units)", ylabel="$|\\lambda|$ of $H$ at the end; crosses: negative")
    low.legend(fontsize=7, frameon=False)
    for axis in (left, low, last):
        axis.grid(True, alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = sys.argv[1].rstrip("/")
    runs = read_all(folder)
    ends, zeros = classify(runs)
    print_table(runs, ends, zeros)
    print_saddles(runs, ends, zeros)
    print_known(runs, zeros)
    try:
        plot(runs, ends, zeros, folder + ".png")
    except ImportError:
        print("no matplotlib, so no picture", file=sys.stderr)


if __name__ == "__main__":
    main()
