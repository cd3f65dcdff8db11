#!/usr/bin/env python3
"""Pictures of what engd writes. Needs numpy and matplotlib; nothing of engd needs this script.

  runs/plot.py history run.csv other.csv -o history.png    loss and error against iterations and seconds (-engd_history)
  runs/plot.py solution solution.csv -o solution.png       lines, maps or slices of the solution and its error (-engd_solution:
                                                           .csv, .npz or .h5), residual(..) columns too; --points FILE draws
                                                           the points of another such file on maps, as points(pde)
  runs/plot.py spectrum spectrum.csv -o spectrum.png       eigenvalues and densities, those of each operator in a row
                                                           (-spectrum_output, .csv or .h5)
  runs/plot.py projection p.csv run.csv -o projection.png  updates beside projections of ideal updates against the length of the
                                                           step, of one iterate of the first file, and what of Newton's ideal
                                                           update each method keeps along all of them (-engd_projection)
  runs/plot.py scaling run1.json run2.json -o scaling.png  seconds an iteration and efficiency against ranks (-engd_summary);
                                                           runs of one problem and as many parameters are one curve

Of many curves the six that end lowest have a colour and a name at their ends, the others are grey. --dark for dark pages.
"""
import argparse
import contextlib
import csv
import json
import os
import re
import sys
import zipfile

try:
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError as error:
    raise SystemExit(f"pictures need {error.name}, which {sys.executable} has not; on Debian /usr/bin/python3 has it after: make install-packages")

NAMED = 6  # curves with a name
POINTS = 50000  # that are triangulated, as a million take minutes
COLOURS = ("#2a6fbb", "#d1701c", "#2f8f5b", "#b5467c", "#7a62c9", "#8a7a1f")
DARK_COLOURS = ("#6cb0f2", "#f0a35e", "#6fcf97", "#e88bb5", "#b3a2f2", "#d8c45a")


def set_style(dark):
    """Colours of paper and ink; in SVG and PDF text stays text"""
    ink, paper = ("#d8d8d4", "#1b1d20") if dark else ("#26282b", "#ffffff")
    plt.rcParams.update({
        "figure.facecolor": paper, "axes.facecolor": paper, "savefig.facecolor": paper, "text.color": ink, "axes.labelcolor": ink,
        "axes.edgecolor": ink, "xtick.color": ink, "ytick.color": ink, "grid.color": ink, "axes.linewidth": 0.7, "font.size": 9,
        "axes.titlesize": 9, "svg.fonttype": "none", "pdf.fonttype": 42,
        "axes.prop_cycle": plt.cycler(color=DARK_COLOURS if dark else COLOURS)})


@contextlib.contextmanager
def reading(path, what):
    """One line for a file that is not there, or not what it should be"""
    try:
        yield
    except ImportError as error:
        raise SystemExit(f"{path}: needs {error.name}, which {sys.executable} has not") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, csv.Error, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None)
        raise SystemExit(f"{path}: {reason}" if reason else f"{path}: no {what} of engd, or damaged ({' '.join(str(error).split())})") from None


def read(path, what="table"):
    """The columns of a CSV file by name; a last row cut short by a kill is left out."""
    with reading(path, what), open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
        rows = [row for row in rows if len(row) == len(header)]
        table = dict(zip(header, np.array(rows, dtype=float).T))
    if not rows:
        raise SystemExit(f"{path}: no rows under the header {','.join(header)}")
    return table


def read_history(path):
    history = read(path, "history")
    missing = [name for name in ("iteration", "seconds", "loss") if name not in history]
    if missing:
        raise SystemExit(f"{path}: no history of engd (-engd_history): it has no column {missing[0]}")
    return history


