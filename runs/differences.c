static char help[] =
  "Finite differences beside networks: -problem poisson, lap u = -2 pi^2 sin(pi x) sin(pi y) on the unit square with zero values, five-point\n"
  "formula on a DMDA, CG and algebraic multigrid; or -problem burgers, u_t + u u_x = nu u_xx, nu = 0.01/pi, u(x,0) = -sin(pi x) on [0,1], central\n"
  "differences of second order in x = sinh(5 s)/sinh(5), TS. -n intervals. Prints the relative L2 error and the seconds.\n";
/*
  The errors are those of options/poisson.opts and options/burgers.opts: over the square; over space and time, at 50 times, against Cole
  and Hopf's integrals. Build and run: runs/differences.sh.
*/
#include <petscdmda.h>
#include <petscksp.h>
#include <petscts.h>

static PetscErrorCode Poisson(PetscInt n)
{
  const PetscReal h = 1. / (PetscReal)n;
  PetscReal       sum[2] = {0, 0}, **values;
  PetscInt        x, y, nx, ny, its;
  DM              da;
  KSP             ksp;
  Mat             A;
  Vec             b, u;
  double          start = MPI_Wtime();

  PetscFunctionBeginUser;
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n + 1, n + 1, PETSC_DECIDE,
                         PETSC_DECIDE, 1, 1, NULL, NULL, &da));
  PetscCall(DMSetFromOptions(da));
  PetscCall(DMSetUp(da));
  PetscCall(DMCreateMatrix(da, &A));
  PetscCall(DMCreateGlobalVector(da, &b));
  PetscCall(VecDuplicate(b, &u));
  PetscCall(DMDAGetCorners(da, &x, &y, NULL, &nx, &ny, NULL));
  PetscCall(DMDAVecGetArray(da, b, &values));
  for (PetscInt j = y; j < y + ny; j++) {
    for (PetscInt i = x; i < x + nx; i++) {
      MatStencil  row = {.i = i, .j = j}, col[5] = {row, row, row, row, row};
      PetscScalar v[5] = {4, -1, -1, -1, -1};
      PetscInt    m    = 1;

      values[j][i] = 0;
      if (i > 0 && j > 0 && i < n && j < n) {
        values[j][i] = h * h * 2 * PETSC_PI * PETSC_PI * PetscSinReal(PETSC_PI * h * i) * PetscSinReal(PETSC_PI * h * j);
        for (PetscInt k = 0; k < 4; k++) {
          const PetscInt p = i + (k == 0) - (k == 1), q = j + (k == 2) - (k == 3);

          if (p > 0 && q > 0 && p < n && q < n) col[m++] = (MatStencil){.i = p, .j = q};
        }
      }
      PetscCall(MatSetValuesStencil(A, 1, &row, m, col, v, INSERT_VALUES));
    }
  }
  PetscCall(DMDAVecRestoreArray(da, b, &values));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetTolerances(ksp, 1e-12, 0, PETSC_DEFAULT, 1000));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPSolve(ksp, b, u));
  PetscCall(KSPGetIterationNumber(ksp, &its));
  PetscCall(DMDAVecGetArray(da, u, &values));
  for (PetscInt j = y; j < y + ny; j++) {
    for (PetscInt i = x; i < x + nx; i++) {
      const PetscReal exact = PetscSinReal(PETSC_PI * h * i) * PetscSinReal(PETSC_PI * h * j);

      sum[0] += PetscSqr(values[j][i] - exact);
      sum[1] += PetscSqr(exact);
    }
  }
  PetscCall(DMDAVecRestoreArray(da, u, &values));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, 2, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "poisson n %" PetscInt_FMT ": relative L2 error %.2e, %.2f s, %" PetscInt_FMT " iterations\n", n,
                        (double)PetscSqrtReal(sum[0] / sum[1]), MPI_Wtime() - start, its));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&u));
  PetscCall(DMDestroy(&da));
  PetscFunctionReturn(0);
}

#define NU     (0.01 / PETSC_PI)
#define SPREAD 5.
#define TIMES  50

typedef struct {
  PetscInt   n;
  PetscReal *x; /* [n + 1] */
} Grid;

/* u_t = nu u_xx - u u_x with zero ends; on a smooth map both are of second order */
static PetscErrorCode RightHandSide(TS ts, PetscReal t, Vec U, Vec F, void *data)
{
  const Grid      *grid = (const Grid *)data;
  const PetscReal *x    = grid->x;
  PetscInt         start, n;
  PetscScalar     *f;
  Vec              local;
  PetscScalar     *u;
  DM               da;

  PetscFunctionBeginUser;
  (void)t;
  PetscCall(TSGetDM(ts, &da));
  PetscCall(DMGetLocalVector(da, &local));
  PetscCall(DMGlobalToLocal(da, U, INSERT_VALUES, local));
  PetscCall(DMDAGetCorners(da, &start, NULL, NULL, &n, NULL, NULL));
  PetscCall(DMDAVecGetArray(da, local, &u));
  PetscCall(DMDAVecGetArray(da, F, &f));
  for (PetscInt i = start; i < start + n; i++) {
    f[i] = 0;
    if (i == 0 || i == grid->n) continue;
    f[i] = NU * 2 * ((u[i + 1] - u[i]) / (x[i + 1] - x[i]) - (u[i] - u[i - 1]) / (x[i] - x[i - 1])) / (x[i + 1] - x[i - 1]) -
           (PetscSqr(u[i + 1]) - PetscSqr(u[i - 1])) / 2 / (x[i + 1] - x[i - 1]);
  }
  PetscCall(DMDAVecRestoreArray(da, local, &u));
  PetscCall(DMDAVecRestoreArray(da, F, &f));
  PetscCall(DMRestoreLocalVector(da, &local));
  PetscFunctionReturn(0);
}

