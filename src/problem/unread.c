/*
  What a problem says that has no effect on the training: terms that read no unknown, unknowns that no term reads, coordinates that
  no input of the network reads, regions with parts that have no point. They may be meant (a problem being built up, a symmetry), so they are warned of and not
  refused: without a word the end says "converged" of such a training.
*/
#include <engd/private.h>
#include <engd/unread.h>

/* read[k] <- does a term read output k; *any: does this one read any */
static void MarkRead(EngdProblem problem, EngdTerm term, PetscBool read[], PetscBool *any)
{
  *any = PETSC_FALSE;
  for (PetscInt e = 0; e < term->expression->nentries; e++) {
    const PetscInt output = term->expression->entry[e].output;

    *any = PETSC_TRUE;
    if (output >= 0 && output < problem->noutputs) read[output] = PETSC_TRUE;
  }
}

static PetscErrorCode TellInputs(EngdProblem problem)
{
  EngdExpression inputs;
  PetscBool      reads, sees;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < problem->domain->dim; i++) {
    reads = PETSC_FALSE;
    for (PetscInt k = 0; k < problem->nnetworks && !reads; k++) {
      reads = (PetscBool)!problem->network[k].inputs;
      if (reads) break;
      PetscCall(EngdProblemCreateInputs(problem, k, &inputs));
      PetscCall(EngdExpressionReads(inputs, i, &sees));
      reads = sees;
      PetscCall(EngdExpressionDestroy(&inputs));
    }
    if (!reads)
      PetscCall(PetscPrintf(problem->comm, "Warning: -network_inputs does not read the coordinate %s\n",
                            problem->domain->coordinate[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a part of the region without points has nothing to say, unless its turn comes */
static PetscErrorCode TellEmpty(EngdProblem problem, EngdTerm term)
{
  const EngdPoints points = term->points;

  PetscFunctionBeginUser;
  if (term->resample || points->nglobal >= points->npieces) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPrintf(problem->comm,
                        "Warning: -%s_points %" PetscInt_FMT ": the region has %" PetscInt_FMT
                        " faces or parts, so that some have no point\n",
                        term->name, points->nglobal, points->npieces));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemFindRead(EngdProblem problem, PetscBool read[])
{
  PetscBool any;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(read, problem->noutputs));
  for (PetscInt t = 0; t < problem->nterms; t++) MarkRead(problem, problem->term[t], read, &any);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProblemTellUnread(EngdProblem problem)
{
  PetscBool *read, any;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(problem->noutputs, &read));
  for (PetscInt t = 0; t < problem->nterms; t++) {
    EngdTerm term = problem->term[t];

    PetscCall(TellEmpty(problem, term));
    MarkRead(problem, term, read, &any);
    if (!any)
      PetscCall(PetscPrintf(problem->comm, "Warning: -%s_%s reads no unknown, so training cannot change it\n",
                            term->name,
                            term->nstates ? "numerator"
                            : term->walk  ? "log_psi"
                                          : EngdTermKind(term)));
  }
  for (PetscInt k = 0; k < problem->noutputs; k++)
    if (!read[k])
      PetscCall(PetscPrintf(problem->comm, "Warning: no term reads the unknown %s, so nothing determines it\n",
                            problem->output[k]));
  PetscCall(PetscFree(read));
  PetscCall(TellInputs(problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}
