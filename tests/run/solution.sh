#!/usr/bin/env bash
# Results that are looked at and loaded: formats, places and expressions of -engd_solution, integrals, -engd_evaluate, runs/engd.py.
. "$(dirname "$0")/case.sh"
python=python3
"$python" -c 'import numpy, h5py' 2>/dev/null || python=/usr/bin/python3
export PYTHONPATH=$ENGD_ROOT/runs PYTHONDONTWRITEBYTECODE=1
cat >"$SCRATCH/oracle.py" <<'PYTHON'
"""The columns of any file of -engd_solution in the order of the points, the first coordinate fastest."""
import csv, re, sys
import numpy as np

def numbers(text, tag, name, data):
    """An appended array of a VTK file"""
    kind, at = re.search(r'<DataArray type="(\w+)" Name="%s"[^>]*offset="(\d+)"' % re.escape(name), text).groups()
    at = int(at)
    n = int(np.frombuffer(data[at : at + 8], "<u8")[0])
    return np.frombuffer(data[at + 8 : at + 8 + n], {"Float64": "<f8", "Int64": "<i8", "UInt8": "u1"}[kind])

def vtk(path):
    whole = open(path, "rb").read()
    head, data = whole.split(b'<AppendedData encoding="raw">\n_')
    text = head.decode()
    names = re.findall(r'<DataArray type="\w+" Name="([^"]*)"', text)
    return {n: numbers(text, "DataArray", n, data) for n in names}

def columns(path):
    if path.endswith(".csv"):
        header, *rows = csv.reader(open(path, newline=""))
        return dict(zip(header, np.array(rows, dtype=float).T))
    if path.endswith(".npz"):
        return {n: a.ravel(order="F") for n, a in np.load(path).items()}
    if path.endswith(".h5"):
        import h5py
        return {n: a[()].ravel() for n, a in h5py.File(path).items()}
    table = vtk(path)
    xyz = table.pop("Points").reshape(-1, 3)
    return {"x": xyz[:, 0], "y": xyz[:, 1], **table}

def same(a, b, tolerance=0.0):
    assert a.shape == b.shape and (np.isnan(a) == np.isnan(b)).all(), (a.shape, b.shape)
    difference = np.nanmax(np.abs(a - b)) / max(1.0, np.nanmax(np.abs(b)))
    assert difference <= tolerance, difference
PYTHON
verify() { # a Python program on the files of this directory, all of whose assertions hold
  (echo "import sys; sys.path.insert(0, '$SCRATCH'); from oracle import *"; cat) | "$python" - >check 2>&1 || complain "$(tail -n 1 check)"
}
small=(-options_file poisson.opts -network_layers 9,7 -network_inputs "sin(x),y,x*y" -functions "s = x*(1-x), p(a) = a*u^2"
  -ansatz_u "p(s) + if(x < 0.5, y, exp(-u))" -pde_points 100 -wall_points 40)
output='u, u_x, u_y, exact, error, residual(pde), q = u*u_x, grad(u), min(u, 0.5)'
integrals=(-engd_integrals flux,mass,side,edge -edge_region x=lower -edge_integrand "exp(y)" -flux_region boundary -flux_integrand "dot(grad(u), normal)" -mass_integrand "lap(u); x^3*y"
  -mass_sampler gauss -side_region right -right_of boundary -right_where "x > 0.5" -side_integrand "normal" -side_points 800)

name "everything after a training"
run 2 "${small[@]}" -tao_max_it 3 -engd_checkpoint c.h5 -engd_solution u.csv -engd_output "$output" -engd_summary s.json "${integrals[@]}"
expect_exit 0
expect_stderr_empty
trained=$PWD
expect_stdout '^  flux  .*\(boundary, 4000 points, gauss\)$'
verify <<'PYTHON'
import json, engd
t = columns("u.csv")
assert list(t) == "x,y,u,u_x,u_y,exact_u,error_u,residual(pde),q,grad(u)_1,grad(u)_2,min(u, 0.5)".split(",", 11), list(t)
assert len(t["x"]) == 4000
same(t["exact_u"], np.sin(np.pi * t["x"]) * np.sin(np.pi * t["y"]), 1e-15)
same(t["error_u"], t["u"] - t["exact_u"], 1e-15)
same(t["q"], t["u"] * t["u_x"], 1e-15)
same(t["grad(u)_2"], t["u_y"])
same(t["min(u, 0.5)"], np.minimum(t["u"], 0.5))
u, g = engd.load("c.h5")(np.stack([t["x"], t["y"]], 1))
for a, b in ((u[:, 0], "u"), (g[:, 0, 0], "u_x"), (g[:, 0, 1], "u_y")):
    same(a, t[b], 1e-14)
