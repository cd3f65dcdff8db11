#!/usr/bin/env python3
"""Pictures of what engd writes. Needs numpy and matplotlib; nothing of engd needs this script.

  runs/plot.py history run.csv other.csv -o history.png    loss and error against iterations and seconds (-engd_history)
  runs/plot.py spectrum spectrum.csv -o spectrum.png       eigenvalues and densities, those of each operator in a row
                                                           (-spectrum_output, .csv or .h5)
  runs/plot.py solution solution.csv -o solution.png       a field of two coordinates, and its error (-engd_solution)
"""
import argparse
import csv
import itertools
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def read(path):
    """The columns of a CSV file by name; a last row cut short by a kill is left out."""
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    rows = [row for row in rows if len(row) == len(header)]
    if not rows:
        raise SystemExit(f"{path}: no rows under the header {','.join(header)}")
    return dict(zip(header, np.array(rows, dtype=float).T))


def plot_history(arguments):
    """Loss (above) and error (below, where some file has one) on log axes against iterations and seconds."""
    below = len(os.path.commonpath([os.path.dirname(f) for f in arguments.file])) if len(arguments.file) > 1 else 0
    runs = {f[below:].lstrip("/").removesuffix(".csv"): read(f) for f in arguments.file}
    styles = list(itertools.product(("-", "--", ":"), plt.rcParams["axes.prop_cycle"].by_key()["color"]))
    names = [n for n in ("loss", "relative_l2_error") if any(n in run for run in runs.values())]
    figure, axes = plt.subplots(len(names), 2, figsize=(9, 3.2 * len(names)), sharex="col", sharey="row", squeeze=False)
    for row, name in zip(axes, names):
        for axis, against in zip(row, ("iteration", "seconds")):
            for (label, run), (style, colour) in zip(runs.items(), itertools.cycle(styles)):
                if name in run:
                    axis.plot(run[against], run[name], style, color=colour, label=label, linewidth=1.2)
            axis.set_yscale("log" if all((run[name] > 0).any() for run in runs.values() if name in run) else "linear")
            axis.grid(True, which="major", alpha=0.3)
        row[0].set_ylabel({"loss": "loss", "relative_l2_error": "relative $L^2$ error"}[name])
    axes[-1][0].set_xlabel("iterations")
    axes[-1][1].set_xlabel("seconds")
    if arguments.log:
        for axis in axes[-1]:
            axis.set_xscale("log")
    if len(runs) > 6:
        figure.set_figwidth(11)
        figure.legend(*axes[0][1].get_legend_handles_labels(), frameon=False, fontsize=8, loc="center right")
    elif len(runs) > 1:
        axes[0][1].legend(frameon=False)
    return figure


def read_spectra(path):
    """{(operator, iteration, quantity): rows of (at, value, error)} of all operators, layers' blocks among them."""
    spectra = {}
    if path.endswith((".h5", ".hdf5")):
        import h5py

        with h5py.File(path) as file:
            for iteration, operators in file.items():
                for operator, quantities in operators.items():
                    for quantity, group in quantities.items():
                        rows = np.stack([np.ravel(group[name]) for name in ("at", "value", "error")], axis=1)
                        spectra[operator, int(iteration.removeprefix("iteration_")), quantity] = rows
        return spectra
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            operator = row["operator"] + ("" if row["layer"] == "0" else "_layer_" + row["layer"])
            key = operator, int(row["iteration"]), row["quantity"]
            spectra.setdefault(key, []).append([float(row[name]) for name in ("at", "value", "error")])
    return {key: np.array(rows) for key, rows in spectra.items()}