/* Cole and Hopf: u = -int sin(pi s) f e^(-z^2) dz / int f e^(-z^2) dz, s = x - 2 sqrt(nu t) z, by the trapezoidal rule, which is exact to rounding here */
static PetscReal Exact(PetscReal x, PetscReal t)
{
  PetscReal top = 0, bottom = 0, largest = -1e300, e[801];

  for (PetscInt pass = 0; pass < 2; pass++) {
    for (PetscInt k = 0; k <= 800; k++) {
      const PetscReal z = 12 * (k - 400) / 400.;
      const PetscReal s = x - 2 * PetscSqrtReal(NU * t) * z;

      if (!pass) {
        e[k]    = -PetscCosReal(PETSC_PI * s) / (2 * PETSC_PI * NU) - z * z;
        largest = PetscMax(largest, e[k]);
      } else {
        top += PetscSinReal(PETSC_PI * s) * PetscExpReal(e[k] - largest);
        bottom += PetscExpReal(e[k] - largest);
      }
    }
  }
  return -top / bottom;
}

/* sums of squares of error and solution at a time, each point with the length that belongs to it */
static PetscErrorCode AddError(DM da, const Grid *grid, PetscReal t, Vec U, PetscReal sum[2])
{
  const PetscReal *x = grid->x;
  PetscInt         start, n;
  PetscScalar     *u;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetCorners(da, &start, NULL, NULL, &n, NULL, NULL));
  PetscCall(DMDAVecGetArray(da, U, &u));
  for (PetscInt i = PetscMax(start, 1); i < PetscMin(start + n, grid->n); i++) {
    const PetscReal w = (x[i + 1] - x[i - 1]) / 2, exact = Exact(x[i], t);

    sum[0] += w * PetscSqr(u[i] - exact);
    sum[1] += w * PetscSqr(exact);
  }
  PetscCall(DMDAVecRestoreArray(da, U, &u));
  PetscFunctionReturn(0);
}

static PetscErrorCode Burgers(PetscInt n)
{
  Grid         grid   = {n, NULL};
  PetscReal    sum[2] = {0, 0};
  double       start  = MPI_Wtime(), seconds;
  PetscInt     first, nlocal, steps;
  PetscScalar *u;
  DM           da;
  TS           ts;
  Vec          U;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &grid.x));
  for (PetscInt i = 0; i <= n; i++) grid.x[i] = PetscSinhReal(SPREAD * i / (PetscReal)n) / PetscSinhReal(SPREAD);
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, n + 1, 1, 1, NULL, &da));
  PetscCall(DMSetFromOptions(da));
  PetscCall(DMSetUp(da));
  PetscCall(DMCreateGlobalVector(da, &U));
  PetscCall(DMDAGetCorners(da, &first, NULL, NULL, &nlocal, NULL, NULL));
  PetscCall(DMDAVecGetArray(da, U, &u));
  for (PetscInt i = first; i < first + nlocal; i++) u[i] = i == 0 || i == n ? 0 : -PetscSinReal(PETSC_PI * grid.x[i]);
  PetscCall(DMDAVecRestoreArray(da, U, &u));
  PetscCall(TSCreate(PETSC_COMM_WORLD, &ts));
  PetscCall(TSSetDM(ts, da));
  PetscCall(TSSetProblemType(ts, TS_NONLINEAR));
  PetscCall(TSSetRHSFunction(ts, NULL, RightHandSide, &grid));
  PetscCall(TSSetType(ts, TSARKIMEX));
  PetscCall(TSARKIMEXSetType(ts, TSARKIMEX4));
  PetscCall(TSARKIMEXSetFullyImplicit(ts, PETSC_TRUE));
  PetscCall(TSSetTolerances(ts, 1e-10, NULL, 1e-9, NULL));
  PetscCall(TSSetTimeStep(ts, 1e-4));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetMaxSteps(ts, 1000000));
  PetscCall(TSSetFromOptions(ts));
  for (PetscInt k = 1; k <= TIMES; k++) {
    PetscCall(TSSetMaxTime(ts, (PetscReal)k / TIMES));
    PetscCall(TSSolve(ts, U));
    seconds = MPI_Wtime();
    PetscCall(AddError(da, &grid, (PetscReal)k / TIMES, U, sum));
    start += MPI_Wtime() - seconds; /* the reference costs nothing */
  }
  seconds = MPI_Wtime() - start;
  PetscCall(TSGetStepNumber(ts, &steps));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, 2, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "burgers n %" PetscInt_FMT ": relative L2 error %.2e, %.2f s, %" PetscInt_FMT " steps\n", n,
                        (double)PetscSqrtReal(sum[0] / sum[1]), seconds, steps));
  PetscCall(TSDestroy(&ts));
  PetscCall(VecDestroy(&U));
  PetscCall(DMDestroy(&da));
  PetscCall(PetscFree(grid.x));
  PetscFunctionReturn(0);
}

int main(int argc, char *argv[])
{
  char      problem[16] = "poisson";
  PetscInt  n           = 256;
  PetscBool burgers;

  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", problem, sizeof(problem), NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscStrcmp(problem, "burgers", &burgers));
  if (burgers)
    PetscCall(Burgers(n));
  else
    PetscCall(Poisson(n));
  PetscCall(PetscFinalize());
  return 0;
}
