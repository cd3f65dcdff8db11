/*
  Walkers of a term, variational Monte Carlo: what the options say of them.

    psi = +-exp(L),  L = -<term>_log_psi,   E_loc = H psi / psi = -<term>_local_energy

  both text in the unknowns, so that envelope, cusps and symmetry are too: of two electrons a symmetric function of symmetric inputs
  (r1 + r2, r1 r2, r12), and an antisymmetric one by a factor such as r1 - r2, -<term>_log_psi "log(abs(r1 - r2)) + u". For
  H = -lap/2 + V the local energy is V - (lap(L) + normsq(grad(L)))/2, for which the jets carry the Laplacian of L forward.
  The walkers begin at points that fill the region. To the rest of the program the term is a residual, E_loc, whose derivatives in
  the jet are those of L: the rows of J are then d L / d theta.
  Reference: Foulkes, Mitas, Needs, Rajagopal, Rev. Mod. Phys. 73 (2001).
*/
#include <engd/private.h>

#define STEPS  10
#define BURN   500
#define SWEEPS 256

/*
  EngdWalkReadOptions - The options of walkers, within those of a term

  Collective

  Options Database Keys:
+ -<term>_log_psi text      - log|psi|
. -<term>_local_energy text - H psi / psi
. -<term>_walk_steps n      - steps between two iterations
. -<term>_walk_burn n       - steps before the first iteration
. -<term>_walk_sweeps n     - times so many steps for the energy at the end
. -<term>_walk_length h     - of the first step
- -<term>_walk_walls        - psi is zero outside of the domain

  Source: src/problem/walkers.c
*/
PetscErrorCode EngdWalkReadOptions(const char name[], EngdWalkOptions *o, EngdOptionItems PetscOptionsObject)
{
  static const char *const key[] = {"steps", "burn", "sweeps", "length", "walls"};

  PetscFunctionBeginUser;
  *o = (EngdWalkOptions){.steps = STEPS, .burn = BURN, .sweeps = SWEEPS, .length = 0.5};
  PetscCall(EngdOptionsText(PetscOptionsObject, "-log_psi",
                            "log|psi| of walkers that go by psi^2, by the samplers metropolis (which auto is) and "
                            "langevin",
                            "EngdProblemSetTermWalkersText", NULL, NULL, &o->log_psi));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-local_energy",
                            "Their local energy H psi/psi, whose mean is minimised", "EngdProblemSetTermWalkersText",
                            NULL, NULL, &o->local_energy));
  PetscCall(PetscOptionsInt("-walk_steps", "Steps of walkers between two iterations, positive",
                            "EngdProblemSetTermWalkersText", o->steps, &o->steps, &o->set[0]));
  PetscCall(PetscOptionsInt("-walk_burn", "Their steps before the first iteration, positive",
                            "EngdProblemSetTermWalkersText", o->burn, &o->burn, &o->set[1]));
  PetscCall(PetscOptionsInt("-walk_sweeps", "Times -walk_steps steps that measure the energy at the end, at least 2",
                            "EngdProblemSetTermWalkersText", o->sweeps, &o->sweeps, &o->set[2]));
  PetscCall(PetscOptionsReal("-walk_length", "Length of the first step, positive; it adapts to half acceptance",
                             "EngdProblemSetTermWalkersText", o->length, &o->length, &o->set[3]));
  PetscCall(PetscOptionsBool("-walk_walls", "psi is zero outside of the domain, where no walker goes",
                             "EngdProblemSetTermWalkersText", o->walls, &o->walls, &o->set[4]));
  for (PetscInt k = 0; k < 5; k++)
    PetscCheck(o->log_psi || !o->set[k], PetscOptionsObject->comm, PETSC_ERR_USER_INPUT,
               "-%s_walk_%s: the term has no walkers; give -%s_log_psi, or leave the option out", name, key[k], name);
  PetscCheck(o->steps > 0 && o->burn > 0 && o->sweeps > 1, PetscOptionsObject->comm, PETSC_ERR_USER_INPUT,
             "-%s_walk_steps %" PetscInt_FMT ", -%s_walk_burn %" PetscInt_FMT ", -%s_walk_sweeps %" PetscInt_FMT
             ": give positive numbers, and at least 2 sweeps",
             name, o->steps, name, o->burn, name, o->sweeps);
  PetscCheck(o->length > 0 && !PetscIsInfOrNanReal(o->length), PetscOptionsObject->comm, PETSC_ERR_USER_INPUT,
             "-%s_walk_length %g: give a positive number", name, (double)o->length);
  PetscCheck(!o->log_psi == !o->local_energy, PetscOptionsObject->comm, PETSC_ERR_USER_INPUT,
             "-%s_%s without -%s_%s: walkers need both", name, o->log_psi ? "log_psi" : "local_energy", name,
             o->log_psi ? "local_energy" : "log_psi");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* e <- a text of the term, or two, with the gradient of the first */
