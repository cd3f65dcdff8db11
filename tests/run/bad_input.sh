#!/usr/bin/env bash
# Bad input: one line on stderr that names the mistake, exit code 2 (3 for the numerics), nothing written, no rank that hangs.
. "$(dirname "$0")/case.sh"

poisson=(-options_file poisson.opts -tao_max_it 1)

# The command line and the options files
rejects 'option.*-wal_points' "${poisson[@]}" -wal_points 3
rejects 'option.*-tao_max_itt' "${poisson[@]}" -tao_max_itt 3
rejects 'option.*-network_layer 3.*-pde_point 4|option.*-pde_point 4.*-network_layer 3' "${poisson[@]}" -network_layer 3 -pde_point 4
rejects "'-pde_points=30'.*write -pde_points 30" "${poisson[@]}" -pde_points=30
rejects "'nonsense' belongs to no option" "${poisson[@]}" -pde_points 30 nonsense
rejects "options file 'missing.opts' not found" -options_file missing.opts
rejects '-options_file needs the name of a file' "${poisson[@]}" -options_file
files=$(mktemp -d)
trap 'finish_test; rm -rf "$files"; echo done' EXIT
printf 'domain_type: [1,\n  : }\n' >"$files/broken.yaml"
printf -- '-terms pde\n-pde_residual lap(u) + 1\n' >"$files/unquoted.opts"
printf -- '-terms pde\n-pde_residual "lap(u) + 1\n' >"$files/unclosed.opts"
printf -- 'pde_points=30:\n' >"$files/equals.yaml"
rejects 'YAML.*broken.yaml' -options_file "$files/broken.yaml"
rejects "unquoted.opts, line 2: '\+' belongs to no option" -options_file "$files/unquoted.opts"
rejects 'unclosed.opts, line 2: .*quote' -options_file "$files/unclosed.opts"
rejects "'-pde_points=30'.*write -pde_points 30" "${poisson[@]}" -options_file "$files/equals.yaml"

