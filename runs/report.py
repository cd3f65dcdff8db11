#!/usr/bin/env python3
"""One HTML page of one run or several, with everything in it: runs/report.py RUN... [-o report.html]

RUN is the summary of a run (-engd_summary run.json). Pictures are made of the history, the solution (.csv, .npz or .h5) and
the spectra that the summary names, if they are still beside it. Needs numpy and matplotlib.

  ./engd -options_file poisson.opts -engd_summary run.json -engd_history run.csv -engd_solution run.npz -engd_solution_points grid
  runs/report.py run.json -o run.html
"""
import argparse
import base64
import html
import io
import os
import shlex

import plot

STYLE = """
:root { color-scheme: light dark; --ink: #26282b; --paper: #fff; --soft: #6a6d72; --line: #d9d9d4; --shade: #f5f5f2; }
@media (prefers-color-scheme: dark) { :root { --ink: #d8d8d4; --paper: #1b1d20; --soft: #9a9da2; --line: #3a3d42; --shade: #24272b; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
section.run + section.run { border-top: 2px solid var(--line); margin-top: 3rem; padding-top: 1.5rem; }
p.answer { font-size: 1.1rem; margin: .2rem 0 1rem; } p.answer b { font-size: 1.35rem; }
.soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; } th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } tr:first-child th { white-space: nowrap; } td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, pre { font: .88rem/1.45 ui-monospace, monospace; } pre { background: var(--shade); padding: .8rem; overflow-x: auto; } td code { overflow-wrap: break-word; }
img { width: 100%; max-width: 62rem; min-width: 34rem; height: auto; } details { margin: .6rem 0; } summary { cursor: pointer; font-weight: 600; }
"""


def text(value):
    return html.escape(str(value))


def code(value):
    return f"<code>{text(value)}</code>"


def number(value, form=".3g"):
    return "-" if value is None else text(format(value, form))


def table(rows, head=(), numbers=False):
    """Rows of HTML cells; with numbers all but the first column are aligned on the right"""
    cell = lambda i, c: f'<td class="number">{c}</td>' if numbers and i else f"<td>{c}</td>" if i else f"<th>{c}</th>"
    lines = ["<tr>" + "".join(f"<th>{text(h)}</th>" for h in head) + "</tr>"] if head else []
    return '<div class="wide"><table>' + "".join(lines + ["<tr>" + "".join(cell(i, c) for i, c in enumerate(row)) + "</tr>" for row in rows]) + "</table></div>"


def picture(draw, words):
    """A figure for light and for dark pages, as data of the page"""
    data = []
    for dark in (False, True):
        plot.set_style(dark)
        figure, file = draw(), io.BytesIO()
        figure.savefig(file, format="png", dpi=130, bbox_inches="tight")
        plot.plt.close(figure)
        data.append("data:image/png;base64," + base64.b64encode(file.getvalue()).decode())
    return f'<div class="wide"><picture><source media="(prefers-color-scheme: dark)" srcset="{data[1]}"><img src="{data[0]}" alt="{text(words)}"></picture></div>'