# the residual against differences, the integrals against the theorem of Gauss
h, x = 1e-4, np.stack([t["x"], t["y"]], 1)[np.abs(t["x"] - 0.5) > 1e-3]
solution = engd.load("c.h5")
lap = sum(solution(x + h * e)[0] + solution(x - h * e)[0] - 2 * solution(x)[0] for e in np.eye(2))[:, 0] / h**2
same(lap + 2 * np.pi**2 * np.prod(np.sin(np.pi * x), 1), t["residual(pde)"][np.abs(t["x"] - 0.5) > 1e-3], 1e-6)
i = json.load(open("s.json"))["integrals"]
assert abs(i["mass"]["value"][1] - 0.125) < 1e-14, i
assert i["mass"]["sampler"] == "gauss" and i["flux"]["region"] == "boundary" and i["flux"]["points"] == 4000
assert np.abs(np.array(i["side"]["value"]) - [1, 0]).max() < 1e-12, i
assert abs(i["edge"]["value"] - np.expm1(1)) < 1e-14, i
PYTHON

for ranks in 1 2; do
  for format in csv npz h5 vts vtu; do
    name "the same in $format"
    run "$ranks" "${small[@]}" -tao_type lmvm -engd_restart "$trained/c.h5" -engd_evaluate "grid(7, 5)" -engd_output "u, e = error" -engd_solution "u.$format"
    expect_exit 0
    expect_stderr_empty
    expect_stdout '^relative L2 error .* after 3 iterations .*\(not trained further\)$'
    expect_no_file "u.$format.tmp"
    cp "u.$format" "$SCRATCH/$ranks.$format"
  done
done
current="formats and ranks agree"
verify <<PYTHON
import engd, os
os.chdir("$SCRATCH")
t = columns("1.csv")
x, y = np.meshgrid(np.linspace(0, 1, 7), np.linspace(0, 1, 5))
same(t["x"], x.ravel(), 1e-15)
same(t["y"], y.ravel(), 1e-15)
same(engd.load("$trained/c.h5")(np.stack([t["x"], t["y"]], 1))[0][:, 0], t["u"], 1e-14)
assert np.load("1.npz")["u"].shape == (7, 5)
import h5py
f = h5py.File("1.h5")
assert f["u"].shape == (5, 7) and f.attrs["axes"] == b"y,x" and f["e"].attrs["expression"] == b"error", dict(f.attrs)
for ranks in 1, 2:
    for ending in "csv", "npz", "h5", "vts", "vtu":
        other = columns(f"{ranks}.{ending}")
        for name in "x", "y", "u", "e":
            same(other[name], t[name], 0 if ranks == 1 else 1e-15)
cells = vtk("1.vtu")
assert len(cells["offsets"]) == 24 and (cells["types"] == 9).all() and list(cells["connectivity"][:4]) == [0, 1, 8, 7]
PYTHON
finish_test

# points of a file: the table alone on standard output; data; outside of the domain
printf 'y,f,x\n.5,3,.25\n.5,2,7\n' >"$SCRATCH/points.csv"
for ranks in 1 2; do
  run "$ranks" "${small[@]}" -engd_restart "$trained/c.h5" -engd_evaluate "$SCRATCH/points.csv" -engd_output "u, u - f" -engd_summary s.json
  expect_exit 0
  expect_stderr_one_line_matching '^Warning: 1 of the 2 points of .*points.csv are outside of the domain'
  expect_equal "$(head -n 1 stdout) $(wc -l <stdout)" "x,y,u,u - f 3"
  expect_equal "$(json s.json converged_reason) $(json s.json iterations)" "EVALUATED 3"
  "$python" "$ENGD_ROOT/runs/engd.py" "$trained/c.h5" <(printf 'x,y\n.25,.5\n7,.5\n') >mine
  expect_close "$(sed -n 2p stdout | cut -d, -f3)" "$(sed -n 1p mine | cut -d, -f3)" 1e-14
  expect_close "$(sed -n 3p stdout | cut -d, -f4)" "$(sed -n 2p mine | awk -F, '{printf "%.17g", $3 - 2}')" 1e-14