# Values
rejects '-pde_points.*abc' "${poisson[@]}" -pde_points abc
rejects 'pde_points.*-30|-30.*pde_points' "${poisson[@]}" -pde_points -30
rejects 'pde_points.* 0|(^| )0.*pde_points' "${poisson[@]}" -pde_points 0
rejects 'network_layers' "${poisson[@]}" -network_layers 0
rejects 'network_outputs' "${poisson[@]}" -network_outputs ''
rejects '-pde_points: the coordinates of 25000000000 points alone take' "${poisson[@]}" -pde_points 500000,50000
rejects '-engd_test_file /dev/zero: is no file and no pipe' "${poisson[@]}" -engd_test_file /dev/zero
rejects '-log_view / cannot be written: Is a directory' "${poisson[@]}" -log_view :/
printf 'x,y,u\n.1,.2,nan\n' >"$files/nan.csv"
printf 'x,y,u\n.1,.2,1\n.1,.2\n' >"$files/short.csv"
printf 'x,u\n.1,.2\n' >"$files/no_y.csv"
rejects "-engd_test_file .*nan.csv: line 2: 'nan' is no finite number" "${poisson[@]}" -engd_test_file "$files/nan.csv"
rejects '-engd_test_file .*short.csv: line 3 has 2 columns, not 3' "${poisson[@]}" -engd_test_file "$files/short.csv"
rejects '-engd_test_file .*no_y.csv: there is no column named y' "${poisson[@]}" -engd_test_file "$files/no_y.csv"
printf 'x,y,u\n.1,.2,1\n' >"$files/one.csv"
rejects '-exact_u "sin.*has a column u' "${poisson[@]}" -engd_test_file "$files/one.csv"
rejects '-exact_v_where "x": there is no exact solution' "${poisson[@]}" -network_outputs u,v -exact_v_where x
rejects '-exact_u_where "x; y" must be one condition' "${poisson[@]}" -exact_u_where 'x; y'
rejects '-domain_periodic x: .*only a box is periodic' "${poisson[@]}" -domain_type ball -domain_periodic x
rejects '-network_inputs "x": -domain_periodic says' "${poisson[@]}" -domain_periodic x -network_inputs x
rejects '-functions "f": .* not of the form' "${poisson[@]}" -functions f
rejects '-functions "f\(x = 2": .* no name with arguments' "${poisson[@]}" -functions 'f(x = 2'
rejects '-functions ".*": f is given twice' "${poisson[@]}" -functions 'f=x, f(a)=a'
doubles="f0 = x$(for ((k = 1; k < 60; k++)); do printf ', f%d = f%d*f%d' "$k" $((k - 1)) $((k - 1)); done)"
rejects '-functions: f[0-9]* is reached after more than 100000 uses' "${poisson[@]}" -functions "$doubles" -pde_residual 'lap(u) + f59'
rejects '\(from -wall_weight 1,2\)$' "${poisson[@]}" -wall_weight 1,2
rejects '\(from -engd_monitor_every x\)$' "${poisson[@]}" -engd_monitor_every x
rejects 'No such file or directory$' "${poisson[@]}" -tao_engd_direction krylov -ksp_rtol 1e-2 -engd_restart nowhere.h5
splines=$SCRATCH/splines
mkdir -p "$splines"
spline() { # file rows
  printf "$2" >"$splines/$1"
}
spline nan.csv 'x,k\n0,1\n1,nan\n'
spline column.csv 'x,y,k\n0,0,1\n1,2\n'
spline one.csv '0\n1\n'
spline sort.csv '0,1\n2,1\n1,3\n'
spline twice.csv '0,1\n1,1\n1,3\n'
spline hole.csv '0 0 1\n0 1 1\n1 0 1\n'
spline small.csv '0,1\n0.7,1\n'
spline near.csv '0,1\n1e-320,2\n1,3\n'
rejects "-tables .*nan.csv: line 3: 'nan' is no finite number" "${poisson[@]}" -tables "k=$splines/nan.csv"
rejects '-tables .*column.csv: line 3 has 2 columns, not 3' "${poisson[@]}" -tables "k=$splines/column.csv"
rejects '-tables .*one.csv: 1 columns; a table has one to three columns' "${poisson[@]}" -tables "k=$splines/one.csv"
rejects '-tables .*sort.csv: row 3 has .* = 1 behind 2; sort the rows' "${poisson[@]}" -tables "k=$splines/sort.csv"
rejects '-tables .*twice.csv: 3 rows are no whole grid, which has 2' "${poisson[@]}" -tables "k=$splines/twice.csv"
rejects '-tables .*hole.csv: 3 rows are no whole grid, which has 4' "${poisson[@]}" -tables "k=$splines/hole.csv"
rejects '-tables none.csv: cannot be read' "${poisson[@]}" -tables k=none.csv
rejects '-tables "k": "k" is not of the form k=file.csv' "${poisson[@]}" -tables k
rejects "-tables: 'sin' has a meaning" "${poisson[@]}" -tables "sin=$splines/small.csv"
rejects "table k at .* = [0-9.]*, outside of 0 <= .* <= 0.7" "${poisson[@]}" -tables "k=$splines/small.csv" -pde_residual 'lap(u)+k(x)'
rejects '-tables .*near.csv: the spline through its values is not finite' "${poisson[@]}" -tables "k=$splines/near.csv"
rejects 'k\(\) takes 1 argument, not 2' "${poisson[@]}" -tables "k=$splines/small.csv" -pde_residual 'lap(u)+k(x,y)'
rejects 'three derivatives in argument1, and a fourth' "${poisson[@]}" -tables "k=$splines/small.csv" -pde_residual 'lap(u)+d(k(x),x,x,x,x)'
rejects "-functions: 'sin' has a meaning" "${poisson[@]}" -functions 'sin(a)=a'
rejects 'domain_type.*blob|blob.*domain_type' "${poisson[@]}" -domain_type blob
rejects 'network_activation.*bang|bang.*network_activation' "${poisson[@]}" -network_activation bang
rejects 'network_type bang.*gated, mlp, modified, residual' "${poisson[@]}" -network_type bang
rejects '-network_type residual: no two hidden layers in a row.*32,32' "${poisson[@]}" -network_type residual -network_layers 8,9
rejects '-network_type modified: .*one width, not 8 and 9' "${poisson[@]}" -network_type modified -network_layers 8,9
rejects '-network_activation_scale -1' "${poisson[@]}" -network_activation_scale -1
rejects 'nowhere' "${poisson[@]}" -pde_region nowhere
rejects 'initial.*time|time.*initial' "${poisson[@]}" -wall_region initial
rejects 'nothing.*-tao_type' "${poisson[@]}" -tao_type nothing
rejects '-pc_kfac_damping nan' "${poisson[@]}" -pc_kfac_damping nan

