/*
  A run that is saved, destroyed, made anew, loaded and goes on is the run that was never broken, bit by bit: for each optimiser,
  direction, step and preconditioner that keeps something, saved by a monitor at every iteration or behind a rejection.
  ranks: 1 3; errors leak
*/
#include "archive_case.h"
#include "solver_record.h"

#define MOST 12 /* iterations of a run */

typedef struct {
  const Case *which;
  const char *more;    /* of the problem */
  const char *options; /* of the optimiser */
} Kept;

/* saves the state at iteration `at`, and ends the run there */
typedef struct {
  const char *file;
  PetscInt    at;
} Saver;

static PetscErrorCode Save(Tao tao, void *data)
{
  const Saver *saver = (const Saver *)data;
  PetscInt     iteration;
  EngdArchive  a;

  PetscFunctionBeginUser;
  PetscCall(TaoGetIterationNumber(tao, &iteration));
  if (iteration != saver->at) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveCreate(PetscObjectComm((PetscObject)tao), ENGD_ARCHIVE_SAVE, saver->file, &a));
  PetscCall(EngdTaoState(tao, a));
  PetscCall(EngdArchiveCommit(a));
  PetscCall(EngdArchiveDestroy(&a));
  PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Load(Tao tao, const char file[])
{
  EngdArchive a;

  CHECK(EngdArchiveCreate(PETSC_COMM_WORLD, ENGD_ARCHIVE_LOAD, file, &a));
  CHECK(EngdTaoState(tao, a));
  CHECK(EngdArchiveCommit(a));
  CHECK(EngdArchiveDestroy(&a));
}

/* a run of `most` iterations: from theta of the setting, or from what `load` holds; saver: NULL, or what is saved of it */
static TaoConvergedReason Run(MPI_Comm comm, const Kept *kept, PetscInt most, const char load[], Saver *saver,
                              Record *r)
{
  TaoConvergedReason reason;
  char               limit[64];
  Setting            s;
  Tao                tao;

  Begin(comm, kept->which, kept->more, &s);
  *r = (Record){.p = s.p};
  CHECK(PetscMalloc1(MAX_RECORDS * s.p, &r->theta));
  snprintf(limit, sizeof(limit), "-ksp_max_it 5 -tao_max_it %d ", (int)most);
  CHECK(PetscOptionsInsertString(NULL, limit));
  CreateTao(&s, kept->options, &tao);
  CHECK(TaoMonitorSet(tao, Watch, r, NULL));
  if (saver) CHECK(TaoMonitorSet(tao, Save, saver, NULL));
  if (load) Load(tao, load);
  CHECK(TaoSolve(tao));
  CHECK(TaoGetConvergedReason(tao, &reason));
  CHECK(TaoDestroy(&tao));
  End(&s);
  return reason;
}

/* is row k of one run row j of the other */
static void SameRow(const char options[], const Record *r, PetscInt k, const Record *q, PetscInt j)
{
  const EngdStatus a = r->status[k], b = q->status[j];
  PetscReal        difference = 0;

  for (PetscInt i = 0; i < r->p; i++)
    difference = PetscMax(difference, PetscAbsReal(r->theta[k * r->p + i] - q->theta[j * q->p + i]));
  if (difference > 0 || r->loss[k] != q->loss[j] || r->gradient_norm[k] != q->gradient_norm[j] ||
      r->points[k] != q->points[j] || a.step != b.step || a.damping != b.damping ||
      a.krylov_iterations != b.krylov_iterations || a.total_krylov != b.total_krylov)
    fail_msg("%s: iteration %d: theta differs by %g, loss %.17g and %.17g, steps %.17g and %.17g, damping %.17g and "
             "%.17g, Krylov iterations %d and %d, of %d and %d",
             options, (int)k, (double)difference, (double)r->loss[k], (double)q->loss[j], (double)a.step,
             (double)b.step, (double)a.damping, (double)b.damping, (int)a.krylov_iterations, (int)b.krylov_iterations,
             (int)a.total_krylov, (int)b.total_krylov);
}

