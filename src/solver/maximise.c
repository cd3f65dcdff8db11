/*
  Minimax problems: min over some networks, max over the others, of one loss that terms say as energies.

    -networks u,critic -critic_outputs v    -pde_energy "v*(lap(u) + f)"  -pde_maximise v

  The maximisers of all terms together are those of the loss, so that one term names an unknown and others may read it. A network
  belongs to one side: its parameters cannot go up and down.
*/
#include "maximise.h"

/* of <- true for the unknowns that one term names */
static PetscErrorCode ReadTerm(EngdProblem problem, const EngdTerm term, PetscBool of[])
{
  char     prefix[256], option[256], **names, *text = NULL;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", term->name));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_maximise", term->name));
  PetscOptionsBegin(problem->comm, prefix, "Saddle points", "EngdMaximise");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-maximise",
                            "Unknowns that maximise the loss, a list; their networks have no others",
                            "TAO types competitive, extragradient", NULL, NULL, &text));
  PetscOptionsEnd();
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdParseNames(option, text, &n, &names));
  for (PetscInt i = 0; i < n; i++) {
    PetscBool same = PETSC_FALSE;

    for (PetscInt k = 0; k < problem->noutputs && !same; k++) {
      PetscCall(PetscStrcmp(names[i], problem->output[k], &same));
      if (same) of[k] = PETSC_TRUE;
    }
    PetscCheck(same, problem->comm, PETSC_ERR_USER_INPUT, "%s %s: there is no unknown %s; give one such as %s",
               option, text, names[i], problem->output[problem->noutputs - 1]);
  }
  PetscCall(EngdListDestroy(n, &names));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdMaximiseOutputs - which unknowns maximise, [noutputs] unless NULL, and whether any does. Collective */
PetscErrorCode EngdMaximiseOutputs(EngdFunctional F, PetscBool of[], PetscBool *any)
{
  const EngdProblem problem = F->problem;
  PetscBool        *named;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(problem->noutputs, &named));
  for (PetscInt t = 0; t < problem->nterms; t++) PetscCall(ReadTerm(problem, problem->term[t], named));
  *any = PETSC_FALSE;
  for (PetscInt k = 0; k < problem->noutputs; k++) *any = (PetscBool)(*any || named[k]);
  if (of) PetscCall(PetscArraycpy(of, named, problem->noutputs));
  PetscCall(PetscFree(named));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sign <- -1 for the parameters from begin to below end that are here */
static PetscErrorCode SetNegative(Vec sign, PetscInt begin, PetscInt end)
{
  PetscInt   first, last;
  PetscReal *s;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(sign, &first, &last));
  PetscCall(VecGetArray(sign, &s));
  for (PetscInt j = PetscMax(first, begin); j < PetscMin(last, end); j++) s[j - first] = -1;
  PetscCall(VecRestoreArray(sign, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdMaximiseSigns - 1 and -1, a vector like theta; fails, naming what asks, without maximisers, without minimisers, or for a network
   that has both. Collective */
PetscErrorCode EngdMaximiseSigns(EngdFunctional F, const char asking[], Vec *sign)
{
  const EngdProblem problem   = F->problem;
  const EngdModel   model     = F->model;
  PetscInt          nmaximise = 0;
  PetscBool        *of, any, help;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(problem->noutputs, &of));
  PetscCall(EngdMaximiseOutputs(F, of, &any));
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  PetscCheck(any || help, F->comm, PETSC_ERR_ARG_INCOMP,
             "%s is for saddle points, but no term says what maximises: give -%s_maximise an unknown that has a "
             "network of its own (-networks)",
             asking, problem->term[0]->name);
  PetscCall(EngdModelCreateParameters(model, sign));
  PetscCall(VecSet(*sign, 1));
  for (PetscInt k = 0; k < model->nparts; k++) {
    const EngdModelPart *part = &model->part[k];
    const PetscInt       n    = problem->network[k].noutputs;
    const PetscInt       end  = k + 1 < model->nparts ? part[1].parameter : model->nweights;
    PetscInt             m    = 0;

    for (PetscInt i = 0; i < n; i++) m += of[part->output + i];
    PetscCheck(m == 0 || m == n, F->comm, PETSC_ERR_USER_INPUT,
               "a network has %" PetscInt_FMT " unknowns that maximise and %" PetscInt_FMT
               " that do not: give those that -TERM_maximise names networks of their own (-networks)",
               m, n - m);
    if (m) PetscCall(SetNegative(*sign, part->parameter, end));
    nmaximise += m > 0;
  }
  PetscCheck(nmaximise < model->nparts, F->comm, PETSC_ERR_USER_INPUT,
             "all unknowns maximise: there must be a network that no -TERM_maximise names");
  PetscCall(PetscFree(of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdMaximiseCheckMixed - has G the mixed derivatives of the loss: of a residual it leaves out r times those of r. Collective */
PetscErrorCode EngdMaximiseCheckMixed(EngdFunctional F)
{
  const EngdProblem problem = F->problem;
  PetscBool        *of, any;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(problem->noutputs + problem->nunknowns, &of)); /* unknown parameters minimise */
  PetscCall(EngdMaximiseOutputs(F, of, &any));
  for (PetscInt t = 0; t < problem->nterms && F->curvature->of_residual; t++) {
    const EngdPointwise ex = problem->term[t]->pointwise;

    if (problem->term[t]->energy) continue;
    PetscCall(EngdPointwiseDifferentiate(ex));
    for (PetscInt k = 0; k < ex->nsecond; k++)
      PetscCheck(of[ex->entry[ex->second_entry[k]].output] == of[ex->entry[ex->second_other[k]].output], F->comm,
                 PETSC_ERR_USER_INPUT,
                 "the residual of term '%s' has a product of an unknown that maximises with one that does not: say "
                 "it as -%s_energy, or take -tao_engd_curvature energy",
                 problem->term[t]->name, problem->term[t]->name);
  }
  PetscCall(PetscFree(of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allowed(Tao tao)
{
  PetscFunctionBeginUser;
  (void)tao;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdMaximiseAllow(Tao tao)
{
  PetscFunctionBeginUser;
  PetscCall(PetscObjectComposeFunction((PetscObject)tao, ENGD_FINDS_SADDLES, Allowed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdMaximiseCheck - what minimises over all unknowns is refused where some maximise. Collective */
PetscErrorCode EngdMaximiseCheck(EngdFunctional F, Tao tao)
{
  PetscErrorCode (*allowed)(Tao);
  PetscBool any;
  TaoType   type;

  PetscFunctionBeginUser;
  PetscCall(EngdMaximiseOutputs(F, NULL, &any));
  PetscCall(PetscObjectQueryFunction((PetscObject)tao, ENGD_FINDS_SADDLES, &allowed));
  PetscCall(TaoGetType(tao, &type));
  PetscCheck(!any || allowed, F->comm, PETSC_ERR_ARG_INCOMP,
             "-tao_type %s minimises over all unknowns as it is, but some maximise (-TERM_maximise): take -tao_type "
             "competitive or extragradient, or engd with -tao_engd_step saddle",
             type);
  PetscFunctionReturn(PETSC_SUCCESS);
}