rejects 'network_layers.*item 2' "${poisson[@]}" -network_layers 64,,
rejects 'network_layers.*more parameters' "${poisson[@]}" -network_layers 65535,65536
rejects 'too large' "${poisson[@]}" -tao_max_it 3000000000
rejects 'tao_max_it -5' "${poisson[@]}" -tao_max_it -5
rejects 'ksp_rtol 2: give a number from 0 to below 1' "${poisson[@]}" -tao_engd_direction krylov -ksp_rtol 2
rejects 'eps_tol -1: give a positive number' "${poisson[@]}" -spectrum hessian -eps_tol -1
rejects 'x is held twice' "${poisson[@]}" -engd_solution u.csv -engd_solution_points 'slice(x=0.5,x=0.6; 3)'
rejects 'nothing of the domain is there' "${poisson[@]}" -domain_type compound -domain_shape 'a - a' -domain_parts 'a = box(0,0; 1,1)'
rejects 'ksp_max_it -3' "${poisson[@]}" -ksp_max_it -3
rejects 'tao_engd_dual_momentum 1' "${poisson[@]}" -options_file optimisers/spring.opts -tao_engd_dual_momentum 1
rejects 'tao_engd_momentum 0.5.*exclude' "${poisson[@]}" -options_file optimisers/spring.opts -tao_engd_momentum 0.5
rejects 'tao_engd_stall 2147483647: give 1 to 1000000' "${poisson[@]}" -tao_engd_stall 2147483647
rejects 'qr for -tao_engd_dual_solver' "${poisson[@]}" -tao_engd_direction dual -tao_engd_dual_solver qr
rejects 'direction dual needs.*memory_limit' "${poisson[@]}" -tao_engd_direction dual -tao_engd_dual_solver cholesky -engd_memory_limit 1e5
rejects 'direction dual works on residuals' "${poisson[@]}" -tao_engd_direction dual -tao_engd_curvature h1
rejects 'randomized_rank 300.*1020 x 257' "${poisson[@]}" -tao_engd_direction randomized -tao_engd_randomized_rank 300
rejects 'option.*tao_engd_dual_rank' "${poisson[@]}" -tao_engd_direction dual -tao_engd_dual_rank 3
rejects 'pc_type ilu.*kfac' "${poisson[@]}" -pc_type ilu
rejects 'pc_nystrom_rank 300.*257' "${poisson[@]}" -pc_type nystrom -pc_nystrom_rank 300
rejects 'pc_nystrom_rank 1021.*1020' "${poisson[@]}" -tao_engd_direction dual -tao_engd_dual_solver krylov -pc_type nystrom \
  -pc_nystrom_rank 1021
rejects 'pc_nystrom_damping -1' "${poisson[@]}" -pc_type nystrom -pc_nystrom_damping -1
rejects 'rank 200 needs .*engd_memory_limit' "${poisson[@]}" -pc_type nystrom -pc_nystrom_rank 200 -engd_memory_limit 1e5
rejects 'option.*-pc_nystrom_rnk' "${poisson[@]}" -pc_type nystrom -pc_nystrom_rnk 3
rejects 'tao_type ipm' "${poisson[@]}" -tao_type ipm
rejects 'dense.*memory_limit 1e\+05' "${poisson[@]}" -tao_engd_direction dense -engd_memory_limit 1e5
rejects 'dense_refresh 0' "${poisson[@]}" -tao_engd_direction dense -tao_engd_dense_refresh 0
rejects 'dense_ema 1' "${poisson[@]}" -tao_engd_direction dense -tao_engd_dense_ema 1
rejects 'curvature hessian.*rows of J' "${poisson[@]}" -tao_engd_curvature hessian -tao_engd_direction tsvd
rejects 'curvature hessian.*lsqr' "${poisson[@]}" -tao_engd_curvature hessian -ksp_type lsqr
rejects 'tao_type bqpip is for another kind' "${poisson[@]}" -tao_type bqpip
fresh=1 rejects 'ntl_pc_type none.*lmvm' "${poisson[@]}" -tao_type ntl -tao_ntl_pc_type none
rejects 'tao_engd_momentum -0.1' "${poisson[@]}" -tao_engd_momentum -0.1
rejects 'tao_engd_momentum 1' "${poisson[@]}" -tao_engd_momentum 1
rejects 'pc_kfac_ema 1.5' "${poisson[@]}" -pc_kfac_ema 1.5
rejects 'pc_kfac_ema -0.5' "${poisson[@]}" -pc_kfac_ema -0.5
rejects 'tao_sgd_momentum 1' "${poisson[@]}" -tao_type sgd -tao_sgd_momentum 1
rejects 'tao_adam_schedule_period 0' "${poisson[@]}" -tao_type adam -tao_adam_schedule step -tao_adam_schedule_period 0
rejects 'tao_ls_armijo_sigma 2' "${poisson[@]}" -tao_engd_step armijo -tao_ls_armijo_sigma 2
rejects 'engd_max_seconds -1' "${poisson[@]}" -engd_max_seconds -1