/* unbroken: `most` iterations. Broken at k: that run saved at k, and another that loads it and goes on to the end */
static void CheckBroken(const Kept *kept, const char file[], const Record *unbroken, TaoConvergedReason end,
                        PetscInt most, PetscInt k)
{
  Saver              saver = {file, k};
  TaoConvergedReason reason;
  Record             first, second;

  (void)Run(PETSC_COMM_WORLD, kept, most, NULL, &saver, &first);
  reason = Run(PETSC_COMM_WORLD, kept, most, file, NULL, &second);
  for (PetscInt j = 0; j <= k; j++) SameRow(kept->options, unbroken, j, &first, j);
  if (second.n != unbroken->n - k - 1 || reason != end)
    fail_msg("%s: broken at %d, it has %d iterations more and not %d, and ends by %d and not %d", kept->options,
             (int)k, (int)second.n, (int)(unbroken->n - k - 1), (int)reason, (int)end);
  for (PetscInt j = 0; j < second.n; j++) SameRow(kept->options, unbroken, k + 1 + j, &second, j);
  CHECK(PetscFree(first.theta));
  CHECK(PetscFree(second.theta));
}

#define ENGD(direction) "-tao_engd_direction " direction " "
#define FIXED           "-tao_engd_step fixed -tao_engd_step_length 0.3 -tao_engd_accept_increase -tao_engd_damping 0.1 "
#define REJECTED        "-tao_engd_step fixed -tao_engd_step_length 1 -tao_engd_damping 1e-6 "
#define CG              "-ksp_type cg "
#define KEPT            ENGD("krylov") CG "-pc_type kfac "

static const Kept table[] = {
    {&poisson, "", ENGD("tsvd")},
    {&poisson, "", ENGD("tsvd") "-tao_engd_step fixed -tao_engd_step_length 1"},
    {&logarithm, "", ENGD("tsvd") "-tao_engd_retry_step 0 -tao_engd_step trust_region"},
    {&poisson, "", ENGD("tsvd") "-tao_engd_momentum 0.5"},
    {&poisson, "", ENGD("dense") FIXED "-tao_engd_dense_ema 0.6"},
    {&poisson, "", ENGD("dense") REJECTED "-tao_engd_dense_ema 0.6"},
    {&poisson, "", ENGD("dense") FIXED "-tao_engd_dense_ema 0.6 -tao_engd_dense_refresh 3"},
    {&poisson, "", ENGD("dense") FIXED "-tao_engd_dense_type eigen -tao_engd_dense_refresh 4"},
    {&poisson, "", ENGD("dense") FIXED "-tao_engd_dense_type absolute -tao_engd_dense_ema 0.3"},
    {&poisson, "", ENGD("dense") REJECTED "-tao_engd_dense_type absolute -tao_engd_dense_refresh 2"},
    {&poisson, "", ENGD("dense") "-tao_engd_dense_type cubic -tao_engd_curvature hessian"},
    {&poisson, "", ENGD("dense") "-tao_engd_dense_type cubic -tao_engd_dense_refresh 2"},
    {&poisson, "", ENGD("dense") "-tao_engd_dense_type cubic -tao_engd_dense_cubic 1e4"},
    {&poisson, "", ENGD("krylov") "-tao_engd_max_rejections 5 -tao_engd_step fixed -tao_engd_step_length 1e4"},
    {&poisson, "", ENGD("dense") "-tao_engd_structure layer -tao_engd_dense_ema 0.5"},
    {&poisson, "", ENGD("dual") FIXED "-tao_engd_dual_momentum 0.9"},
    {&poisson, "", ENGD("dual") REJECTED "-tao_engd_dual_momentum 0.5"},
    {&poisson, "", ENGD("dual") "-tao_engd_dual_solver krylov -pc_type nystrom -pc_nystrom_update_every 3"},
    {&poisson, "",
     ENGD("dual") "-tao_engd_dual_solver krylov -tao_engd_dual_kernel none -tao_engd_dual_momentum 0.5"},
    {&poisson, "", ENGD("randomized") "-tao_engd_randomized_rank 10"},
    {&poisson, "", ENGD("randomized") REJECTED "-tao_engd_rcond 1e-3"},
    {&poisson, "", ENGD("krylov") CG "-pc_type kfac"},
    {&poisson, "",
     ENGD("krylov") CG "-pc_type kfac -pc_kfac_ema 0.9 -pc_kfac_update_every 2 -pc_kfac_invert_every 2"},
    {&poisson, "", ENGD("krylov") CG "-pc_type kfac -ksp_reuse_preconditioner"},
    {&poisson, "", ENGD("krylov") CG "-pc_type kfac -ksp_initial_guess_nonzero -tao_engd_krylov_backtrack"},
    {&ritz, "", ENGD("krylov") CG "-pc_type kfac " REJECTED},
    {&poisson, "", "-ksp_type preonly -pc_type kfac -tao_engd_step quadratic -tao_engd_damping 1e-3"},
    {&poisson, "", ENGD("krylov") CG "-pc_type nystrom"},
    {&poisson, "", ENGD("krylov") CG "-pc_type nystrom -pc_nystrom_update_every 3 -pc_nystrom_rank 10"},
    {&poisson, "", ENGD("krylov") CG "-pc_type nystrom -ksp_reuse_preconditioner -pc_nystrom_rank 10"},
    {&poisson, "", ENGD("krylov") CG "-pc_type nystrom " REJECTED "-pc_nystrom_rank 2 -pc_nystrom_adaptive"},
    {&poisson, "", ENGD("krylov") "-ksp_type lsqr -pc_type kfac -tao_engd_step armijo"},
    {&poisson, "", ENGD("krylov") CG "-pc_type composite -pc_composite_pcs kfac,none"},
    {&poisson, "", ENGD("krylov") CG "-pc_type jacobi -tao_engd_step trust_region -tao_engd_damping 1e-8"},
    {&poisson, "-pde_resample 2", ENGD("krylov") CG "-pc_type kfac"},
    {&poisson, "-pde_resample 3", ENGD("dual") FIXED "-tao_engd_dual_momentum 0.5"},
    {&poisson, "-pde_resample 3 -wall_resample 4", "-tao_type adam"},
    {&poisson, "", "-tao_type adam -tao_adam_schedule cosine -tao_adam_learning_rate 0.1"},
    {&poisson, "", "-tao_type sgd -tao_sgd_momentum 0.9 -tao_sgd_nesterov"},
    {&poisson, "", "-tao_type sgd -tao_sgd_relative_rate 0.1 -tao_sgd_momentum 0.9"},
    {&ritz, "", ENGD("tsvd") "-tao_gttol 0.1"},
    {&poisson, "", ENGD("tsvd") "-tao_engd_step fixed -tao_engd_stall 5"},
};

