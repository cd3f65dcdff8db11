#!/usr/bin/env bash
# runs/plot.py and runs/report.py on what a run wrote, with any python3 that has matplotlib; without one there is nothing to draw.
. "$(dirname "$0")/case.sh"
find_python matplotlib,numpy || exit 0
export PYTHONDONTWRITEBYTECODE=1
plot=$ENGD_ROOT/runs/plot.py report=$ENGD_ROOT/runs/report.py
draws() { # arguments of plot.py ... -o FILE: a picture that is not a few bytes
  draw "$plot" "$@" || complain "plot.py $*: $(tail -n 1 words)"
  expect_less 3000 "$(stat -c %s "${*: -1}" 2>/dev/null || echo 0)"
}
refuses() { # REGEX arguments of plot.py: one line
  ! draw "$plot" "${@:2}" || complain "plot.py ${*:2} does not fail"
  [ "$(wc -l <words)" = 1 ] && grep -qE -- "$1" words || complain "plot.py ${*:2}: $(tail -n 1 words)"
}
run 1 -options_file heat.opts -network_layers 6 -tao_max_it 2 -engd_summary run.json -engd_history h.csv -engd_solution u.npz \
  -engd_solution_points "grid(9,7)" -engd_output "u, error, residual(pde)" -engd_integrals mass -mass_integrand "u^2" \
  -engd_projection p.csv -spectrum hessian,jacobian -spectrum_every 1 -spectrum_density 3 -spectrum_output s.csv
expect_exit 0
printf 'x,t\n0.1,0.2\n0.5,0.5\n' >points.csv
draws projection p.csv -o p.png
refuses 'h.csv: no projections' projection h.csv -o w.png
draws solution u.npz --points points.csv -o points.png
refuses 'h.csv: no column x' solution u.npz --points h.csv -o w.png
draws spectrum s.csv -o s.png
sed 's/"ranks": 1/"ranks": 2/' run.json >two_ranks.json
draws scaling run.json two_ranks.json -o scaling.svg
printf '{"a": 1}' >other.json
refuses 'no summary of engd' scaling other.json -o w.png
draws solution u.npz -o u.png
draws solution u.npz --output "u,residual(pde)" --dark -o u.pdf
for k in 1 2 3 4 5 6 7 8; do awk -F, -v k="$k" 'NR > 1 {OFS = ","; $2 *= k} {print}' h.csv >"h$k.csv"; done
draws history h?.csv -o h.svg
expect_equal "$(grep -c '<text[^>]*>h[1-8]</text>' h.svg)" 12 # six names beside each of two pictures
refuses 'no column w; there are' solution u.npz --output w -o w.png
refuses 'for ParaView' solution u.vtu -o w.png
draw "$report" run.json -o one.html || complain "$(tail -n 1 words)"
for run in second third; do sed 's/"u.npz"/"gone.npz"/; s/"s.csv"/"gone.csv"/' run.json >$run.json; done # the histories alone are there
draw "$report" second.json third.json -o two.html || complain "$(tail -n 1 words)"
check_page() { # PAGE RUN: it is whole, has six pictures, and what there is to say of the run
  "$python" - "$@" <<'PYTHON' >words 2>&1 || complain "$1: $(tail -n 1 words)"
import html.parser, json, sys
text, run = open(sys.argv[1], encoding="utf-8").read(), json.load(open(sys.argv[2]))

class Page(html.parser.HTMLParser):
    open_, pictures = [], 0
    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "source"): self.open_.append(tag)
        for name, value in attributes:
            if name in ("src", "srcset"):
                assert value.startswith("data:image/png;base64,"), value[:40]  # nothing from outside
                self.pictures += 1
    def handle_endtag(self, tag):
        assert self.open_.pop() == tag, tag

page = Page()
page.feed(text)
assert not page.open_ and page.pictures == 6, (page.open_, page.pictures)
for wanted in (run["options"]["pde_residual"], run["host"], f'{run["relative_l2_error"]:.2e}', f"mpirun -n 1 ./engd -options_file {sys.argv[2]}", "u^2"):
    assert html.escape(wanted) in text, wanted
PYTHON
}
check_page one.html run.json
check_page two.html second.json
check_page two.html third.json
# what is missing, cut off, of another kind or of another version is one line, by the reader of each kind
: >empty.csv
head -c 300 u.npz >cut.npz
head -c 300 run.json >cut.json
printf 'iteration,loss,seconds\n1,many,2\n' >words.csv
printf '{"options": {}, "version": "engd 9", "problem": "p"}' >later.json
PYTHONPATH=$ENGD_ROOT/runs "$python" - <<'PYTHON' >words 2>&1 || complain "broken files: $(tail -n 1 words)"
import plot, report
for read, files in {plot.read_history: "none.csv empty.csv cut.npz words.csv points.csv .", plot.read_table: "none.npz none.h5 cut.npz empty.csv run.json",
                    plot.read_spectra: "none.csv cut.npz h.csv .", plot.read_projection: "none.csv cut.npz empty.csv",
                    plot.read_summary: "none.json cut.json h.csv later.json", report.Run: "none.json cut.json later.json"}.items():
    for file in files.split():
        try:
            read(file)
        except SystemExit as error:
            assert str(error).startswith(file + ": ") and "\n" not in str(error), error
        else:
            assert False, f"{read} takes {file}"
# a run that broke down, one of a single row, and an energy, side by side
rows = lambda *loss: {"iteration": plot.np.arange(len(loss)), "seconds": plot.np.arange(len(loss)), "loss": plot.np.array(loss)}
plot.history_figure({"broken": rows(1, plot.np.nan), "single": rows(2.0), "energy": rows(-1, -2)}).savefig("broken.svg")
PYTHON
refuses 'w.xyz: pictures are' history h.csv -o w.xyz
! draw "$report" other.json || complain "report.py takes what is no summary"
expect_equal "$(cat words)" "other.json: no summary of engd (-engd_summary)"