def plot_spectrum(arguments):
    """A row an operator: |eigenvalues| by number (left; negative ones as crosses), densities (right), a colour an iteration."""
    spectra = read_spectra(arguments.file)
    if not spectra:
        raise SystemExit(f"{arguments.file}: no spectra")
    operators = list(dict.fromkeys(key[0] for key in spectra))
    iterations = sorted({key[1] for key in spectra})
    colours = dict(zip(iterations, plt.cm.viridis(np.linspace(0, 0.85, len(iterations)))))
    densities = any(key[2] == "density" for key in spectra)
    figure, axes = plt.subplots(len(operators), 1 + densities, figsize=(5 + 4 * densities, 3.2 * len(operators)), squeeze=False)
    top = {}
    for (operator, iteration, quantity), rows in spectra.items():
        line = axes[operators.index(operator)]
        if quantity == "density":
            line[1].plot(rows[:, 0], rows[:, 1], color=colours[iteration], linewidth=1)
            line[1].set(yscale="log", xlabel="eigenvalue", ylabel="density")
            top[operator] = max(rows[:, 1].max(), top.get(operator, 0))
        elif quantity in ("all", "largest", "smallest", "chosen"):
            value, number = rows[:, 1], np.arange(1, len(rows) + 1)
            for sign, marker in ((value > 0, "."), (value < 0, "x")):
                line[0].plot(number[sign], np.abs(value[sign]), marker, color=colours[iteration], markersize=3,
                             label=f"{iteration}" if marker == "." and quantity != "smallest" else None)
            line[0].set(yscale="log", xlabel="number", title=operator.replace("_", " "))
    for operator, line in zip(operators, axes):
        if operator in top:
            line[1].set_ylim(top[operator] * 1e-8, top[operator] * 3)
        elif densities:
            line[1].set_axis_off()
        line[0].grid(True, which="major", alpha=0.3)
        if len(iterations) > 1:
            line[0].legend(title="iteration", frameon=False, fontsize=7)
    return figure


def plot_solution(arguments):
    """u_theta and log10 |u_theta - u*| over the first two columns, which are the coordinates."""
    table = read(arguments.file)
    names = list(table)
    outputs = [n for n in names[2:] if not n.startswith("exact_")]
    output = arguments.output or outputs[0]
    if output not in outputs:
        raise SystemExit(f"{arguments.file}: no output {output}; there are {', '.join(outputs)}")
    x, y, u, exact = table[names[0]], table[names[1]], table[output], table.get("exact_" + output)
    fields = [(f"${output}_\\theta$", u, "viridis")]
    if exact is not None:
        error = np.abs(u - exact)
        floor = max(error.max() * 1e-4, np.finfo(float).tiny)
        fields.append((f"$\\log_{{10}}|{output}_\\theta - {output}^*|$", np.log10(np.maximum(error, floor)), "magma"))
    figure, axes = plt.subplots(1, len(fields), figsize=(5 * len(fields), 4.2), squeeze=False)
    for axis, (title, values, colours) in zip(axes[0], fields):
        picture = axis.tricontourf(x, y, values, levels=40, cmap=colours)
        figure.colorbar(picture, ax=axis, shrink=0.9)
        axis.set(title=title, xlabel=names[0], ylabel=names[1])
        if not arguments.stretch:
            axis.set_aspect("equal")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    history = commands.add_parser("history", help="loss and error of one or several runs")
    history.add_argument("file", nargs="+", help="CSV file of -engd_history")
    history.add_argument("--log", action="store_true", help="iterations and seconds on log axes too")
    history.set_defaults(plot=plot_history)
    spectrum = commands.add_parser("spectrum", help="eigenvalues and densities of the operators")
    spectrum.add_argument("file", help="file of -spectrum_output")
    spectrum.set_defaults(plot=plot_spectrum)
    solution = commands.add_parser("solution", help="the solution over two coordinates, and its error")
    solution.add_argument("file", help="CSV file of -engd_solution")
    solution.add_argument("--output", help="which unknown, the first by default")
    solution.add_argument("--stretch", action="store_true", help="fill the picture, axes not to scale")
    solution.set_defaults(plot=plot_solution)
    for command in (history, spectrum, solution):
        command.add_argument("-o", "--out", required=True, help="picture to write: .png, .pdf, .svg")
    arguments = parser.parse_args()
    figure = arguments.plot(arguments)
    figure.tight_layout(rect=(0, 0, 0.84 if figure.legends else 1, 1))
    figure.savefig(arguments.out, dpi=150)


if __name__ == "__main__":
    main()
