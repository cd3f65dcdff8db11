#!/usr/bin/env bash
# Regression: a target as text on Gauss-Legendre points, and measurements from a file; files that are refused.
. "$(dirname "$0")/case.sh"
files=$(mktemp -d)
trap 'finish_test; rm -rf "$files"; echo done' EXIT
fit=(-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 8 -terms fit -tao_max_it 25 -engd_seed 1 -tao_engd_direction krylov
  -exact_u 'sin(2*x)+y^2')
python3 - "$files" <<'PYTHON'
import math, sys
points = [((i + 0.5) / 9, (j + 0.5) / 9) for i in range(9) for j in range(9)]
with open(sys.argv[1] + "/grid.txt", "w") as file:
    for x, y in points:
        print(f"{x!r} {y!r}  # blanks", file=file)
with open(sys.argv[1] + "/data.csv", "w", encoding="utf-8") as file:
    print("\ufefff, y, x, weight", file=file)  # as spreadsheets write it
    for x, y in points:
        print(f"{math.sin(2 * x) + y * y!r}, {y!r}, {x!r}, {1 / 81!r}", file=file)
with open(sys.argv[1] + "/table.csv", "w") as file:
    print("x,y,f", file=file)
    for i in range(41):
        for j in range(31):
            print(f"{i / 40!r},{j / 30!r},{math.sin(i / 20) + (j / 30) ** 2!r}", file=file)
PYTHON

line "${fit[@]}" -fit_sampler gauss -fit_points 9,9 -fit_residual 'u-(sin(2*x)+y^2)' -engd_summary s.json
# the same points three ways: the loss at the start agrees, with a table of the target as near as splines are
for how in "-fit_sampler grid -fit_points 9,9" "-fit_points_file $files/grid.txt" "-fit_points_file $files/data.csv" \
  "-fit_points_file $files/grid.txt -tables f=$files/table.csv"; do
  target='sin(2*x)+y^2'
  [[ $how == *data* ]] && target=f
  [[ $how == *table* ]] && target='f(x,y)'
  # shellcheck disable=SC2086
  line "${fit[@]}" $how -fit_residual "u-($target)" -engd_summary s.json -engd_history h.csv
done
for ranks in 1 3; do
  run_table "$ranks"
  for ((k = 0; k < ${#lines[@]}; k++)); do
    result "$k"
    expect_exit 0
    expect_equal "$(json s.json points)" 81
    expect_less "$(json s.json relative_l2_error)" 2e-3
    ((k)) || continue
    start=$(sed -n 2p h.csv | cut -d, -f2)
    [ -n "${reference:-}" ] || reference=$start
    expect_close "$start" "$reference" "$([ "$k" = 4 ] && echo 1e-6 || echo 1e-13)"
  done
done
new_table

# refuses REGEX CONTENT arguments...: a file of this content
refuses() {
  mkdir "$files/${#lines[@]}"
  printf "$2" >"$files/${#lines[@]}/bad.txt"
  rejects "$1" "${fit[@]}" -fit_residual u -fit_points_file "$files/${#lines[@]}/bad.txt" "${@:3}"
}
refuses 'bad.txt: line 2 has 3 columns, not 2' '0.1 0.2\n0.1 0.2 0.3\n'
refuses 'bad.txt: line 2 has 1 columns, not 2' '0.1 0.2\n0.1\n'
refuses 'bad.txt: 3 columns for 2 coordinates' '0.1 0.2 0.3\n0.1 0.2 0.3\n'
refuses "bad.txt: line 2: 'nan' is no finite number" '0.1 0.2\nnan 0.2\n'
refuses "bad.txt: line 2: 'abc' is no finite number" '0.1 0.2\n0.3 abc\n'
refuses 'bad.txt: point 2 \(x = 1.5, ...\) is outside the domain' '0.1 0.2\n1.5 0.2\n'
refuses 'bad.txt: has no rows' '# nothing\n\n'
refuses 'bad.txt: line 1 is not text' '\033[31m\001\n'
refuses 'bad.txt: line 2 has an empty field' '0.1,0.2\n0.3,,0.4\n'
refuses 'bad.txt: line 2 has an empty field' 'x,y,f\n.1,.2,\n'
refuses 'bad.txt: line 1 has carriage returns' '.1 .2\r.3 .4\r'
refuses 'leave out -fit_adapt' '0.1 0.2\n' -fit_adapt rad
refuses 'no column named y' 'x,f\n0.1,0.2\n'
refuses 'weight -1.? of point 1' 'x,y,weight\n0.1,0.2,-1\n'
refuses "'u' is the name of a" 'x,y,u\n0.1,0.2,1\n'
refuses "data 'f' cannot be differentiated" 'x,y,f\n0.1,0.2,1\n' -fit_residual 'd(u*f,x)'
refuses '-fit_points 9 exclude each other' '0.1 0.2\n' -fit_points 9
refuses 'leave out -fit_resample' '0.1 0.2\n' -fit_resample 3
rejects 'bad.txt: cannot be read: No such file' "${fit[@]}" -fit_residual u -fit_points_file "$files/bad.txt"
run_rejects 1 3

name "measurements that have changed behind a checkpoint"
printf 'x u0\n0.1 1\n0.5 2\n0.9 1\n' >"$files/before.txt"
measured=(-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 2 -terms fit -fit_points_file "$files/before.txt" -fit_residual u-u0)
run 1 "${measured[@]}" -tao_max_it 1 -engd_checkpoint "$files/c.h5"
expect_exit 0
printf 'x u0\n0.1 1\n0.5 3\n0.9 1\n' >"$files/before.txt"
run 1 "${measured[@]}" -tao_max_it 2 -engd_restart "$files/c.h5"
expect_exit 2
expect_stderr_one_line_matching 'the digest of -fit_points_file is'
