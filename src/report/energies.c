/*
  The energies of a Rayleigh quotient at the end of a run: N c = E D c over the states, and what the local energies say of them.

    psi_s = sum_j c_js u_j,   E_s by N and D of the terms (the points of the training),
    <H psi_s / psi_s> = sum w psi_s H psi_s / sum w psi_s^2,   sigma_s^2 = sum w (H psi_s - <.> psi_s)^2 / sum w psi_s^2

  the latter two, where a term says H u by -<term>_local, on the points of the errors, never trained on. The mean has no variance
  where psi is an eigenfunction, whatever the points. There is an eigenvalue of H within sigma of it (Weinstein 1934), and the error
  of the mean is about sigma^2 over the gap: sigma is an estimate of the error that is on the safe side. Walkers measure their energy by a
  walk of its own, and its error is that of sampling (blocking.c).
*/
#include <engd/private.h>
#include <engd/json.h>
#include <petscblaslapack.h>
#include <math.h>

/* times the deviation at the walkers of the training: they have not seen what psi is */
#define UNSEEN 10

PetscErrorCode EngdEnergiesCreate(EngdFunctional F, EngdEnergies *out)
{
  EngdEnergies   e;
  const PetscInt k = F->outer.walks ? 1 : F->outer.nstates;

  PetscFunctionBeginUser;
  *out = NULL;
  if (!k) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&e));
  e->n = k;
  for (PetscInt t = 0; !e->local && t < F->problem->nterms; t++) e->local = F->problem->term[t]->local;
  e->walk = F->outer.walks ? F->problem->term[0]->walk : NULL;
  PetscCall(PetscCalloc4(k, &e->value, k, &e->mean, k, &e->sigma, k * k, &e->mix));
  *out = e;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value and mix: the eigenvalues of N c = E D c, ascending, and the c as columns */
