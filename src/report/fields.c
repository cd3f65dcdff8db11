/*
  -engd_solution: the table of the test points (coordinates, outputs of the model, exact values), one row a point.

  The table is gathered on rank 0 in the global order of the points, so that it does not depend on the number of ranks.
  Grids and time slices are not its business: it holds the test points only.
*/
#include <engd/private.h>

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
  PetscCall(VecDuplicate(F->present.theta, &whole));
  PetscCall(EngdFunctionalGather(F, theta, whole));
  PetscCall(VecGetArrayRead(whole, &values));
  PetscCall(EngdModelEvaluate(F->model, values, n, points->x, u, NULL));
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
