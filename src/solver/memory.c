/*
  What an iteration takes of a rank's memory, for -tao_view: the sum of what its parts allocate, by their sizes, before or after they
  do so, and of what the program had before; within a fifth of the largest resident set (runs/memory.py compares).

  Not in it: spectra, checkpoints, the start, and what PETSc's own directions and preconditioners take but for vectors of the KSP.
*/
#include <engd/private.h>

#define OPTIMISER 8 /* vectors of a Tao: theta, gradient, direction, momentum, trials, the best of these */

/* vectors of parameters that a KSP takes */
static PetscErrorCode CountVectors(KSP ksp, PetscReal *n)
{
  PetscBool gmres, fgmres;
  PetscInt  restart, most;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ksp, &gmres, KSPGMRES, KSPLGMRES, KSPFGMRES, ""));
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPFGMRES, &fgmres));
  *n = 4; /* CG: r, z, p, and the right-hand side */
  if (!gmres) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGMRESGetRestart(ksp, &restart));
  PetscCall(KSPGetTolerances(ksp, NULL, NULL, NULL, &most));
  *n += (fgmres ? 2 : 1) * PetscMin(restart, most);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdMemoryView(EngdSolver solver, EngdDirection direction, PetscViewer viewer)
{
  MPI_Comm   comm = solver->functional->comm;
  EngdMemory memory;
  PetscReal  part[6] = {0}, all = 0, n = 0;
  PetscInt   local;
  PC         pc;
  Vec        theta;

  PetscFunctionBeginUser;
  if (!solver->functional->model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdFunctionalGetMemory(solver->functional, &memory));
  PetscCall(TaoGetSolution(solver->tao, &theta));
  PetscCall(VecGetLocalSize(theta, &local));
  if (direction->features & ENGD_DIRECTION_KSP) {
    PetscCall(CountVectors(solver->ksp, &n));
    PetscCall(KSPGetPC(solver->ksp, &pc));
    PetscCall(EngdPCGetBytes(pc, &part[5]));
  }
  part[0] = memory.program;
  part[1] = memory.activations;
  part[2] = memory.blocks;
  part[3] = memory.vectors + sizeof(PetscReal) * (OPTIMISER + n) * local;
  part[4] = direction->bytes;
  for (PetscInt k = 0; k < 6; k++) all += part[k];
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &all, 1, MPIU_REAL, MPIU_MAX, comm));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, part, 6, MPIU_REAL, MPIU_MAX, comm));
  PetscCall(PetscViewerASCIIPrintf(
      viewer,
      "memory: %.4g MB a rank: program %.4g, activations %.4g (%s), blocks %.4g, vectors "
      "%.4g, direction %.4g, preconditioner %.4g\n",
      (double)all / 1e6, (double)part[0] / 1e6, (double)part[1] / 1e6, memory.kept ? "kept" : "computed again",
      (double)part[2] / 1e6, (double)part[3] / 1e6, (double)part[4] / 1e6, (double)part[5] / 1e6));
  PetscFunctionReturn(PETSC_SUCCESS);
}