done

name "windows of time in a periodic box, read by NumPy"
run 1 -options_file windows.opts -network_layers 6 -tao_max_it 1 -engd_checkpoint c.h5 -engd_solution u.npz -engd_output "u, u_x, u_t"
expect_exit 0
verify <<'PYTHON'
import engd
t = columns("u.npz")
u, g = engd.load("c.h5")(np.stack([t["x"], t["t"]], 1))
for a, b in ((u[:, 0], "u"), (g[:, 0, 0], "u_x"), (g[:, 0, 1], "u_t")):
    same(a, t[b], 1e-14)
PYTHON

name "the distance to a boundary in ansatz and functions, read by NumPy"
edge=(-domain_type polygon -domain_coordinates x,y -domain_vertices '0,0; 1,0; 1,1; 0.5,0.4; 0,1' -domain_holes 'ball(.3,.2; .1)'
  -functions "w = 2*distance" -ansatz_u "w*u + x*distance" -network_layers 5 -terms pde -pde_points 40 -pde_residual "lap(u) + 1")
run 1 "${edge[@]}" -tao_max_it 1 -engd_checkpoint c.h5 -engd_solution u.csv -engd_solution_points test -engd_test_points 40 -engd_output "u, u_x, u_y"
expect_exit 0
verify <<'PYTHON'
import engd
t = columns("u.csv")
u, g = engd.load("c.h5")(np.stack([t["x"], t["y"]], 1))
for a, b in ((u[:, 0], "u"), (g[:, 0, 0], "u_x"), (g[:, 0, 1], "u_y")):
    same(a, t[b], 1e-14)
PYTHON

name "networks of three types with inputs of their own, read by NumPy"
two=(-domain_coordinates x,y -domain_lower 0,0 -domain_upper 1,2 -networks flow,p,q -flow_outputs u,v -network_layers 5,4
  -p_layers 3,3 -p_type modified -p_activation sin -p_activation_scale 2 -p_inputs "exp(x), y" -flow_layers 5,4,4 -flow_type gated
  -q_type residual -q_layers 3,3 -unknown_parameters k=0.5 -ansatz_v "x*v + k*max([p, u][1], atan2(p, 2)) + if(x >= 0.5 || y == 1, x, 0)" -terms pde -pde_points 40
  -pde_residual "u_x + p_y - 1; lap(v) - u + k; p - f(x); q - y*p" -tables "f=$SCRATCH/f.csv")
printf '0,0\n1,1\n' >"$SCRATCH/f.csv"
run 2 "${two[@]}" -tao_max_it 3 -engd_checkpoint c.h5 -engd_solution u.csv -engd_output "u, v, p, v_x, p_y, q, q_x" -engd_summary s.json
expect_exit 0
expect_equal "$(json s.json resolved.flow_layers) $(json s.json resolved.p_type) $(json s.json resolved.p_outputs)" "5,4,4 modified p"
verify <<'PYTHON'
import engd
t = columns("u.csv")
u, g = engd.load("c.h5")(np.stack([t["x"], t["y"]], 1))
for a, b in ((u[:, 0], "u"), (u[:, 1], "v"), (u[:, 2], "p"), (g[:, 1, 0], "v_x"), (g[:, 2, 1], "p_y"),
             (u[:, 3], "q"), (g[:, 3, 0], "q_x")):
    same(a, t[b], 1e-13)
PYTHON
two_run=$PWD
run 1 "${two[@]}" -engd_restart "$two_run/c.h5" -tao_max_it 5
expect_exit 0
run 1 "${two[@]}" -p_layers 4,4 -engd_restart "$two_run/c.h5" -tao_max_it 5
expect_exit 2
expect_stderr_one_line_matching 'p_layers is 3,3 in the file and 4,4 here'
printf '0,0\n1,1.5\n' >"$SCRATCH/f.csv"
run 1 "${two[@]}" -engd_restart "$two_run/c.h5" -tao_max_it 5
expect_exit 2
expect_stderr_one_line_matching 'the digest of the file of the table f is [-0-9]* in the file and [-0-9]* here'