class Run:
    def __init__(self, path):
        self.summary = plot.read_summary(path, ("problem", "loss", "iterations", "seconds_total", "converged_reason", "parameters", "points", "ranks"))
        self.path, self.options, self.folder = path, self.summary["options"], os.path.dirname(path)
        self.title = os.path.splitext(os.path.basename(path))[0]

    def file(self, option):
        """The file that an option named, where it was or beside the summary; None if it is gone"""
        name = self.options.get(option)
        places = [name, os.path.join(self.folder, name), os.path.join(self.folder, os.path.basename(name))] if name else []
        return next((place for place in places[::-1] if os.path.isfile(place)), None)

    def history(self):
        path = self.file("engd_history")
        return plot.read_history(path) if path else None

    def answer(self):
        s = self.summary
        value = s.get("relative_l2_error")
        result = f"relative L<sup>2</sup> error <b>{number(value, '.2e')}</b>" if value is not None else f"loss <b>{number(s['loss'], '.3e')}</b>"
        return f'<p class="answer">{result} after {s["iterations"]} iterations and {number(s["seconds_total"], ".1f")} s ' \
               f'<span class="soft">({text(s.get("end", s["converged_reason"]))}; {s["parameters"]} parameters, {s["points"]} points, {s["ranks"]} rank{"s" * (s["ranks"] != 1)})</span></p>'

    def terms(self):
        return [t.strip() for t in self.options.get("terms", "").split(",") if t.strip()]

    def equation(self):
        o, resolved, rows = self.options, self.summary.get("resolved", {}), []
        for term in self.terms():
            kind = "energy" if f"{term}_energy" in o else "residual"
            rows.append([text(term), code(o.get(f"{term}_{kind}", "a function in C")) + (" = 0" if kind == "residual" else " (energy)"),
                         code(resolved.get(f"{term}_region", o.get(f"{term}_region", "interior"))), text(resolved.get(f"{term}_points", "")),
                         text(f'{float(resolved.get(f"{term}_weight", 1)):.4g}')])
        stated = ["domain", "parameters", "functions", "unknown_parameters", "ansatz", "exact", "network"]
        lines = [[code("-" + k), code(v if v is not None else "")] for k, v in o.items() if k.split("_")[0] in {w.split("_")[0] for w in stated}]
        return table(rows, ["term", "equation", "where", "points", "weight"]) + "<details><summary>Domain, network and names</summary>" + table(lines) + "</details>"

    def results(self):
        s = self.summary
        rows = [[label, number(s[key], ".3e")] for key, label in (("relative_l2_error", "relative L<sup>2</sup> error"), ("relative_h1_error", "relative H<sup>1</sup> error"),
                                                               ("max_error", "largest error"), ("loss", "loss"), ("gradient_norm", "norm of the gradient")) if s.get(key) is not None]
        outputs = [k.removeprefix("relative_l2_error_") for k in s if k.startswith("relative_l2_error_")]
        rows[1:1] = [[f"of {text(k)}", number(s["relative_l2_error_" + k], ".3e")] for k in outputs if len(outputs) > 1]
        rows += [[f"parameter {text(n)}", f'{number(u["value"], ".10g")} &plusmn; {number(u["standard_error"], ".1e")}'] for n, u in s.get("unknown_parameters", {}).items()]
        if s.get("estimated_error") is not None:
            limit = f', limited by {text(s["limited_by"])}' if s.get("limited_by") else ""
            rows.append([f'estimated error{limit}', number(s["estimated_error"], ".1e")])
        for name, i in s.get("integrals", {}).items():
            values = i["value"] if isinstance(i["value"], list) else [i["value"]]
            rows.append([f'integral {text(name)} of {code(i["integrand"])} over {text(i["region"])}', "<br>".join(number(v, ".10g") for v in values)])
        return table(rows, numbers=True)

    def pictures(self):
        """The history, the solution where it is in a file that can be drawn, and the spectra"""
        pieces, history, solution = [], self.history(), self.file("engd_solution")
        if history:
            pieces.append("<h2>History</h2>" + picture(lambda: plot.history_figure({self.title: history}), "loss and error along the iterations"))
        if solution and os.path.splitext(solution)[1].lower() in ("", ".csv", ".npz", ".h5", ".hdf5"):
            coordinates = self.summary.get("resolved", {}).get("domain_coordinates")
            names = coordinates.split(",") + ["t"] * ("domain_time" in self.options) if coordinates else None
            values = plot.read_table(solution)
            pieces.append("<h2>Solution</h2>" + picture(lambda: plot.solution_figure(values, (), names), "the solution and its error"))
        spectrum = self.file("spectrum_output")
        spectra = plot.read_spectra(spectrum) if spectrum else None
        if spectra:
            pieces.append("<h2>Spectra</h2>" + picture(lambda: plot.spectrum_figure(spectra), "eigenvalues and singular values"))
        return "".join(pieces)

    def provenance(self):
        keys = ("version", "commit", "petsc_version", "slepc_version", "mpi", "compiler", "host", "ranks", "started", "ended", "seconds_total", "peak_memory_bytes")
        return table([[text(k), text(self.summary[k])] for k in keys if self.summary.get(k) is not None])

    def repeat(self):
        ranks = self.summary["ranks"]
        words = [shlex.quote("-" + k) + (" " + shlex.quote(v) if v is not None else "") for k, v in self.options.items()]
        return f"<pre>mpirun -n {ranks} ./engd -options_file {text(shlex.quote(os.path.basename(self.path)))}</pre>" \
               f'<details><summary>The same without the file</summary><pre>{text(f"mpirun -n {ranks} ./engd " + chr(92) + chr(10) + f" {chr(92)}{chr(10)}".join("  " + w for w in words))}</pre></details>'

    def page(self):
        options = table([[code("-" + k), code(v if v is not None else "")] for k, v in self.options.items()])
        resolved = table([[code("-" + k), code(v)] for k, v in self.summary.get("resolved", {}).items()])
        view = "\n".join(self.summary.get("view", []))
        return f"""<section class="run"><h1>{text(self.summary["problem"])}</h1>
<p class="soft">{text(self.path)}</p>{self.answer()}
<h2>Equation</h2>{self.equation()}
<h2>Result</h2>{self.results()}{self.pictures()}
<h2>How to repeat it</h2>{self.repeat()}
<h2>What it ran on</h2>{self.provenance()}
<h2>Options</h2><details><summary>As given</summary>{options}</details><details><summary>As resolved</summary>{resolved}</details>
<details><summary>All objects in their own words</summary><pre>{text(view)}</pre></details></section>"""


def comparison(runs):
    """Several runs: what each came to, and their histories in one picture"""
    rows = [[f"{text(r.title)} <span class='soft'>{text(r.summary['problem'])}</span>", number(r.summary.get("relative_l2_error"), ".2e"), number(r.summary["loss"], ".2e"),
             str(r.summary["iterations"]), number(r.summary["seconds_total"], ".1f")] for r in runs]
    histories = {r.title: h for r in runs if (h := r.history())}
    drawn = picture(lambda: plot.history_figure(histories), "loss and error of all runs") if len(histories) > 1 else ""
    return f"<h1>{len(runs)} runs</h1>" + table(rows, ["run", "relative L2 error", "loss", "iterations", "seconds"], numbers=True) + drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="+", help="JSON file of -engd_summary")
    parser.add_argument("-o", "--out", default="report.html", help="page to write, default report.html")
    arguments = parser.parse_args()
    runs = [Run(path) for path in arguments.run]
    body = (comparison(runs) if len(runs) > 1 else "") + "".join(run.page() for run in runs)
    title = ", ".join(dict.fromkeys(run.summary["problem"] for run in runs))
    page = f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">' \
           f"<title>engd: {text(title)}</title><style>{STYLE}</style></head>\n<body>{body}</body></html>\n"
    try:
        with open(arguments.out, "w", encoding="utf-8") as file:
            file.write(page)
    except OSError as error:
        raise SystemExit(f"{arguments.out}: {error.strerror}") from None
    print(f"Wrote {arguments.out}")


if __name__ == "__main__":
    main()
