/*
  The network as fields: u_theta(x) and, when asked for, its space derivatives at any points, and -engd_solution, the
  table of the test points (coordinates, outputs, exact values), one row a point.

  Method: forward jets over blocks of points that fit the cache. The table is gathered on rank 0 in the global order of
  the points, so that it does not depend on the number of ranks. Grids and time slices are not its business: the table
  holds the test points only.
*/
#include <engd/private.h>

/* numbers of one layer's jet in a block, to stay in the second-level cache */
#define BLOCK_NUMBERS 16384

/* u and gradient at the m points from start on, out of the jet of a block */
static void CopyBlock(EngdJet jet, PetscInt nspace, PetscInt start, PetscReal u[], PetscReal gradient[])
{
  const PetscInt m = jet->network->noutputs, n = jet->n;

  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt k = 0; k < m; k++) u[ENGD_COUNT(start + i, m) + k] = jet->u[ENGD_COUNT(i, m) + k];
  }
  for (PetscInt j = 0; gradient && j < nspace; j++) {
    const PetscReal *du = jet->u + ENGD_COUNT(jet->layout->first[j], n) * m;

    for (PetscInt i = 0; i < n; i++) {
      for (PetscInt k = 0; k < m; k++) {
        gradient[(ENGD_COUNT(start + i, nspace) + j) * m + k] = du[ENGD_COUNT(i, m) + k];
      }
    }
  }
}

PetscErrorCode EngdFieldsEvaluate(EngdNetwork network, const PetscReal theta[], PetscInt nspace, PetscInt n,
                                  const PetscReal x[], PetscReal u[], PetscReal gradient[])
{
  const PetscInt nentries = gradient ? 1 + nspace : 1, dim = network->ninputs;
  PetscInt       m;
  EngdJetEntry  *entry;
  EngdJetLayout  layout;
  EngdJet        jet;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(nentries, &entry));
  for (PetscInt e = 0; e < nentries; e++) entry[e] = (EngdJetEntry){.order = e > 0, .coordinate = {e - 1, -1}};
  PetscCall(EngdJetLayoutCreate(nspace, dim, nentries, entry, &layout));
  m = PetscMax(1, PetscMin(n, BLOCK_NUMBERS / (network->widest * nentries)));
  PetscCall(EngdJetCreate(network, layout, m, &jet));
  for (PetscInt start = 0; start < n; start += m) {
    PetscCall(EngdJetForward(jet, theta, PetscMin(m, n - start), x + ENGD_COUNT(start, dim)));
    CopyBlock(jet, nspace, start, u, gradient);
  }
  PetscCall(EngdJetDestroy(&jet));
  PetscCall(EngdJetLayoutDestroy(&layout));
  PetscCall(PetscFree(entry));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows (ncolumns, nlocal) = (x, u, u*) at the local test points */
static PetscErrorCode FillTable(EngdFunctional F, Vec theta, const PetscReal exact[], PetscInt ncolumns,
                                PetscReal rows[])
{
  const EngdPoints points = F->problem->test;
  const PetscInt   n = points->nlocal, dim = points->dim, m = F->problem->noutputs;
  const PetscReal *values;
  PetscReal       *u;
  Vec              whole;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(ENGD_COUNT(m, n), &u));
  PetscCall(VecDuplicate(F->theta, &whole));
  PetscCall(EngdFunctionalGather(F, theta, whole));
  PetscCall(VecGetArrayRead(whole, &values));
  PetscCall(EngdFieldsEvaluate(F->network, values, points->nspace, n, points->x, u, NULL));
  PetscCall(VecRestoreArrayRead(whole, &values));
  PetscCall(VecDestroy(&whole));
  for (PetscInt i = 0; i < n; i++) {
    PetscReal *row = rows + ENGD_COUNT(i, ncolumns);

    PetscCall(PetscArraycpy(row, points->x + ENGD_COUNT(i, dim), dim));
    PetscCall(PetscArraycpy(row + dim, u + ENGD_COUNT(i, m), m));
    for (PetscInt k = 0; k < ncolumns - dim - m; k++) row[dim + m + k] = exact[ENGD_COUNT(k, n) + i];
  }
  PetscCall(PetscFree(u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x,y,u,v,exact_u */
static void PrintHeader(EngdProblem problem, PetscBool exact, FILE *file)
{
  for (PetscInt i = 0; i < problem->domain->dim; i++)
    fprintf(file, "%s%s", i ? "," : "", problem->domain->coordinate[i]);
  for (PetscInt k = 0; k < problem->noutputs; k++) fprintf(file, ",%s", problem->output[k]);
  for (PetscInt k = 0; exact && k < problem->nexact; k++) {
    fprintf(file, ",exact_%s", problem->output[problem->exact_output[k]]);
  }
  fprintf(file, "\n");
}

PetscErrorCode EngdFieldsWrite(EngdFunctional F, Vec theta, const PetscReal exact[], FILE *file)
{
  const EngdProblem problem  = F->problem;
  const PetscInt    ncolumns = problem->domain->dim + problem->noutputs + (exact ? problem->nexact : 0);
  const PetscReal  *first;
  PetscReal        *rows;
  PetscInt          size;
  Vec               table, gathered;
  VecScatter        scatter;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(F->comm, problem->test->nlocal * ncolumns, PETSC_DETERMINE, &table));
  PetscCall(VecGetArrayWrite(table, &rows));
  PetscCall(FillTable(F, theta, exact, ncolumns, rows));
  PetscCall(VecRestoreArrayWrite(table, &rows));
  PetscCall(VecScatterCreateToZero(table, &scatter, &gathered));
  PetscCall(VecScatterBegin(scatter, table, gathered, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, table, gathered, INSERT_VALUES, SCATTER_FORWARD));
  if (file) {
    PetscCall(VecGetLocalSize(gathered, &size));
    PetscCall(VecGetArrayRead(gathered, &first));
    PrintHeader(problem, exact ? PETSC_TRUE : PETSC_FALSE, file);
    for (PetscInt i = 0; i < size; i++) {
      fprintf(file, "%.17g%c", (double)first[i], (i + 1) % ncolumns ? ',' : '\n');
    }
    PetscCall(VecRestoreArrayRead(gathered, &first));
  }
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&gathered));
  PetscCall(VecDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}