def name_ends(axis, curves):
    """The names of curves [(x, y, name, colour)] beside the right end of the axis, apart from each other, joined to the ends."""
    to_axis = axis.transData + axis.transAxes.inverted()
    ends = sorted((float(to_axis.transform((x[-1], y[-1]))[1]), float(to_axis.transform((x[-1], y[-1]))[0]), name, colour)
                  for x, y, name, colour in curves)
    apart = 14 / (axis.get_window_extent().height * 72 / axis.figure.dpi)
    up, down = [], []
    for height, *_ in ends:
        up.append(max(height, up[-1] + apart) if up else height)
    for height, *_ in reversed(ends):
        down.append(min(height, down[-1] - apart) if down else height)
    places = [(a + b) / 2 for a, b in zip(up, reversed(down))]
    shift = min(0.0, places[0]) if places else 0.0
    for place, (height, right, name, colour) in zip(places, ends):
        axis.annotate(name, xy=(right, height), xytext=(1.04, place - shift), xycoords="axes fraction", textcoords="axes fraction", color=colour,
                      va="center", fontsize=8, annotation_clip=False,
                      arrowprops=dict(arrowstyle="-", color=colour, linewidth=0.5, alpha=0.7, shrinkA=1, shrinkB=0))


def finite_rows(run, against, name):
    """The two columns without rows that are not finite, such as the last one of a run that broke down"""
    good = np.isfinite(run[name]) & np.isfinite(run[against])
    return run[against][good], run[name][good]


def last_value(run, name):
    values = finite_rows(run, "iteration", name if name in run else "loss")[1]
    return values[-1] if values.size else np.inf


def history_figure(runs, log=False):
    """Loss (above) and error (below, where some run has one) on log axes against iterations and seconds; runs: {name: columns}"""
    runs = {label: run for label, run in runs.items() if np.isfinite(run["loss"]).any()}
    if not runs:
        raise SystemExit("nothing to draw: no loss is finite")
    names = [n for n in ("loss", "relative_l2_error") if any(n in run for run in runs.values())]
    figure, axes = plt.subplots(len(names), 2, figsize=(9, 2.9 * len(names)), sharex="col", sharey="row", squeeze=False)
    order = sorted(runs, key=lambda label: last_value(runs[label], names[-1]))
    colours = dict(zip(order[:NAMED], plt.rcParams["axes.prop_cycle"].by_key()["color"]))
    for row, name in zip(axes, names):
        for axis, against in zip(row, ("iteration", "seconds")):
            for label in reversed(order):
                run, named = runs[label], label in colours
                if name in run:
                    x, y = finite_rows(run, against, name)
                    axis.plot(x, y, "." if len(x) == 1 else "-", color=colours.get(label, "#9a9a96"), linewidth=1.4 if named else 0.7,
                              alpha=1 if named else 0.5, zorder=3 if named else 2)
            if all((run[name] > 0).any() for run in runs.values() if name in run):
                axis.set_yscale("log")
                axis.yaxis.set_minor_formatter(matplotlib.ticker.LogFormatterSciNotation(labelOnlyBase=False, minor_thresholds=(2, 0.4)))
            axis.grid(True, which="major", alpha=0.15)
            axis.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel({"loss": "loss", "relative_l2_error": "relative $L^2$ error"}[name])
    axes[-1][0].set_xlabel("iterations")
    axes[-1][1].set_xlabel("seconds")
    for axis in axes[-1] if log else ():
        axis.set_xscale("log")
    figure.tight_layout(rect=(0, 0, 0.86 if len(runs) > 1 else 1, 1))
    for row, name in zip(axes, names) if len(runs) > 1 else ():
        ends = [(*finite_rows(runs[label], "seconds", name), label, colours[label]) for label in colours if name in runs[label]]
        name_ends(row[1], [end for end in ends if end[1].size and (end[1][-1] > 0 or row[1].get_yscale() == "linear")])
    return figure


def plot_history(arguments):
    below = len(os.path.commonpath([os.path.dirname(f) for f in arguments.file])) if len(arguments.file) > 1 else 0
    runs = {f[below:].lstrip("/").removesuffix(".csv"): read_history(f) for f in arguments.file}
    return history_figure(runs, arguments.log)


