#!/usr/bin/env bash
# Spectra of a run: the same on any number of ranks, options of SLEPc in charge, and what is refused before the training.
. "$(dirname "$0")/case.sh"
largest=()
short=(-options_file poisson.opts -network_layers 10 -pde_points 100 -wall_points 40 -tao_max_it 4 -engd_seed 3)
ritz=(-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 5 -terms body,end -body_energy 'u_x^2/2-u'
  -body_points 50 -end_region boundary -end_residual u -end_points 2 -tao_max_it 3)

# value FILE OPERATOR QUANTITY NUMBER: of the last iteration
value() { awk -F, -v o="$2" -v q="$3" -v n="$4" '$2 == o && $3 == 0 && $4 == q && $5 == n {v = $7} END {print v}' "$1"; }

for ranks in 1 3; do
  run "$ranks" "${short[@]}" -spectrum hessian,gramian,jacobian,preconditioned,kernel -spectrum_every 2 -spectrum_layers \
    -spectrum_density 4 -spectrum_cutoffs 1e-4 -spectrum_output s.csv -spectrum_monitor sharpness,index -engd_history h.csv
  expect_exit 0
  expect_stderr_empty
  expect_no_file s.csv.tmp
  expect_equal "$(awk 'length > 100' stdout | wc -l)" 0
  expect_equal "$(tail -n 1 stdout | cut -d ' ' -f 1-3)" "relative L2 error"
  expect_equal "$(cut -d, -f1 s.csv | uniq | xargs)" "iteration 0 2 4"
  expect_equal "$(value s.csv hessian negative 1)" "$(tail -n 1 h.csv | cut -d, -f9)"
  expect_close "$(value s.csv hessian all 1)" "$(tail -n 1 h.csv | cut -d, -f8)" 1e-6
  expect_close "$(value s.csv jacobian all 1)" "$(value s.csv kernel all 1 | awk '{print sqrt($1)}')" 1e-5
  expect_stdout '^Spectrum of the preconditioned, layer 2 at iteration 4'
  first[ranks]=$(awk -F, '$1 == 0 && $3 == 0 && $2 == "hessian" && $4 == "all" && $5 == 1 {print $7}' s.csv)
done
expect_close "${first[3]}" "${first[1]}" 1e-10

# nystrom of full rank: P^{-1} (H + lambda I) has no eigenvalue above 1 when it is made from H, and large ones when from G
for from in hessian gauss_newton; do
  name "preconditioner from $from"
  run 2 "${short[@]}" -options_file optimisers/nncg.opts -network_layers 8 -pc_nystrom_rank 33 -tao_engd_damping 1e-4 \
    -tao_engd_preconditioner_from $from -tao_max_it 20 -spectrum preconditioned -spectrum_output s.csv
  expect_exit 0
  largest[${#largest[@]}]=$(value s.csv preconditioned all 1)
done
expect_close "${largest[0]}" 1 1e-6
expect_less 10 "${largest[1]}"

name "options of EPS: interior eigenvalues"
run 2 "${short[@]}" -spectrum hessian -eps_target 100 -eps_target_magnitude -eps_harmonic -eps_nev 1 -eps_converged_reason
expect_exit 0
expect_stdout '^  number .* chosen'
name "options of SVD: one end alone"
run 1 "${short[@]}" -spectrum jacobian -svd_largest -svd_nsv 3 -svd_monitor_all
expect_exit 0
expect_stdout '^       3 '
name "what does not converge is told"
run 1 "${short[@]}" -network_layers 40,40 -spectrum gramian -eps_max_it 1 -tao_engd_direction krylov
expect_exit 0
expect_stdout '^gramian: only [0-9] of 10 values \(smallest\) converged in 1 restarts'
name "a file in HDF5"
run 2 "${short[@]}" -spectrum gramian -spectrum_output s.h5
expect_exit 0
expect_file s.h5

name "a Jacobian that is zero"
run 2 "${short[@]}" -spectrum jacobian,kernel -spectrum_dense false -pde_residual 1 -wall_residual 2
expect_exit 0
expect_equal "$(grep -c 'the Jacobian is exactly zero' stdout)" 2
name "randomized finds the largest singular values"
run 2 "${short[@]}" -spectrum jacobian -svd_type randomized -svd_largest
expect_exit 0

# before the training, on one rank and on several
rejects '-spectrum_nev 42: the hessian has only 41' "${short[@]}" -spectrum hessian -spectrum_nev 42
rejects '-eps_nev 42: the hessian has only 41' "${short[@]}" -spectrum hessian -eps_nev 42
rejects '-svd_nsv 42: the jacobian has only 41' "${short[@]}" -spectrum jacobian -svd_nsv 42
rejects '-spectrum_dense.*-engd_memory_limit 1e\+04' "${short[@]}" -spectrum hessian -spectrum_dense -engd_memory_limit 1e4
rejects '-spectrum jacobian: a term of this problem is an energy' "${ritz[@]}" -spectrum jacobian
rejects '-spectrum kernel: a term of this problem is an energy' "${ritz[@]}" -spectrum hessian,kernel
fresh=1 rejects '-spectrum preconditioned.*-tao_type' "${short[@]}" -tao_type lmvm -spectrum preconditioned
rejects '-spectrum hesian: hesian is not known' "${short[@]}" -spectrum hesian
rejects '-spectrum_density 3: .*hessian' "${short[@]}" -spectrum jacobian -spectrum_density 3
rejects 'option.*-eps_nevv' "${short[@]}" -spectrum hessian -eps_nevv 3
rejects 'option.*-svd_nsv' "${short[@]}" -svd_nsv 3
rejects 'option.*-spectrum_nev' "${short[@]}" -spectrum_nev 3
rejects '-spectrum_output s.txt.*\.csv or \.h5' "${short[@]}" -spectrum hessian -spectrum_output s.txt
rejects '-spectrum_output none/s.h5 cannot be written' "${short[@]}" -spectrum hessian -spectrum_output none/s.h5
rejects '-spectrum_monitor flatness' "${short[@]}" -spectrum_monitor flatness
rejects '-spectrum_cutoffs 2' "${short[@]}" -spectrum jacobian -spectrum_cutoffs 2
rejects '-spectrum_cutoffs 0' "${short[@]}" -spectrum jacobian -spectrum_cutoffs 0
rejects '-eps_type power with -st_type shift cannot.*hessian' "${short[@]}" -spectrum hessian -eps_type power
rejects '-eps_type krylovschur with -st_type sinvert cannot.*gramian' "${short[@]}" -spectrum gramian -st_type sinvert -eps_target 1
rejects '-svd_type randomized cannot.*jacobian' "${short[@]}" -spectrum jacobian -svd_type randomized
rejects '-spectrum_cutoffs.*add jacobian' "${short[@]}" -spectrum hessian,kernel -spectrum_cutoffs 1e-3
rejects '-spectrum_cutoffs.*-spectrum_dense' "${short[@]}" -spectrum jacobian -svd_largest -spectrum_cutoffs 1e-3
rejects '-spectrum_tolerance 2' "${short[@]}" -spectrum hessian -spectrum_tolerance 2
run_rejects 1 3