static PetscErrorCode CreateText(EngdProblem problem, EngdTerm term, const char key[], const char text[],
                                 PetscBool gradient, EngdExpression *e)
{
  EngdSymbols symbols;
  char        option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetSymbols(problem, &symbols));
  if (!*e) PetscCall(EngdExpressionCreate(&symbols, e));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_%s", term->name, key));
  PetscCall(EngdExpressionAppend(*e, option, text));
  for (PetscInt i = 0; gradient && i < problem->domain->dim; i++) {
    const EngdJetEntry which = {.order = 1, .coordinate = {i, -1}};

    PetscCall(EngdExpressionAppendDerivative(*e, 1, &which));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdWalkCreate - The walkers of a term, at its points, and its pointwise part

  Collective

  Input Parameters:
+ problem - with its unknowns
. term    - with its points
. o       - what the options say
- sampler - auto, metropolis or langevin

  Source: src/problem/walkers.c
*/
PetscErrorCode EngdWalkCreate(EngdProblem problem, EngdTerm term, const EngdWalkOptions *o, const char sampler[])
{
  EngdPoints     points   = term->points;
  EngdExpression both     = NULL;
  PetscBool      langevin = (PetscBool)!strcmp(sampler, "langevin");
  EngdWalk       walk;

  PetscFunctionBeginUser;
  PetscCheck(langevin || !strcmp(sampler, "auto") || !strcmp(sampler, "metropolis"), problem->comm,
             PETSC_ERR_USER_INPUT, "-%s_sampler %s: walkers go by metropolis or langevin; give one of them",
             term->name, sampler);
  PetscCheck(points->interior && !problem->domain->time, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_log_psi: walkers need a region of the dimension of space, without time; leave out -%s_region and "
             "-domain_time",
             term->name, term->name);
  PetscCheck(points->nglobal > 1, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_points %" PetscInt_FMT ": of one walker the local energy has no variance to train by; give more",
             term->name, points->nglobal);
  PetscCheck(!o->walls || problem->domain->ops->contains, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_walk_walls: -domain_type %s does not say what is outside; take another", term->name,
             problem->domain->type);
  PetscCall(PetscNew(&walk));
  *walk      = (struct _n_EngdWalk){.langevin = langevin,
                                    .walls    = o->walls,
                                    .steps    = o->steps,
                                    .burn     = o->burn,
                                    .sweeps   = o->sweeps,
                                    .first    = o->length,
                                    .length   = o->length};
  term->walk = walk;
  PetscCall(PetscCalloc1(points->nlocal + 1, &walk->reference));
  PetscCall(CreateText(problem, term, "log_psi", o->log_psi, langevin, &walk->density));
  PetscCall(EngdExpressionCompile(walk->density, 0));
  PetscCall(CreateText(problem, term, "local_energy", o->local_energy, PETSC_FALSE, &walk->local));
  PetscCheck(walk->local->ncomponents == 1 && walk->density->ncomponents == (langevin ? 1 + problem->domain->dim : 1),
             problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_log_psi \"%s\", -%s_local_energy \"%s\": each is one number, without ;", term->name, o->log_psi,
             term->name, o->local_energy);
  PetscCall(EngdExpressionCompile(walk->local, 0));
  PetscCall(CreateText(problem, term, "local_energy", o->local_energy, PETSC_FALSE, &both));
  PetscCall(CreateText(problem, term, "log_psi", o->log_psi, PETSC_FALSE, &both));
  PetscCall(EngdExpressionCompile(both, 1));
  term->expression = both;
  PetscCall(EngdPointwiseCreateWalkers(both, &term->pointwise));
  PetscCall(EngdTextPrint(&term->text, "%s", o->local_energy));
  PetscCall(PetscFree(points->sampler));
  PetscCall(PetscStrallocpy(langevin ? "langevin" : "metropolis", &points->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdWalkState - Saves, or loads, what walkers are beside their places, which are those of their points

  Collective

  Source: src/problem/walkers.c
*/
PetscErrorCode EngdWalkState(EngdTerm term, EngdArchive a)
{
  EngdWalk walk = term->walk;

  PetscFunctionBeginUser;
  if (!walk) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveBool(a, "begun", &walk->begun, PETSC_FALSE));
  PetscCall(EngdArchiveInt(a, "steps", &walk->done, 0));
  PetscCall(EngdArchiveReal(a, "length", &walk->length, walk->first));
  PetscCall(EngdArchiveReal(a, "accepted", &walk->accepted, 0));
  PetscCall(EngdArchiveColumns(a, "log_psi", term->points->nlocal, 1, term->points->nlocal, walk->reference));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdWalkView(EngdTerm term, PetscViewer viewer)
{
  const EngdWalk walk = term->walk;

  PetscFunctionBeginUser;
  if (!walk) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "  walkers: %" PetscInt_FMT " steps an iteration after %" PetscInt_FMT
                                   ", length %.3g, %.0f%% accepted\n",
                                   walk->steps, walk->burn, (double)walk->length, 100 * (double)walk->accepted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdWalkDestroy(EngdWalk *walk)
{
  PetscFunctionBeginUser;
  if (!*walk) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdExpressionDestroy(&(*walk)->density));
  PetscCall(EngdExpressionDestroy(&(*walk)->local));
  PetscCall(PetscFree((*walk)->reference));
  PetscCall(PetscFree(*walk));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the pointwise part of walkers */
typedef struct {
  EngdExpression both;
  PetscInt       skipped;   /* derivatives of the local energy, which come first and nobody reads */
  PetscInt      *component; /* [nfirst] zeros */
  PetscReal     *first;     /* of both */
  PetscInt       size;
} Walkers;

static PetscErrorCode Evaluate_Walkers(EngdPointwise p, PetscInt n, const EngdBatch x[], const EngdBatch normal[],
                                       const EngdBatch jet[], PetscReal value[], PetscReal first[],
                                       PetscReal second[])
{
  Walkers *w = (Walkers *)p->data;

  PetscFunctionBeginUser;
  (void)second;
  if (first) PetscCall(EngdCurvatureReserve(n * w->both->nfirst, &w->first, &w->size));
  PetscCall(EngdExpressionEvaluate(w->both, n, x, normal, jet, value, first ? w->first : NULL, NULL));
  if (first) PetscCall(PetscArraycpy(first, w->first + ENGD_COUNT(w->skipped, n), ENGD_COUNT(p->nfirst, n)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Walkers(EngdPointwise p)
{
  Walkers *w = (Walkers *)p->data;

  PetscFunctionBeginUser;
  PetscCall(EngdExpressionDestroy(&w->both));
  PetscCall(PetscFree(w->component));
  PetscCall(PetscFree(w->first));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointwiseCreateWalkers(EngdExpression both, EngdPointwise *out)
{
  EngdPointwise p;
  Walkers      *w;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  PetscCall(PetscNew(&w));
  w->both = both;
  while (w->skipped < both->nfirst && both->first_component[w->skipped] == 0) w->skipped++;
  PetscCall(PetscCalloc1(both->nfirst - w->skipped + 1, &w->component));
  *p   = (struct _n_EngdPointwise){.ncomponents     = 1,
                                   .nvalues         = 2,
                                   .nentries        = both->nentries,
                                   .entry           = both->entry,
                                   .nfirst          = both->nfirst - w->skipped,
                                   .first_component = w->component,
                                   .first_entry     = both->first_entry + w->skipped,
                                   .twice           = PETSC_TRUE,
                                   .evaluate        = Evaluate_Walkers,
                                   .destroy         = Destroy_Walkers,
                                   .data            = w};
  *out = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}