# What is written where
solution=("${poisson[@]}" -engd_solution u.csv)
rejects 'engd_solution u.txt: the ending .txt is not known; give .csv' "${poisson[@]}" -engd_solution u.txt
rejects 'u.pvd: it is a series in time, and there is none' "${poisson[@]}" -engd_solution u.pvd
rejects 'u.pvd: .*at one time' -options_file heat.opts -tao_max_it 1 -engd_solution u.pvd -engd_solution_points 'slice(t=1)'
rejects 'u.vts: it holds grids, but .* test is a list' "${poisson[@]}" -engd_solution u.vts -engd_solution_points test
rejects 'slice\(x5=0.5' -options_file poisson5d.opts -tao_max_it 1 -engd_solution u.vtu
rejects 'three coordinates, and these points 4' -options_file poisson5d.opts -tao_max_it 1 -engd_solution u.vtu -engd_solution_points 'slice(x1=0; 3)'
rejects '-engd_output u without a file: give -engd_solution' "${poisson[@]}" -engd_output u
rejects '-engd_solution_points grid without a file' "${poisson[@]}" -engd_solution_points grid
rejects '-engd_output: unexpected end at column 4: "u \+"' "${solution[@]}" -engd_output 'u, u +'
rejects 'residual\(sea\) is not known; there is residual\(pde\), residual\(wall\)' "${solution[@]}" -engd_output 'residual(sea)'
rejects "'normal' exists on boundaries only" -options_file ball-neumann.opts -tao_max_it 1 -engd_solution u.csv -engd_output 'normal'
rejects 'there is no exact solution of w, give -exact_w' -options_file kovasznay.opts -tao_max_it 1 -network_outputs u,v,p,w -ansatz_u u+w \
  -engd_solution u.csv -engd_output error_u,error_w
rejects 'already a column u; name this one' "${solution[@]}" -engd_output 'u, u'
rejects 'already a column x' "${solution[@]}" -engd_output 'x'
rejects 'cannot have a /, as u/x has; name it' "${poisson[@]}" -engd_solution u.h5 -engd_output 'u/x'
rejects 'from 1 to' "${solution[@]}" -engd_solution_points 'grid(0)'
rejects '3 numbers for 2 coordinates' "${solution[@]}" -engd_solution_points 'grid(3,3,3)'
rejects 'too many for one file' "${solution[@]}" -engd_solution_points 'grid(100000)'
rejects 'there is no coordinate z' "${solution[@]}" -engd_solution_points 'slice(z=1)'
rejects 'holds no coordinate' "${solution[@]}" -engd_solution_points 'slice(1; 3)'
rejects 'all coordinates are held' "${solution[@]}" -engd_solution_points 'slice(x=0, y=0)'
rejects 'ends of 2 and 1 numbers for 2 coordinates' "${solution[@]}" -engd_solution_points 'line(0,0; 1; 3)'
rejects 'none of the 3 points is in the domain' "${solution[@]}" -engd_solution_points 'line(2,2; 3,3; 3)'
rejects 'points\(sea\): there is no term sea; there is points\(pde\), points\(wall\)' "${solution[@]}" -engd_solution_points 'points(sea)'
rejects 'engd_solution_points nowhere.csv: no such file can be read; give one, or test' "${solution[@]}" -engd_solution_points nowhere.csv
rejects 'engd_evaluate test: of which solution\? give -engd_restart' "${poisson[@]}" -engd_evaluate test
rejects 'nothere.h5 cannot be read' "${poisson[@]}" -engd_evaluate test -engd_restart nothere.h5
rejects 'exclude each other' "${solution[@]}" -engd_evaluate test -engd_restart nothere.h5 -engd_solution_points grid
rejects '-flux_integrand is missing' "${poisson[@]}" -engd_integrals flux
rejects "-flux_integrand: 'normal' exists on boundaries only" "${poisson[@]}" -engd_integrals flux -flux_integrand 'dot(grad(u), normal)'
rejects '-flux_region.*beach' "${poisson[@]}" -engd_integrals flux -flux_integrand u -flux_region beach
rejects '-engd_integrals pde: a term has this name' "${poisson[@]}" -engd_integrals pde
rejects '-engd_integrals tao: -tao_... are options of something else' "${poisson[@]}" -engd_integrals tao