/* a run, and the same broken at iterations first, first + every, ...; r: of the unbroken one */
static void CheckAll(const Kept *kept, PetscInt most, PetscInt first, PetscInt every, Record *r)
{
  char               directory[64], file[96];
  TaoConvergedReason reason;

  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/state.h5", directory);
  reason = Run(PETSC_COMM_WORLD, kept, most, NULL, NULL, r);
  for (PetscInt k = first; k < r->n; k += every) CheckBroken(kept, file, r, reason, most, k);
  CHECK(PetscFree(r->theta));
  RemoveDirectory(directory);
}

static void TestBroken(void **state)
{
  int    size;
  Record r;

  (void)state;
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(table); c++)
    CheckAll(&table[c], MOST, size > 1, size > 1 ? 4 : 1, &r);
}

/* ten straight iterations, which are slow, and then twenty accelerated ones, of length 1, and straight ones again */
static void TestAccelerated(void **state)
{
  static const Kept kept = {&poisson, "",
                            ENGD("tsvd") "-tao_engd_step fixed -tao_engd_step_length 0.0001 -tao_engd_retry_step 0"};
  Record            r;

  (void)state;
  CheckAll(&kept, 34, 9, 6, &r);
  assert_true(r.status[9].step == 0.0001 && r.status[13].step == 1 && r.status[32].step == 1 &&
              r.status[33].step == 0.0001);
}

/* what one rank has saved all ranks go on with, and come to the same up to rounding; each rank saves a file, and one is loaded */
static void TestOtherRanks(void **state)
{
  static const Kept kept[] = {
      {&poisson, "", "-tao_type adam -tao_adam_learning_rate 0.1"},
      {&poisson, "", ENGD("dense") FIXED "-tao_engd_dense_type absolute -tao_engd_dense_ema 0.6"},
      {&poisson, "", ENGD("dual") FIXED "-tao_engd_dual_momentum 0.5 -tao_engd_damping 1"},
      {&poisson, "", ENGD("krylov") FIXED CG "-pc_type kfac -pc_kfac_update_every 3"},
      {&poisson, "", ENGD("krylov") FIXED CG "-pc_type nystrom -pc_nystrom_update_every 3 -pc_nystrom_rank 10"},
      {&poisson, "",
       ENGD("dual") FIXED
       "-tao_engd_dual_solver krylov -pc_type nystrom -ksp_rtol 1e-15 -ksp_max_it 80 -tao_engd_damping 1"},
  };
  char directory[64], file[96], mine[96];
  int  rank;

  (void)state;
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/state.0.h5", directory);
  snprintf(mine, sizeof(mine), "%s/state.%d.h5", directory, rank);
  for (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(kept); c++) {
    Saver  saver = {mine, 4};
    Record alone, all, loaded;

    (void)Run(PETSC_COMM_SELF, &kept[c], 6, NULL, &saver, &alone);
    CHECK(MPI_Barrier(PETSC_COMM_WORLD));
    (void)Run(PETSC_COMM_WORLD, &kept[c], 6, file, NULL, &loaded);
    (void)Run(PETSC_COMM_WORLD, &kept[c], 6, NULL, NULL, &all);
    assert_int_equal(loaded.n, 2);
    CloseAll(kept[c].options, (size_t)all.p, loaded.theta + all.p, all.theta + 6 * all.p, 1e-8);
    CHECK(PetscFree(alone.theta));
    CHECK(PetscFree(all.theta));
    CHECK(PetscFree(loaded.theta));
  }
  RemoveDirectory(directory);
}