# a series in time over a domain with a hole, lines, slices
ring=(-domain_type annulus -domain_coordinates x,y -domain_center 0,0 -domain_inner_radius 0.5 -domain_outer_radius 1 -domain_time 1,3
  -network_layers 5 -terms pde -pde_points 50 -pde_residual "u_t - lap(u)" -tao_max_it 1)
run 2 "${ring[@]}" -engd_solution 'a&b.pvd' -engd_solution_points "grid(9,9,3)" -engd_output "u, w = x*u_t"
expect_exit 0
verify <<'PYTHON'
import xml.etree.ElementTree as tree
sets = tree.parse("a&b.pvd").getroot()[0]
assert [(s.get("timestep"), s.get("file")) for s in sets] == [(str(k + 1), f"a&b_000{k}.vtu") for k in range(3)]
for s in sets:
    t = vtk(s.get("file"))
    r = np.hypot(*t["Points"].reshape(-1, 3)[:, :2].T)
    assert 0.5 <= r.min() and r.max() <= 1 + 1e-12 and len(r) < 81 and np.isfinite(t["w"]).all()
    assert t["connectivity"].max() < len(r) and 0 < len(t["types"]) < 64
PYTHON
run 1 "${ring[@]}" -engd_solution u.npz -engd_solution_points "slice(t=2; 9,9)"
expect_exit 0
verify <<'PYTHON'
t = np.load("u.npz")
assert t["u"].shape == (9, 9) and (t["t"] == 2).all()
assert (np.isnan(t["u"]) == ((np.hypot(t["x"], t["y"]) < 0.5) | (np.hypot(t["x"], t["y"]) > 1 + 1e-12))).all()
PYTHON
run 2 "${ring[@]}" -engd_solution u.vtu -engd_solution_points "line(-1,0,1; 1,0,3; 21)"
expect_exit 0
verify <<'PYTHON'
t = vtk("u.vtu")
assert len(t["u"]) == 12 and len(t["types"]) == 10 and (t["types"] == 3).all(), t
PYTHON

# a disk that is full is met before the training; one that fills later costs neither the run nor its answer
printf '#!/bin/bash\nexport OMPI_MCA_ess_singleton_isolated=1\nulimit -f 8\ntrap "" XFSZ\nexec "${@:3}"\n' >"$SCRATCH/limited" && chmod +x "$SCRATCH/limited" # without files of Open MPI
for format in csv npz h5 vts vtu; do
  mkdir -p "$SCRATCH/full" && ln -sf /dev/full "$SCRATCH/full/u.$format"
  name "full disk for $format"
  run 2 "${small[@]}" -tao_max_it 1 -engd_solution "$SCRATCH/full/u.$format" -engd_history h.csv
  expect_exit 2
  expect_stderr_one_line_matching "-engd_solution .*u.$format cannot be written: No space left"
  expect_no_file h.csv
  name "a disk that fills for $format"
  MPIEXEC="$SCRATCH/limited" run 1 "${small[@]}" -tao_max_it 1 -engd_solution u.$format -engd_solution_points "grid(40,40)"
  expect_exit 2
  expect_stderr_one_line_matching "-engd_solution u.$format could not be written to its end: File too large"
  expect_stdout '^relative L2 error'
  expect_no_file u.$format u.$format.tmp
done

# the points of a term are those of the last iterations, on any number of ranks: their residuals make the loss
for ranks in 1 2; do
  name "points of a term"
  run "$ranks" "${small[@]}" -pde_sampler uniform -pde_resample 2 -wall_weight 1e-30 -tao_max_it 3 -engd_summary s.json -engd_solution "u$ranks.csv" \
    -engd_solution_points "points(pde)" -engd_output "residual(pde)"
  expect_exit 0
  expect_close "$(awk -F, 'NR > 1 {s += $3^2 / 2} END {printf "%.15g", s / (NR - 1)}' "u$ranks.csv")" "$(json s.json loss)" 1e-12
  first[ranks]=$(sed -n 2p "u$ranks.csv" | cut -d, -f1)
done
expect_equal "${first[1]}" "${first[2]}"