# Options that are good alone and make no sense together
rejects 'momentum 0.5.*quadratic' "${poisson[@]}" -tao_engd_momentum 0.5 -tao_engd_step quadratic
rejects 'dual_momentum 0.8.*quadratic' "${poisson[@]}" -options_file optimisers/spring.opts -tao_engd_step quadratic
rejects 'momentum 0.5.*cubic' "${poisson[@]}" -tao_engd_momentum 0.5 -tao_engd_direction dense -tao_engd_dense_type cubic
rejects 'accept_increase.*grid' "${poisson[@]}" -tao_engd_accept_increase
rejects 'geodesic with krylov' "${poisson[@]}" -tao_engd_geodesic -tao_engd_direction krylov
rejects 'geodesic with -tao_engd_momentum' "${poisson[@]}" -tao_engd_geodesic -tao_engd_direction tsvd -tao_engd_momentum 0.5
rejects 'krylov_backtrack.*preonly' "${poisson[@]}" -options_file optimisers/hessian-free.opts -tao_engd_krylov_backtrack -ksp_type preonly
rejects 'nesterov without momentum' "${poisson[@]}" -tao_type sgd -tao_sgd_nesterov
rejects 'lsqr.*curvature h1' "${poisson[@]}" -ksp_type lsqr -tao_engd_curvature h1
rejects 'pde_adapt.*none rad rar' "${poisson[@]}" -pde_adapt rat
rejects '-pde_adapt_floor: the points do not follow the residual; give -pde_adapt rad' "${poisson[@]}" -pde_adapt_floor 2
rejects '-pde_adapt_floor -1: must be at least 0' "${poisson[@]}" -pde_adapt rad -pde_adapt_floor -1
rejects '-pde_adapt_candidates 12: fewer than the 900 points' "${poisson[@]}" -pde_adapt rad -pde_adapt_candidates 12
rejects '-pde_adapt_times -3: must be at least 0' "${poisson[@]}" -pde_adapt rar -pde_adapt_times -3
rejects '-pde_adapt_add 5: rad adds none' "${poisson[@]}" -pde_adapt rad -pde_adapt_add 5
rejects 'quadrature: rar adds points' "${poisson[@]}" -pde_adapt rar -pde_adapt_weights quadrature
rejects '-pde_random_dimensions 1: the term has no lap\(\) of an unknown' "${poisson[@]}" -pde_residual 'u_xx + u_yy' -pde_random_dimensions 1
rejects '-tao_flow_ts_max_steps 0: give a positive number' "${poisson[@]}" -options_file optimisers/adam.opts -tao_type flow -tao_flow_ts_max_steps 0
rejects '-pde_resample 0: with -pde_adapt rad' "${poisson[@]}" -pde_adapt rad -pde_resample 0
rejects "-body_adapt rar: term 'body' is an energy" -options_file suite/ritz.opts -terms body -body_points 9 -body_energy 'u^2' -body_adapt rar
heat=(-options_file heat.opts -tao_max_it 1 -engd_windows 3)
rejects '-engd_windows 3: there is no time' "${poisson[@]}" -engd_windows 3
rejects '-engd_windows.*0' "${heat[@]}" -engd_windows 0
rejects 'no term is at the initial time' "${heat[@]}" -terms pde,wall
rejects '-start_region final is at a time' "${heat[@]}" -start_region final
rejects '-start_region x=lower,initial: give the initial values a term of their own' "${heat[@]}" -start_region x=lower,initial
rejects 'warm is where a condition holds' "${heat[@]}" -wall_region warm -warm_where 't < 0.3'
rejects '-domain_periodic t: what is periodic in time has no beginning' "${heat[@]}" -domain_periodic t
rejects 'each window would find -unknown_parameters of its own' "${heat[@]}" -unknown_parameters k=1 -pde_residual 'u_t - k*u_xx'
rejects 'a window goes on by a residual' -options_file heat.opts -engd_windows 2 -terms pde,begin -begin_region initial -begin_points 5 -begin_energy 'u^2'
rejects 'with -engd_windows initial points stay where they are' "${heat[@]}" -start_adapt rad
rejects '-pde_causal 1: there is no time' "${poisson[@]}" -pde_causal 1
rejects '-pde_causal -1: must be at least 0' -options_file heat.opts -tao_max_it 1 -pde_causal -1
rejects '-pde_causal_slabs.*0' -options_file heat.opts -tao_max_it 1 -pde_causal 1 -pde_causal_slabs 0
fresh=1 rejects '-pde_causal 1: -tao_type lmvm' -options_file heat.opts -tao_max_it 1 -tao_type lmvm -pde_causal 1
fresh=1 rejects 'pde_resample 100: -tao_type lmvm' "${poisson[@]}" -options_file optimisers/lbfgs.opts -pde_adapt rad
fresh=1 rejects 'pde_resample 1: -tao_type lmvm' "${poisson[@]}" -options_file optimisers/lbfgs.opts -pde_resample 1
rejects 'preconditioner_from hessian.*gauss_newton' "${poisson[@]}" -tao_engd_preconditioner_from hessian
rejects 'preconditioner_from hessian.*pc_type kfac' "${poisson[@]}" -options_file optimisers/nncg.opts -pc_type kfac
rejects 'option.*thet_view' "${poisson[@]}" -thet_view binary:theta.bin
rejects 'parentheses' "${poisson[@]}" -wall_residual -u