/* loads a file with a network of more neurons, or with other options: the error */
static PetscErrorCode LoadInto(const char more[], const char options[], const char file[])
{
  PetscErrorCode code;
  EngdArchive    a;
  Setting        s;
  Tao            tao;

  Begin(PETSC_COMM_WORLD, &poisson, more, &s);
  CreateTao(&s, options, &tao);
  CHECK(EngdArchiveCreate(PETSC_COMM_WORLD, ENGD_ARCHIVE_LOAD, file, &a));
  CHECK(PetscPushErrorHandler(Hear, NULL));
  code = EngdTaoState(tao, a);
  CHECK(PetscPopErrorHandler());
  return code;
}

/* other networks and methods are told by name; limits and rates may be others */
static void TestRefused(void **state)
{
  const char *const wrong[][3] = {
      {"-network_layers 9", KEPT, "/theta has 33 entries in the file and 37 here"},
      {"", "-tao_type adam", "-tao_type is engd in the file and adam here"},
      {"", "-tao_engd_direction tsvd", "-tao_engd_direction is krylov in the file and tsvd here"},
      {"", KEPT "-tao_engd_step fixed", "-tao_engd_step is grid in the file and fixed here"},
      {"", KEPT "-pc_type nystrom", "-pc_type is kfac in the file and nystrom here"},
      {"", KEPT "-tao_engd_structure layer", "-tao_engd_structure is full in the file and layer here"},
  };
  const Kept kept = {&poisson, "", KEPT};
  char       directory[64], file[96];
  Saver      saver = {file, 2};
  Record     r;

  (void)state;
  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/state.h5", directory);
  (void)Run(PETSC_COMM_WORLD, &kept, 3, NULL, &saver, &r);
  CHECK(PetscFree(r.theta));
  CHECK(LoadInto("", KEPT "-tao_engd_stall 3 -tao_engd_damping 1 -pc_kfac_ema 0.1 -pc_kfac_damping 1e-4", file));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(wrong); k++)
    Refuses(LoadInto(wrong[k][0], wrong[k][1], file), 2, wrong[k][2], file);
  RemoveDirectory(directory);
}

/* a run that ended since it stalled goes on where it may stall for longer, and ends at once where it may not */
static void TestLongerStall(void **state)
{
  static const Kept kept  = {&poisson, "", ENGD("tsvd") "-tao_engd_step fixed -tao_engd_stall 5"},
                    other = {&poisson, "", ENGD("tsvd") "-tao_engd_step fixed -tao_engd_stall 50"};
  char   directory[64], file[96];
  Saver  saver = {file, 0};
  Record r;

  (void)state;
  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/state.h5", directory);
  assert_int_equal(Run(PETSC_COMM_WORLD, &kept, 60, NULL, NULL, &r), TAO_CONVERGED_STEPTOL);
  CHECK(PetscFree(r.theta));
  saver.at = r.n - 1;
  (void)Run(PETSC_COMM_WORLD, &kept, 60, NULL, &saver, &r);
  CHECK(PetscFree(r.theta));
  assert_int_equal(Run(PETSC_COMM_WORLD, &kept, 60, file, NULL, &r), TAO_CONVERGED_STEPTOL);
  CHECK(PetscFree(r.theta));
  assert_int_equal(r.n, 0);
  (void)Run(PETSC_COMM_WORLD, &other, 60, file, NULL, &r);
  CHECK(PetscFree(r.theta));
  assert_true(r.n > 0);
  RemoveDirectory(directory);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestBroken), cmocka_unit_test(TestAccelerated),
                                     cmocka_unit_test(TestOtherRanks), cmocka_unit_test(TestRefused),
                                     cmocka_unit_test(TestLongerStall)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("state", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
