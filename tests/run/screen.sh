#!/usr/bin/env bash
# The terminal: output that nobody takes any more, a full disk behind it, a terminal that closes.
. "$(dirname "$0")/case.sh"
short=(-options_file poisson.opts -network_layers 6 -pde_points 50 -wall_points 20 -engd_summary s.json)

# begin NAME: a test of a program without mpirun between it and its output
begin() {
  finish_test
  runs=$((runs + 1)) current=$1
  mkdir -p "$SCRATCH/run.$runs" && cd "$SCRATCH/run.$runs" || exit 1
  : >stderr
}

begin "a reader that goes does not end the training"
"$ENGD_PROGRAM" "${short[@]}" -tao_max_it 5 2>stderr | head -n 1 >stdout
exit_code=${PIPESTATUS[0]}
expect_exit 0
expect_stderr_empty
expect_equal "$(json s.json iterations)" 5

begin "a full disk behind the output is told"
"$ENGD_PROGRAM" "${short[@]}" -tao_max_it 2 >/dev/full 2>stderr
exit_code=$?
expect_exit 2
expect_stderr_one_line_matching 'not all of the output .* could be written'
expect_equal "$(json s.json iterations)" 2

begin "a line that is updated on a terminal, under mpirun too, and goes before anything else is printed"
for under in "" "$MPIEXEC -n 2"; do
  TERM=xterm script -qec "$under $ENGD_PROGRAM ${short[*]} -tao_max_it 3 -engd_monitor line -spectrum hessian" /dev/null >stdout 2>stderr </dev/null
  expect_equal "$?" 0
  expect_stdout $'^\r(\\[#*\\.*\\] *[0-9]+%  )?iteration [0-9]+  loss [0-9.e+-]+  error [0-9.e+-]+  0:00:0[^\r]*\e\\[K\r\e\\[K'
  expect_equal "$(grep -c 'iteration  *loss' stdout)" 1
  expect_equal "$(tr -d '\r' <stdout | tail -n 1 | cut -d ' ' -f 1-3)" "relative L2 error"
done

begin "no terminal, a line an iteration"
TERM=xterm $MPIEXEC -n 2 "$ENGD_PROGRAM" "${short[@]}" -tao_max_it 3 -engd_monitor line >stdout 2>stderr </dev/null
expect_equal "$(grep -cE '^ +[0-3] +[0-9.]+e' stdout)" 4

begin "a history that somebody removes is told, and costs nothing else"
"$ENGD_PROGRAM" "${short[@]}" -tao_max_it 300 -engd_start none -engd_history h.csv >stdout 2>stderr </dev/null &
while ! [ -s h.csv ] && kill -0 $!; do sleep 0.05; done
rm h.csv
wait $!
expect_equal "$?" 2
expect_stderr_one_line_matching '-engd_history h.csv could not be written to its end: No such file'
expect_file s.json
expect_stdout '^relative L2 error'

name "the version alone"
run 2 -version
expect_exit 0
expect_stderr_empty
expect_equal "$(wc -l <stdout)" 1
expect_stdout '^engd [0-9.]+ \(PETSc 3\.[0-9.]+, SLEPc 3\.[0-9.]+\)$'

name "what has no effect is warned of"
run 1 "${short[@]}" -network_outputs u,v -exact_u 0 -pde_residual 'lap(u)' -wall_residual x -wall_points 3 -tao_max_it 1
expect_exit 0
expect_stderr_empty
expect_stdout '^Warning: -wall_residual reads no unknown'
expect_stdout '^Warning: no term reads the unknown v,'
expect_stdout '^Warning: the problem is not solved' # -wall_residual x is what it is
expect_stdout '^Warning: no term changes when a constant is added to u:'
expect_stdout '^Warning: -wall_points 3: the region has 4 faces or parts'
expect_equal "$(grep -c Warning stdout)" 5

name "a problem without data says so, and ends"
run 1 -pde_residual 'lap(u)' -wall_residual u -terms pde,wall -wall_region boundary -domain_coordinates x,y -domain_lower 0,0 -domain_upper 1,1 \
  -network_layers 6 -pde_points 50 -wall_points 20
expect_exit 0
expect_stdout '^Warning: zero solves the problem'

name "an unknown parameter that runs to its bound is told at the end, and one that does not is not"
run 2 -domain_lower 0 -domain_upper 1 -terms fit,law -fit_points 30 -fit_residual 'u - exp(3*x1)' -law_points 30 \
  -law_residual 'd(u, x1) - k*u + 0*m; m - 1/2' -unknown_parameters k=1,m=0.3 -unknown_upper k=2 -unknown_lower m=0 \
  -network_layers 8 -tao_max_it 60 -engd_summary s.json
expect_exit 0
expect_stderr_empty
expect_stdout '^Warning: the unknown parameter k has run to its bound 2; widen it'
expect_equal "$(grep -c 'has run to its bound' stdout)" 1

name "an unknown parameter that the residuals say nothing of is told, and one that they determine is not"
run 2 -domain_lower -1 -domain_upper 1 -terms fit -fit_points 30 -fit_sampler grid -fit_residual 'u - x1^2 + j*x1^3 + k*x1^4 - 3*x1^4' \
  -unknown_parameters j=0.5,k=1 -network_layers none -tao_max_it 8
expect_exit 0
expect_stderr_empty
expect_stdout '^Warning: the unknown parameter j is not determined: its standard error'
expect_equal "$(grep -c 'is not determined' stdout)" 1

for under in "" nohup; do
  begin "a terminal that closes ${under:+under nohup}"
  $under "$ENGD_PROGRAM" "${short[@]}" -tao_max_it 300 -engd_history h.csv >stdout 2>stderr </dev/null &
  while ! [ -s h.csv ] && kill -0 $!; do sleep 0.05; done
  kill -HUP $!
  wait $! 2>/dev/null
  exit_code=$?
  if [ -n "$under" ]; then expect_exit 0; else ((exit_code)) || complain "exit code 0"; fi
  expect_stderr_without 'PETSC ERROR'
done
for signal in URG QUIT; do
  begin "SIG$signal does what it does without PETSc"
  (ulimit -c 0 && exec "$ENGD_PROGRAM" "${short[@]}" -tao_max_it 300 -engd_history h.csv) >stdout 2>stderr </dev/null &
  while ! [ -s h.csv ] && kill -0 $!; do sleep 0.05; done
  kill -$signal $!
  wait $! 2>/dev/null
  exit_code=$?
  if [ $signal = URG ]; then expect_exit 0; else expect_exit 131; fi
  expect_stderr_without 'PETSC ERROR'
done
finish_test
