/*
  What the options of a term say of points that follow its residual: -<term>_adapt rad or rar, -<term>_adapt_...

  rad draws all points anew, rar keeps them and adds some, each time that -<term>_resample says, with the density
  |r|^k / mean(|r|^k) + c among candidates (choose.c). All points weigh the same afterwards, so that the loss counts more where they
  are dense, as is usual; or -<term>_adapt_weights quadrature makes up for it. rar has room for all points from the start, so that
  the rows of J stay: those that are to come have no weight.
*/
#include <engd/private.h>

#define TIMES    5    /* that rar adds a tenth of the points */
#define MULTIPLE 1000 /* of the points that there are, at most in the end */

static const char *const methods[] = {"none", "rad", "rar"};
static const char *const weights[] = {"equal", "quadrature"};

/* EngdAdaptName - What an option calls it. Not collective */
const char *EngdAdaptName(EngdAdaptMethod method)
{
  return methods[method];
}

/*
  EngdAdaptReadOptions - The options -<term>_adapt_..., within those of the term

  Collective

  Options Database Keys:
+ -<term>_adapt none|rad|rar - do points follow the residual
. -<term>_adapt_exponent k   - of |r| in the density
. -<term>_adapt_floor c      - what is added to it
. -<term>_adapt_candidates n - among how many they are chosen
. -<term>_adapt_add n        - how many rar adds each time
. -<term>_adapt_times n      - how often at most
- -<term>_adapt_weights equal|quadrature - whether weights make up for the density

  Source: src/problem/adapt.c
*/
PetscErrorCode EngdAdaptReadOptions(const char name[], EngdAdapt *adapt, EngdOptionItems PetscOptionsObject)
{
  const MPI_Comm           comm   = PetscOptionsObject->comm;
  PetscInt                 method = 0, weight = 0;
  PetscBool                set[6];
  static const char *const key[] = {"exponent", "floor", "candidates", "add", "times", "weights"};

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsEList("-adapt",
                              "Points that follow the residual: none, rad (all drawn anew), rar (some added), each "
                              "-TERM_resample iterations",
                              "EngdProblemSetTermAdapt", methods, 3, methods[0], &method, NULL));
  adapt->method           = (EngdAdaptMethod)method;
  adapt->density.exponent = method == ENGD_ADAPT_RAR ? 2 : 1;
  adapt->density.floor    = method == ENGD_ADAPT_RAR ? 0 : 1;
  PetscCall(PetscOptionsReal("-adapt_exponent", "k of their density |r|^k / mean(|r|^k) + c, >= 0",
                             "EngdProblemSetTermAdaptDensity", adapt->density.exponent, &adapt->density.exponent,
                             &set[0]));
  PetscCall(PetscOptionsReal("-adapt_floor", "c of it, >= 0", "EngdProblemSetTermAdaptDensity", adapt->density.floor,
                             &adapt->density.floor, &set[1]));
  PetscCall(PetscOptionsInt("-adapt_candidates", "Points they are chosen among, 0 for ten times as many as are taken",
                            "EngdProblemSetTermAdaptPoints", adapt->candidates, &adapt->candidates, &set[2]));
  PetscCall(PetscOptionsInt("-adapt_add", "Points that rar adds each time, 0 for a tenth of them",
                            "EngdProblemSetTermAdaptPoints", adapt->add, &adapt->add, &set[3]));
  PetscCall(PetscOptionsInt("-adapt_times", "How often at most, 0 for no bound (rad) or five times (rar)",
                            "EngdProblemSetTermAdaptPoints", adapt->times, &adapt->times, &set[4]));
  PetscCall(PetscOptionsEList("-adapt_weights", "equal, or quadrature: weights that make up for the density",
                              "EngdProblemSetFromOptions", weights, 2, weights[0], &weight, &set[5]));
  adapt->quadrature = (PetscBool)(weight == 1);
  for (PetscInt k = 0; k < 6; k++)
    PetscCheck(method || !set[k], comm, PETSC_ERR_USER_INPUT,
               "-%s_adapt_%s: the points do not follow the residual; give -%s_adapt rad or rar", name, key[k], name);
  PetscCheck(!(adapt->density.exponent < 0) && !(adapt->density.floor < 0) &&
                 !PetscIsInfOrNanReal(adapt->density.exponent) && !PetscIsInfOrNanReal(adapt->density.floor),
             comm, PETSC_ERR_USER_INPUT, "-%s_adapt_exponent %g, -%s_adapt_floor %g: must be at least 0 and finite",
             name, (double)adapt->density.exponent, name, (double)adapt->density.floor);
  PetscCheck(adapt->candidates >= 0 && adapt->add >= 0 && adapt->times >= 0, comm, PETSC_ERR_USER_INPUT,
             "-%s_adapt_candidates %" PetscInt_FMT ", -%s_adapt_add %" PetscInt_FMT ", -%s_adapt_times %" PetscInt_FMT
             ": must be at least 0",
             name, adapt->candidates, name, adapt->add, name, adapt->times);
  PetscCheck(method != ENGD_ADAPT_RAD || !adapt->add, comm, PETSC_ERR_USER_INPUT,
             "-%s_adapt_add %" PetscInt_FMT ": rad adds none; give -%s_adapt rar", name, adapt->add, name);
  PetscCheck(method != ENGD_ADAPT_RAR || !adapt->quadrature, comm, PETSC_ERR_USER_INPUT,
             "-%s_adapt_weights quadrature: rar adds points to those of another density; give -%s_adapt rad", name,
             name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdAdaptSetUp - Whether the points of a term can follow its residual; and room for those that come

  Collective

  Input Parameters:
+ term - with its points
- file - are these of a file

  Source: src/problem/adapt.c
*/
PetscErrorCode EngdAdaptSetUp(EngdTerm term, PetscBool file)
{
  EngdAdapt *adapt  = &term->adapt;
  EngdPoints points = term->points;
  PetscInt64 all;

  PetscFunctionBeginUser;
  if (adapt->method == ENGD_ADAPT_NONE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!term->energy, points->comm, PETSC_ERR_USER_INPUT,
             "-%s_adapt %s: term '%s' is an %s, and has no residual to follow", term->name, methods[adapt->method],
             term->name, term->integral ? "integral" : "energy");
  PetscCheck(!file, points->comm, PETSC_ERR_USER_INPUT,
             "-%s_adapt %s: the points of -%s_points_file stay where they are; give -%s_points", term->name,
             methods[adapt->method], term->name, term->name);
  PetscCheck(term->resample, points->comm, PETSC_ERR_USER_INPUT,
             "-%s_resample 0: with -%s_adapt %s points are taken each so many iterations; give a positive number",
             term->name, term->name, methods[adapt->method]);
  PetscCheck(!term->initial, points->comm, PETSC_ERR_USER_INPUT,
             "-%s_adapt %s: with -engd_windows initial points stay where they are; leave it out", term->name,
             methods[adapt->method]);
  if (adapt->method == ENGD_ADAPT_RAD) {
    PetscCheck(!adapt->candidates || adapt->candidates >= points->nglobal, points->comm, PETSC_ERR_USER_INPUT,
               "-%s_adapt_candidates %" PetscInt_FMT ": fewer than the %" PetscInt_FMT " points to choose",
               term->name, adapt->candidates, points->nglobal);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!adapt->times) adapt->times = TIMES;
  if (!adapt->add) adapt->add = (points->nglobal + 9) / 10;
  PetscCheck(!adapt->candidates || adapt->candidates >= adapt->add, points->comm, PETSC_ERR_USER_INPUT,
             "-%s_adapt_candidates %" PetscInt_FMT ": fewer than the %" PetscInt_FMT " points to choose", term->name,
             adapt->candidates, adapt->add);
  all = (PetscInt64)points->nglobal + (PetscInt64)adapt->add * adapt->times;
  PetscCheck(all <= PetscMin(PETSC_MAX_INT, MULTIPLE * (PetscInt64)points->nglobal), points->comm,
             PETSC_ERR_USER_INPUT,
             "-%s_adapt_add %" PetscInt_FMT " and -%s_adapt_times %" PetscInt_FMT " make %" PetscInt64_FMT
             " points of the %" PetscInt_FMT " there are, which have their room from the beginning: add fewer, or "
             "less often",
             term->name, adapt->add, term->name, adapt->times, all, points->nglobal);
  PetscCall(EngdPointsResize(points, points->nglobal + adapt->add * adapt->times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdAdaptView - One line, where points follow the residual

  Collective

  Source: src/problem/adapt.c
*/
PetscErrorCode EngdAdaptView(EngdTerm term, PetscViewer viewer)
{
  const EngdAdapt *adapt = &term->adapt;

  PetscFunctionBeginUser;
  if (adapt->method == ENGD_ADAPT_NONE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "points follow the residual: %s each %" PetscInt_FMT " iterations, |r|^%g",
                                   methods[adapt->method], term->resample, (double)adapt->density.exponent));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  PetscCall(PetscViewerASCIIPrintf(viewer, " / mean + %g, %s weights, done %" PetscInt_FMT " times\n",
                                   (double)adapt->density.floor, weights[adapt->quadrature], adapt->done));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