static PetscErrorCode SolveRitz(EngdFunctional F, EngdEnergies e)
{
  const PetscInt   k = e->n, m = F->outer.nsums / 2;
  PetscBLASInt     n, one      = 1, info, size;
  PetscReal       *D, *work;
  const PetscReal *sum = F->outer.sum;

  PetscFunctionBeginUser;
  PetscCall(EngdOuterUpdate(F));
  PetscCall(PetscBLASIntCast(k, &n));
  PetscCall(PetscBLASIntCast(8 * k, &size));
  PetscCall(PetscMalloc2(k * k, &D, 8 * k, &work));
  for (PetscInt i = 0, c = 0; i < k; i++) {
    for (PetscInt j = i; j < k; j++, c++) {
      e->mix[i * k + j] = e->mix[j * k + i] = sum[c];
      D[i * k + j] = D[j * k + i] = sum[c + m];
    }
  }
  PetscCallBLAS("LAPACKsygv", LAPACKsygv_(&one, "V", "U", &n, e->mix, &n, D, &n, e->value, work, &size, &info));
  for (PetscInt s = 0; info && s < k; s++) e->value[s] = (PetscReal)NAN;
  PetscCall(PetscFree2(D, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* psi (k) and H psi (k) of the rows of u and H u at a point */
static void Mix(const EngdEnergies e, const PetscReal u[], const PetscReal Hu[], PetscInt s, PetscReal *psi,
                PetscReal *Hpsi)
{
  *psi = *Hpsi = 0;
  for (PetscInt j = 0; j < e->n; j++) {
    *psi += e->mix[s * e->n + j] * u[j];
    *Hpsi += e->mix[s * e->n + j] * Hu[j];
  }
}

/* mean and sigma of each state: two passes, so that sigma does not end at the root of rounding */
static PetscErrorCode MeasureLocal(EngdFunctional F, EngdEnergies e, const PetscReal u[], const PetscReal Hu[])
{
  const EngdPoints points = F->problem->test;
  const PetscInt   k      = e->n;
  PetscReal       *sum;
  PetscMPIInt      count;
  PetscReal        psi, Hpsi;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(2 * k, &count));
  PetscCall(PetscMalloc1(2 * k, &sum));
  for (PetscInt pass = 0; pass < 2; pass++) {
    PetscCall(PetscArrayzero(sum, 2 * k));
    for (PetscInt i = 0; i < points->nlocal; i++) {
      for (PetscInt s = 0; s < k; s++) {
        Mix(e, u + ENGD_COUNT(i, k), Hu + ENGD_COUNT(i, k), s, &psi, &Hpsi);
        sum[2 * s] += points->weight[i] * (pass ? PetscSqr(Hpsi - e->mean[s] * psi) : psi * Hpsi);
        sum[2 * s + 1] += points->weight[i] * psi * psi;
      }
    }
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sum, count, MPIU_REAL, MPIU_SUM, F->comm));
    for (PetscInt s = 0; s < k; s++) {
      if (pass)
        e->sigma[s] = PetscSqrtReal(sum[2 * s] / sum[2 * s + 1]);
      else
        e->mean[s] = sum[2 * s] / sum[2 * s + 1];
    }
  }
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* of walkers: they walk on for it */
static PetscErrorCode MeasureWalk(EngdFunctional F, EngdEnergies e)
{
  const PetscInt n = e->walk->sweeps;
  PetscReal     *series, *scratch, variance;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &series, n, &scratch));
  PetscCall(EngdFunctionalMeasureWalk(F, 0, series, &variance));
  EngdBlockingMeasure(n, series, scratch, &e->blocking);
  PetscCall(PetscFree2(series, scratch));
  e->value[0] = e->mean[0] = e->blocking.mean;
  e->sigma[0]              = e->blocking.error;
  e->deviation             = PetscSqrtReal(variance);
  if (!e->walk->begun) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdOuterUpdate(F));
  e->unseen =
      (PetscBool)(e->deviation > UNSEEN * PetscSqrtReal(F->problem->term[0]->points->nglobal) * F->outer.noise &&
                  e->deviation > PetscAbsReal(F->outer.mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEnergiesCompute(EngdEnergies e, EngdFunctional F, Vec theta)
{
  const EngdPoints points = F->problem->test;
  const PetscReal *values;
  PetscReal       *u, *Hu;

  PetscFunctionBeginUser;
  PetscCall(EngdFunctionalSetParameters(F, theta));
  if (e->walk) {
    PetscCall(MeasureWalk(F, e));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(SolveRitz(F, e));
  if (!e->local) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(ENGD_COUNT(points->nlocal, e->n), &u, ENGD_COUNT(points->nlocal, e->n), &Hu));
  PetscCall(EngdFunctionalGather(F, theta, &values));
  PetscCall(EngdModelEvaluate(F->model, values, points->nlocal, points->x, u, NULL));
  PetscCall(EngdModelEvaluateExpression(F->model, e->local, values, points->nlocal, points->x, NULL, NULL, Hu));
  PetscCall(MeasureLocal(F, e, u, Hu));
  PetscCall(PetscFree2(u, Hu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the energy of walkers, its error, and what that is worth */
static PetscErrorCode PrintWalk(EngdEnergies e, MPI_Comm comm)
{
  const EngdBlocking *b = &e->blocking;

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm,
                        "Energy %.10g +- %.1e by %" PetscInt_FMT " sweeps of the walkers, in blocks of %" PetscInt_FMT
                        "; the local energy has the deviation %.1e\n",
                        (double)b->mean, (double)b->error, b->n, b->block, (double)e->deviation));
  if (!b->enough)
    PetscCall(PetscPrintf(comm, "Warning: too few sweeps for their correlation, so that the error is more than it "
                                "says; take more of them, -TERM_walk_sweeps, or -TERM_walk_steps\n"));
  if (e->unseen)
    PetscCall(PetscPrintf(comm,
                          "Warning: the local energy deviates far less at the walkers of the training: psi is wrong "
                          "between them; take more walkers, or shorter steps\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdEnergiesPrint(EngdEnergies e, MPI_Comm comm)
{
  PetscFunctionBeginUser;
  if (e->walk) {
    PetscCall(PrintWalk(e, comm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(
      PetscPrintf(comm, "Energies:%s\n", e->local ? "             quotient        local, fresh points   sigma" : ""));
  for (PetscInt s = 0; s < e->n; s++) {
    PetscCall(PetscPrintf(comm, "  state %-3" PetscInt_FMT "  %19.13g", s + 1, (double)e->value[s]));
    if (e->local) PetscCall(PetscPrintf(comm, "  %19.13g  %.1e", (double)e->mean[s], (double)e->sigma[s]));
    PetscCall(PetscPrintf(comm, "\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a number, or a list of them where there are several states */
static void WriteNumbers(const char key[], PetscInt n, const PetscReal value[], FILE *file)
{
  EngdJSONKey(",", key, file);
  for (PetscInt s = 0; s < n; s++) {
    fprintf(file, "%s", s ? ", " : n > 1 ? "[" : "");
    EngdJSONNumber(value[s], file);
  }
  if (n > 1) fprintf(file, "]");
}

/* energy; where there are local energies also local_energy, and energy_error: sigma */
void EngdEnergiesWrite(EngdEnergies e, FILE *file)
{
  WriteNumbers("energy", e->n, e->value, file);
  if (e->walk) WriteNumbers("energy_error", 1, e->sigma, file);
  if (!e->local) return;
  WriteNumbers("local_energy", e->n, e->mean, file);
  WriteNumbers("energy_error", e->n, e->sigma, file);
}

PetscErrorCode EngdEnergiesDestroy(EngdEnergies *e)
{
  PetscFunctionBeginUser;
  if (!*e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*e)->value, (*e)->mean, (*e)->sigma, (*e)->mix));
  PetscCall(PetscFree(*e));
  PetscFunctionReturn(PETSC_SUCCESS);
}