# Expressions
rejects 'pde_residual.*column 9' "${poisson[@]}" -pde_residual 'lap(u) +'
rejects 'pde_residual.*column 8' "${poisson[@]}" -pde_residual 'lap(u) ) + 1'
rejects 'pde_residual.*what.*column 10|pde_residual.*column 10.*what' "${poisson[@]}" -pde_residual 'lap(u) + what'
rejects 'pde_residual.*u_xxxx once more by x; the highest order is 4' "${poisson[@]}" -pde_residual 'u_xxxxx + u'
rejects 'option.*-exact_v x' "${poisson[@]}" -exact_v 'x'
rejects 'exact_u' "${poisson[@]}" -exact_u 'x; y'
rejects 'exact_u' "${poisson[@]}" -exact_u 'u + x'

# Numbers that are none from the start
code=3 rejects 'pde' "${poisson[@]}" -pde_residual 'log(u - 1e6)'
rejects '-engd_time_rhs "u;u": 2 components for 1 unknowns' -options_file transport.opts -engd_time_rhs 'u;u'
rejects '-engd_time_stepping: the problem must have one term' "${poisson[@]}" -engd_time_stepping galerkin -engd_time_rhs u
rejects '-engd_time_stepping needs no more parameters' -options_file transport.opts -start_points 9
rejects '-engd_time_final -1' -options_file transport.opts -engd_time_final -1
rejects '-engd_time_stepping teng fits the stages of a scheme' -options_file transport.opts -engd_time_stepping teng -ts_type beuler
rejects '-engd_time_stepping: the residual of start must be the unknowns' -options_file transport.opts -start_residual '2*(u - sin(x))'
rejects '-ts_dt 0.?: must be positive' -options_file transport.opts -engd_time_stepping teng -ts_dt 0
rejects '-ts_exact_final_time STEPOVER' -options_file transport.opts -ts_exact_final_time stepover
oscillator=(-options_file oscillator.opts -tao_max_it 1)
code=3 rejects 'denominator of the quotient, -energy_denominator, vanishes: 0' "${oscillator[@]}" -ansatz_u 'step(-1-u^2)*u'
rejects '-energy_denominator "u\^2;u".*2 components.*-energy_numerator has 1' "${oscillator[@]}" -energy_denominator 'u^2;u'
rejects '2 components are not those of a symmetric matrix' "${oscillator[@]}" -energy_numerator 'u^2;u'
rejects '-mean_integral "u" and -mean_residual exclude each other' "${poisson[@]}" -terms pde,wall,mean -mean_points 9 -mean_residual u -mean_integral u
rejects '-pc_type kfac: the integral of term .mean. couples all points' "${poisson[@]}" -terms pde,wall,mean -mean_points 9 -mean_integral u -tao_engd_direction krylov -pc_type kfac
rejects '-energy_numerator.*-energy_residual exclude each other' "${oscillator[@]}" -energy_residual u
rejects '-energy_denominator "u\^2" without -energy_numerator|-pde_denominator "u\^2" without -pde_numerator' "${poisson[@]}" -pde_denominator 'u^2'
rejects '-energy_numerator has 1 states and -pde_.* a quotient is all of the loss' "${oscillator[@]}" -terms energy,pde -pde_points 9 -pde_residual u
rejects '-energy_local.*2 components for 1 states' "${oscillator[@]}" -energy_local 'u;u'
rejects '-tao_engd_curvature rayleigh is that of a quotient' "${poisson[@]}" -tao_engd_curvature rayleigh
rejects 'exact Hessian of a quotient' "${oscillator[@]}" -tao_engd_curvature hessian
code=3 rejects 'wall.*x = 0' "${poisson[@]}" -wall_residual 'u + abs(x*u)^1.5' -tao_engd_curvature energy
code=3 rejects 'pde' "${poisson[@]}" -pde_residual 'log(u - 1e6)' -tao_engd_direction dual