def read_spectra(path):
    """{(operator, iteration, quantity): rows of (at, value, error)} of all operators, layers' blocks among them."""
    spectra = {}
    if path.lower().endswith((".h5", ".hdf5")):
        with reading(path, "spectra"):
            import h5py
        with reading(path, "spectra"), h5py.File(path) as file:
            for iteration, operators in file.items():
                for operator, quantities in operators.items():
                    for quantity, group in quantities.items():
                        rows = np.stack([np.ravel(group[name]) for name in ("at", "value", "error")], axis=1)
                        spectra[operator, int(iteration.removeprefix("iteration_")), quantity] = rows
        return spectra
    with reading(path, "spectra"), open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            operator = row["operator"] + ("" if row["layer"] == "0" else "_layer_" + row["layer"])
            key = operator, int(row["iteration"]), row["quantity"]
            spectra.setdefault(key, []).append([float(row[name]) for name in ("at", "value", "error")])
    return {key: np.array(rows) for key, rows in spectra.items()}


def spectrum_figure(spectra):
    """A row an operator: |eigenvalues| by number (left; negative ones as crosses), densities (right), a colour an iteration."""
    operators = list(dict.fromkeys(key[0] for key in spectra))
    iterations = sorted({key[1] for key in spectra})
    dark = sum(matplotlib.colors.to_rgb(plt.rcParams["axes.facecolor"])) < 1.5
    shades = (0.4, 1) if dark else (0.1, 0.85)  # of viridis, those that stand out from the paper
    colours = dict(zip(iterations, plt.cm.viridis(np.linspace(*shades, len(iterations))))) if len(iterations) > 1 else {
        iterations[0]: plt.rcParams["axes.prop_cycle"].by_key()["color"][0]}
    densities = any(key[2] == "density" for key in spectra)
    figure, axes = plt.subplots(len(operators), 1 + densities, figsize=(5 + 4 * densities, 3.2 * len(operators)), squeeze=False, layout="constrained")
    top = {}
    for (operator, iteration, quantity), rows in spectra.items():
        line = axes[operators.index(operator)]
        if quantity == "density":
            line[1].plot(rows[:, 0], rows[:, 1], color=colours[iteration], linewidth=1)
            line[1].set(yscale="log", xlabel="eigenvalue", ylabel="density")
            top[operator] = max(rows[:, 1].max(), top.get(operator, 0))
        elif quantity in ("all", "largest", "smallest", "chosen"):
            value, number = rows[:, 1], np.arange(1, len(rows) + 1)
            for sign, marker in ((value > 0, "v" if quantity == "smallest" else "."), (value < 0, "x")):
                line[0].plot(number[sign], np.abs(value[sign]), marker, color=colours[iteration], markersize=3)
    for operator, line in zip(operators, axes):
        values = np.concatenate([rows[:, 1] for key, rows in spectra.items() if key[0] == operator and key[2] in ("all", "largest", "smallest", "chosen")] or [np.zeros(0)])
        kinds = {key[2] for key in spectra if key[0] == operator}
        marks = ["crosses are negative"] * bool((values < 0).any()) + ["triangles count from the smallest"] * ("smallest" in kinds)
        name = "singular values" if operator.startswith("jacobian") else "eigenvalues"
        line[0].set(xlabel="number", title=f"{name} of the {operator.replace('_', ' ')}" + (f" ({', '.join(marks)})" if marks else ""))
        if (values != 0).any():
            line[0].set_yscale("log")
        if operator in top and top[operator] > 0:
            line[1].set_ylim(top[operator] * 1e-8, top[operator] * 3)
        elif densities:
            line[1].set_axis_off()
        for axis in line:
            axis.grid(True, which="major", alpha=0.15)
            axis.spines[["top", "right"]].set_visible(False)
        if len(iterations) > 1:
            shown = iterations if len(iterations) <= NAMED else [iterations[k * (len(iterations) - 1) // (NAMED - 1)] for k in range(NAMED)]
            handles = [plt.Line2D([], [], marker=".", linestyle="", color=colours[k]) for k in shown]
            line[0].legend(handles, shown, title="iteration", frameon=False, fontsize=7, title_fontsize=7)
    return figure


def plot_spectrum(arguments):
    spectra = read_spectra(arguments.file)
    if not spectra:
        raise SystemExit(f"{arguments.file}: no spectra")
    return spectrum_figure(spectra)


METHODS = {"gauss_newton": "Gauss-Newton", "energy": "energy Newton", "l2": "L2", "h1": "H1", "hessian": "Newton in the parameters"}


def read_projection(path):
    """{(method, iteration): rows of (eta, update, distance, slope, kept)}"""
    ladders = {}
    with reading(path, "projections"), open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if not {"method", "eta", "distance", "kept"} <= set(reader.fieldnames or []):
            raise SystemExit(f"{path}: no projections of engd")
        for row in reader:
            key = row["method"], int(row["iteration"])
            ladders.setdefault(key, []).append([float(row[name]) for name in ("eta", "update", "distance", "slope", "kept")])
    return {key: np.array(rows) for key, rows in ladders.items()}


def ladder_axis(axis, ladders, iteration):
    """Distances of one iterate against eta, both relative to the longest step; the slopes 1 and 2 in grey"""
    for k, (method, name) in enumerate(METHODS.items()):
        rows = ladders.get((method, iteration))
        if rows is None:
            continue
        shown = (rows[:, 3] == rows[:, 3]) | (np.arange(len(rows)) == 0)
        axis.loglog(rows[shown, 0] / rows[0, 0], rows[shown, 2] / rows[0, 1], "osD^v"[k], markersize=4, color=f"C{k}", label=name, fillstyle="none" if k == 1 else "full")
    ends = np.array(axis.get_xlim())
    for slope, level in ((1, 0.6), (2, 0.3)):
        axis.loglog(ends, level * ends**slope, color="grey", linewidth=0.8, zorder=0)
        axis.text(ends[0], level * ends[0]**slope, f" slope {slope}", color="grey", fontsize=7, va="bottom")
    axis.set(xlabel="length of the step, eta, over the longest", ylabel="distance over the longest update", title=f"update beside projection (iteration {iteration})")
    axis.legend(frameon=False, fontsize=7, loc="lower right")


def kept_axis(axis, files):
    """|Pi v|/|v| of each method along the runs: how far below one it is, since the best are close"""
    for k, (method, name) in enumerate(METHODS.items()):
        points = sorted((iteration, rows[0, 4]) for ladders in files for (m, iteration), rows in ladders.items() if m == method)
        if points and any(kept == kept for _, kept in points):
            iteration, kept = np.array(points).T
            axis.plot(iteration, kept, ".-", color=f"C{k}", markersize=4, linewidth=1, label=name)
    axis.set(xlabel="iteration", title="part of the ideal update that is kept", ylim=(min(0, axis.get_ylim()[0]), 1.03))
    axis.legend(frameon=False, fontsize=7)


def plot_projection(arguments):
    files = [read_projection(path) for path in arguments.file]
    iterations = sorted({iteration for _, iteration in files[0]})
    if not iterations or arguments.iteration not in (None, *iterations):
        raise SystemExit(f"{arguments.file[0]}: no rows of iteration {arguments.iteration}" if iterations else f"{arguments.file[0]}: no rows")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    ladder_axis(axes[0], files[0], iterations[-1] if arguments.iteration is None else arguments.iteration)
    kept_axis(axes[1], files[1:] or files)
    for axis in axes:
        axis.grid(True, which="major", alpha=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def read_summary(path, keys=("problem", "parameters", "ranks", "seconds_per_iteration")):
    """A summary that has these keys, as those of other versions may not"""
    with reading(path, "summary"), open(path, encoding="utf-8") as file:
        summary = json.load(file)
    if not isinstance(summary, dict) or not isinstance(summary.get("options"), dict) or "version" not in summary:
        raise SystemExit(f"{path}: no summary of engd (-engd_summary)")
    missing = [key for key in keys if key not in summary]
    if missing:
        raise SystemExit(f"{path}: a summary without {missing[0]}, of {summary['version']}")
    return summary


def scaling_figure(summaries):
    """Seconds an iteration (left) and the part of the ideal speed-up (right) against ranks; a curve for each problem and size"""
    groups = {}
    for s in summaries:
        groups.setdefault((s["problem"], s["parameters"]), {}).setdefault(s["ranks"], []).append(s["seconds_per_iteration"])
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), squeeze=False)
    left, right = axes[0]
    colours, ends = plt.rcParams["axes.prop_cycle"].by_key()["color"], []
    ranks_of_all = sorted({r for times in groups.values() for r in times})
    right.axhline(1, color="#9a9a96", linewidth=0.7)
    for k, ((problem, parameters), times) in enumerate(sorted(groups.items())):
        ranks, colour = np.array(sorted(times)), colours[k] if k < NAMED else "#9a9a96"
        seconds = np.array([min(times[r]) for r in ranks])
        efficiency = seconds[0] * ranks[0] / (seconds * ranks)
        left.plot(ranks, seconds, "o-", color=colour, markersize=3, linewidth=1.4)
        left.plot(ranks, seconds[0] * ranks[0] / ranks, ":", color=colour, linewidth=0.8)
        right.plot(ranks, efficiency, "o-", color=colour, markersize=3, linewidth=1.4)
        if k < NAMED:
            ends.append((ranks, efficiency, f"{problem}, {parameters} parameters", colour))
    left.set(xscale="log", yscale="log", xlabel="ranks", ylabel="seconds an iteration (dotted: ideal)")
    right.set(xscale="log", xlabel="ranks", ylabel="part of the ideal speed-up", ylim=(0, None))
    for axis in (left, right):
        axis.set_xticks(ranks_of_all, [str(r) for r in ranks_of_all])
        axis.xaxis.set_minor_locator(plt.NullLocator())
        axis.grid(True, alpha=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(rect=(0, 0, 0.8, 1))
    name_ends(right, ends)
    return figure


def plot_scaling(arguments):
    return scaling_figure([read_summary(path) for path in arguments.file])


def same_length(path, table):
    """The table, if its columns are numbers and go together"""
    if not table or len({array.shape for array in table.values()}) != 1 or any(array.dtype.kind not in "fiu" for array in table.values()):
        raise SystemExit(f"{path}: no solution of engd (-engd_solution): its arrays do not go together")
    return table


def read_table(path):
    """The columns of a file of -engd_solution, the first coordinate fastest, by name"""
    ending = os.path.splitext(path)[1].lower()
    if ending == ".npz":
        with reading(path, "solution"):
            return same_length(path, {name: array.ravel(order="F") for name, array in np.load(path).items()})
    if ending in (".h5", ".hdf5"):
        with reading(path, "solution"):
            import h5py
        with reading(path, "solution"), h5py.File(path) as file:
            table = same_length(path, {name: array[()].ravel() for name, array in file.items()})
        return dict(sorted(table.items(), key=lambda item: (not is_coordinate(item[0]), item[0].startswith(("error", "exact", "residual")), item[0])))
    if ending not in ("", ".csv"):
        raise SystemExit(f"{path}: a picture is made of .csv, .npz or .h5; .vts, .vtu and .pvd are for ParaView")
    return read(path, "solution")


def is_coordinate(name):
    return bool(re.fullmatch(r"[xyzt]|x\d+", name))


def fields_of(table, coordinates, wanted):
    """What is drawn: [(title, values, is it a magnitude for a log scale)], the solution beside its error"""
    values = [n for n in table if n not in coordinates]
    if wanted:
        missing = [n for n in wanted if n not in values]
        if missing:
            raise SystemExit(f"no column {missing[0]}; there are {', '.join(values)}")
        return [(n, table[n], n.startswith(("error", "residual"))) for n in wanted]
    fields = []
    for name in values:
        exact, error = table.get("exact_" + name), table.get("error_" + name)
        if name.startswith(("error", "residual")):
            if not (name.startswith("error_") and name[6:] in values):
                fields.append((f"|{name}|", np.abs(table[name]), True))
        elif not name.startswith("exact"):
            fields.append((name, table[name], False))
            if exact is not None or error is not None:
                fields.append((f"|error of {name}|", np.abs(table[name] - exact if error is None else error), True))
    return fields


def colour_scale(values, magnitude):
    """Norm and colours: of errors and residuals a log scale, of signed ones blue to red about zero"""
    finite = values[np.isfinite(values)]
    top = float(finite.max()) if finite.size else 1.0
    if magnitude and top > 0:
        floor = max(top * 1e-4, float(np.finfo(float).tiny))
        return matplotlib.colors.LogNorm(floor, top), "magma"
    low = float(finite.min()) if finite.size else 0.0
    if low < 0 < top and -low > 0.2 * top and top > -0.2 * low:
        return matplotlib.colors.Normalize(-max(top, -low), max(top, -low)), "RdBu_r"
    return matplotlib.colors.Normalize(low, top), "viridis"


def draw_map(axis, x, y, values, scale, stretch):
    """A field of two coordinates: cells of a grid, triangles between points, or dots where these are too many"""
    norm, colours = scale
    xs, ys = np.unique(x), np.unique(y)
    shown = np.maximum(values, norm.vmin) if isinstance(norm, matplotlib.colors.LogNorm) else values
    if len(xs) * len(ys) == len(x):
        order = np.lexsort((x, y))
        picture = axis.pcolormesh(xs, ys, shown[order].reshape(len(ys), len(xs)), norm=norm, cmap=colours, shading="gouraud" if np.isfinite(shown).all() else "nearest", rasterized=True)
    elif len(x) > POINTS:
        picture = axis.scatter(x, y, 1, shown, ".", norm=norm, cmap=colours, linewidths=0, rasterized=True)
    else:
        good = np.isfinite(shown)
        picture = axis.tripcolor(x[good], y[good], shown[good], norm=norm, cmap=colours, shading="gouraud", rasterized=True)
    if not stretch:
        axis.set_aspect("equal")
    return picture


def line_figure(x, name, fields):
    """Fields against one coordinate, a log axis for magnitudes"""
    figure, axes = plt.subplots(1, len(fields), figsize=(4.2 * len(fields), 3.2), squeeze=False)
    order = np.argsort(x)
    for axis, (title, values, magnitude) in zip(axes[0], fields):
        axis.plot(x[order], np.abs(values[order]) if magnitude else values[order], linewidth=1.4)
        if magnitude and (np.abs(values) > 0).any():
            axis.set_yscale("log")
        axis.set(title=title, xlabel=name)
        axis.grid(True, alpha=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def scatter_figure(fields):
    """Of points in many coordinates: how the values are distributed"""
    figure, axes = plt.subplots(1, len(fields), figsize=(4.2 * len(fields), 3.2), squeeze=False)
    for axis, (title, values, magnitude) in zip(axes[0], fields):
        values = np.abs(values[np.isfinite(values)]) if magnitude else values[np.isfinite(values)]
        positive = values[values > 0]
        bins = np.geomspace(positive.min(), positive.max(), 60) if magnitude and positive.size and positive.min() < positive.max() else 60
        axis.hist(values, bins=bins, color=plt.rcParams["axes.prop_cycle"].by_key()["color"][0])
        axis.set(title=title, ylabel="points", xscale="log" if not isinstance(bins, int) else "linear")
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def solution_figure(table, wanted=(), coordinates=None, stretch=False, points=None):
    """Lines over one coordinate, maps over two, maps at three values of the last of three, distributions beyond; points: drawn on maps"""
    names = coordinates or [n for n in table if is_coordinate(n)] or list(table)[:2]
    varying = [n for n in names if np.ptp(table[n]) > 1e-12 * np.abs(table[n]).max()]
    fields = fields_of(table, names, wanted)
    fields = [field for field in fields if np.isfinite(field[1]).any()]
    if not fields or not varying:
        raise SystemExit("nothing to draw: no values, or one point")
    if len(varying) == 1:
        return line_figure(table[varying[0]], varying[0], fields)
    along = np.stack([table[n] - table[n][0] for n in varying], 1)
    if np.linalg.matrix_rank(along, tol=1e-9 * np.abs(along).max()) == 1:
        return line_figure(np.linalg.norm(along, axis=1), "distance along the line", fields)
    last = np.unique(table[varying[-1]])
    if len(varying) > 3 or (len(varying) == 3 and len(last) * 4 > len(table[varying[0]])):
        return scatter_figure(fields)
    levels = last[np.unique([0, len(last) // 2, len(last) - 1])] if len(varying) == 3 else [None]
    stretch = stretch or varying[1] == "t" or np.ptp(table[varying[0]]) > 4 * np.ptp(table[varying[1]]) or np.ptp(table[varying[1]]) > 4 * np.ptp(table[varying[0]])
    columns = len(fields) if levels[0] is None else len(levels)
    rows = 1 if levels[0] is None else len(fields)
    if rows == 1 and columns > 3:
        rows, columns = -(-columns // 2), 2
    figure, axes = plt.subplots(rows, columns, figsize=(3.9 * columns, 3.3 * rows), squeeze=False, layout="constrained")
    panels = [(f, level) for f in fields for level in levels]
    for axis, ((title, values, magnitude), level) in zip(axes.flat, panels):
        at = np.ones(len(values), dtype=bool) if level is None else table[varying[-1]] == level
        shown = np.abs(values) if magnitude else values
        picture = draw_map(axis, table[varying[0]][at], table[varying[1]][at], shown[at], colour_scale(shown, magnitude), stretch)
        if points is not None and level is None:
            axis.plot(points[varying[0]], points[varying[1]], ".", color="#ffffff", markeredgecolor="#26282b", markeredgewidth=0.3, markersize=2.5)
        axis.set(title=title if level is None else f"{title} at {varying[-1]} = {level:g}", xlabel=varying[0], ylabel=varying[1])
        figure.colorbar(picture, ax=axis, shrink=0.85).outline.set_visible(False)
    for axis in axes.flat[len(panels):]:
        axis.set_axis_off()
    return figure


def plot_solution(arguments):
    wanted = [n.strip() for n in arguments.output.split(",")] if arguments.output else ()
    coordinates = arguments.coordinates.split(",") if arguments.coordinates else None
    points = read_table(arguments.points) if arguments.points else None
    table = read_table(arguments.file)
    missing = [n for n in table if is_coordinate(n) and points is not None and n not in points]
    if missing:
        raise SystemExit(f"{arguments.points}: no column {missing[0]}")
    return solution_figure(table, wanted, coordinates, arguments.stretch, points)


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
    solution = commands.add_parser("solution", help="the solution and its error over one, two or three coordinates")
    solution.add_argument("file", help="file of -engd_solution: .csv, .npz, .h5")
    solution.add_argument("--output", help="which columns, a list; default all, errors beside the unknowns")
    solution.add_argument("--coordinates", help="which columns are coordinates, where they are not x, y, z, t, x1, ..")
    solution.add_argument("--stretch", action="store_true", help="fill the picture, axes not to scale")
    solution.set_defaults(plot=plot_solution)
    solution.add_argument("--points", help="file whose points are drawn on maps: -engd_solution_points 'points(pde)'")
    projection = commands.add_parser("projection", help="updates beside projections of ideal updates")
    projection.add_argument("file", nargs="+", help="CSV files of -engd_projection: the first for the ladder, the others for what is kept")
    projection.add_argument("--iteration", type=int, help="of the ladder, the last one unless it is given")
    projection.set_defaults(plot=plot_projection)
    scaling = commands.add_parser("scaling", help="seconds an iteration and efficiency against ranks")
    scaling.add_argument("file", nargs="+", help="JSON file of -engd_summary")
    scaling.set_defaults(plot=plot_scaling)
    for command in (history, spectrum, solution, projection, scaling):
        command.add_argument("-o", "--out", required=True, help="picture to write: .png, .pdf, .svg")
        command.add_argument("--dark", action="store_true", help="for a dark page")
    arguments = parser.parse_args()
    set_style(arguments.dark)
    if os.path.splitext(arguments.out)[1].lower() not in (".png", ".pdf", ".svg"):
        raise SystemExit(f"{arguments.out}: pictures are .png, .pdf or .svg")
    figure = arguments.plot(arguments)
    try:
        figure.savefig(arguments.out, dpi=150, bbox_inches="tight")
    except OSError as error:
        raise SystemExit(f"{arguments.out}: {error.strerror}") from None


if __name__ == "__main__":
    main()