rejects '-engd_projection_methods l2,adam: adam is not known' "${poisson[@]}" -engd_projection p.csv -engd_projection_methods l2,adam
rejects '-engd_projection_rcond 1:' "${poisson[@]}" -engd_projection p.csv -engd_projection_rcond 1
rejects '-engd_projection no/p.csv' "${poisson[@]}" -engd_projection no/p.csv
rejects '-engd_projection: not of term .pde., which has causal weights' -options_file heat.opts -engd_projection p.csv -pde_causal 1

pair=(-domain_lower 0 -domain_upper 1 -domain_coordinates x -networks a,b -a_outputs u,w -b_outputs v -terms game -game_points 8
  -game_energy 'v*(u + w)' -tao_max_it 1)
rejects 'tao_type competitive is for saddle points, but no term says what maximises: give -game_maximise' "${pair[@]}" -tao_type competitive
rejects 'tao_engd_step saddle is for saddle points' "${pair[@]}" -tao_engd_step saddle
rejects '-game_maximise z: there is no unknown z' "${pair[@]}" -tao_type extragradient -game_maximise z
rejects 'a network has 1 unknowns that maximise and 1 that do not' "${pair[@]}" -tao_type competitive -game_maximise w
rejects 'all unknowns maximise' "${pair[@]}" -tao_type competitive -game_maximise u,v,w
rejects '-tao_type engd minimises over all unknowns' "${pair[@]}" -game_maximise v -tao_type engd
rejects '-tao_competitive_length 0:' "${pair[@]}" -game_maximise v -tao_type competitive -tao_competitive_length 0
saddle=(-game_maximise v -tao_engd_step saddle)
rejects '-tao_engd_direction tsvd: some unknowns maximise' "${pair[@]}" "${saddle[@]}" -tao_engd_direction tsvd
rejects "term 'game' is no sum of products" "${pair[@]}" "${saddle[@]}" -tao_engd_direction saddle -unknown_parameters c=1 -game_energy 'v*(c*u + w)'
rejects "the residual of term 'game' has a product" "${pair[@]/energy/residual}" "${saddle[@]}" -tao_engd_direction dense

run_rejects 1 3

# The program itself, as mpirun sees it
for ranks in 1 3; do
  run "$ranks" "${poisson[@]}" -wal_points 3
  expect_exit 2
  expect_stderr_one_line_matching 'option.*-wal_points'
  run "$ranks" "${poisson[@]}" -tables "k=$splines/small.csv" -pde_residual 'k(log(u - 1e6))' # not outside of the table
  expect_exit 3
  expect_stderr_one_line_matching 'pde'
done
