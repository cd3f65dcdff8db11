/*
  -engd_integrals flux,mass: integrals of expressions of the solution over parts of the domain or its boundary.

    I = sum_n w_n f(x_n, Du(x_n), normal_n),   -flux_region wall -flux_integrand "-k*dot(grad(u), normal)" -flux_points 4000

  The points are fresh ones, no term is trained on them: of the part as terms have it, -flux_where included, placed by
  -flux_sampler. Where there is time, the integral is over its interval too, but for the regions initial and final. An integrand
  of several components (a force) gives as many numbers. Sums are over all ranks.
*/
#include <engd/private.h>

#define NUMBER         4000 /* of points */
#define NUMBER_ON_LINE 1000 /* a piece; auto takes Gauss's rule up to here */

struct _n_EngdIntegral {
  char          *name, *text;
  EngdPoints     points;
  EngdExpression integrand;
  PetscReal     *value; /* [ncomponents] */
};

/* What the user says about one */
typedef struct {
  char *region, *points, *sampler, *integrand;
} IntegralOptions;

static PetscErrorCode ReadOptions(EngdProblem problem, const char name[], IntegralOptions *o)
{
  char prefix[256], title[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", name));
  PetscCall(PetscSNPrintf(title, sizeof(title), "Integral %s of the solution", name));
  PetscOptionsBegin(problem->comm, prefix, title, "EngdIntegral");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-integrand",
                            "Expression to be integrated, of unknowns, coordinates, and `normal` on boundaries; "
                            "components separated by ;",
                            "EngdReportSetFromOptions", NULL, "u", &o->integrand));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-region", "Over which part, as the regions of terms",
                            "EngdReportSetFromOptions", "interior", NULL, &o->region));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-points",
                            "How many points, by default 4000, on a line 1000; or for the "
                            "samplers grid and gauss one number a coordinate",
                            "EngdReportSetFromOptions", "auto", NULL, &o->points));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-sampler",
                            "How they are placed, as for terms; gauss is exact for polynomials",
                            "EngdReportSetFromOptions", "auto", NULL, &o->sampler));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the points where nobody says how many: NUMBER, or as many of Gauss's rule on a line as auto takes, whose error is that of
   rounding where the midpoints of NUMBER cells would leave 1e-8 */
static PetscErrorCode CreateDefaultPoints(EngdProblem problem, const IntegralOptions *o, PetscInt number,
                                          EngdIntegral integral)
{
  char       option[256];
  PetscInt   n      = NUMBER;
  EngdPoints better = NULL;
  PetscBool  grid, gauss = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_region", integral->name));
  PetscCall(EngdPointsCreateCounts(problem->domain, option, o->region, o->sampler, 1, &n, problem->seed,
                                   ENGD_STREAM_INTEGRALS + number, &integral->points));
  PetscCall(PetscStrcmp(integral->points->sampler, "grid", &grid));
  n = NUMBER_ON_LINE * integral->points->npieces;
  if (!grid || strcmp(o->sampler, "auto") || n >= NUMBER) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdPointsCreateCounts(problem->domain, option, o->region, o->sampler, 1, &n, problem->seed,
                                   ENGD_STREAM_INTEGRALS + number, &better));
  PetscCall(PetscStrcmp(better->sampler, "gauss", &gauss));
  if (gauss) {
    PetscCall(EngdPointsDestroy(&integral->points));
    integral->points = better;
  } else
    PetscCall(EngdPointsDestroy(&better));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreatePoints(EngdProblem problem, const IntegralOptions *o, PetscInt number,
                                   EngdIntegral integral)
{
  char     option[256], **items;
  PetscInt n, *counts;

  PetscFunctionBeginUser;
  if (!strcmp(o->points, "auto")) {
    PetscCall(CreateDefaultPoints(problem, o, number, integral));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_points", integral->name));
  PetscCall(EngdParseList(option, o->points, &n, &items));
  PetscCall(PetscMalloc1(n, &counts));
  for (PetscInt i = 0; i < n; i++) PetscCall(EngdParseWhole(option, items[i], 1, &counts[i]));
  PetscCall(EngdListDestroy(n, &items));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_region", integral->name));
  PetscCall(EngdPointsCreateCounts(problem->domain, option, o->region, o->sampler, n, counts, problem->seed,
                                   ENGD_STREAM_INTEGRALS + number, &integral->points));
  PetscCall(PetscFree(counts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateIntegrand(EngdIntegrals integrals, const char text[], EngdIntegral integral)
{
  char        option[256];
  EngdSymbols symbols;

  PetscFunctionBeginUser;
  PetscCall(EngdProblemGetSymbols(integrals->problem, &symbols));
  symbols.normal   = integral->points->normal ? PETSC_TRUE : PETSC_FALSE;
  symbols.naliases = integrals->naliases;
  symbols.alias    = integrals->alias;
  PetscCall(EngdExpressionCreate(&symbols, &integral->integrand));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_integrand", integral->name));
  PetscCall(EngdExpressionAppend(integral->integrand, option, text));
  PetscCall(EngdExpressionCompile(integral->integrand, 0));
  PetscCall(PetscMalloc1(integral->integrand->ncomponents, &integral->value));
  for (PetscInt c = 0; c < integral->integrand->ncomponents; c++) integral->value[c] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdIntegralsCreate(EngdProblem problem, const char list[], EngdIntegrals *out)
{
  EngdIntegrals integrals;
  char        **names;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&integrals));
  integrals->problem = problem;
  PetscCall(EngdParseNames("-engd_integrals", list, &integrals->n, &names));
  PetscCall(EngdProblemCheckTermNames(problem, "-engd_integrals", integrals->n, names));
  PetscCall(PetscCalloc1(integrals->n, &integrals->integral));
  PetscCall(EngdProblemCreateAliases(problem, &integrals->naliases, &integrals->alias));
  for (PetscInt k = 0; k < integrals->n; k++) {
    IntegralOptions o;
    EngdIntegral    integral;

    for (PetscInt t = 0; t < problem->nterms; t++)
      PetscCheck(strcmp(names[k], problem->term[t]->name), problem->comm, PETSC_ERR_USER_INPUT,
                 "-engd_integrals %s: a term has this name, and so -%s_region; choose another", names[k], names[k]);
    PetscCall(PetscNew(&integral));
    integrals->integral[k] = integral;
    PetscCall(PetscStrallocpy(names[k], &integral->name));
    PetscCall(ReadOptions(problem, names[k], &o));
    PetscCall(CreatePoints(problem, &o, k, integral));
    PetscCall(CreateIntegrand(integrals, o.integrand, integral));
    integral->text = o.integrand;
    PetscCall(PetscFree(o.region));
    PetscCall(PetscFree(o.points));
    PetscCall(PetscFree(o.sampler));
  }
  PetscCall(EngdListDestroy(integrals->n, &names));
  *out = integrals;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdIntegralsCompute(EngdIntegrals integrals, EngdModel model, const PetscReal theta[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < integrals->n; k++) {
    const EngdIntegral integral = integrals->integral[k];
    const EngdPoints   points   = integral->points;
    const PetscInt     nc       = integral->integrand->ncomponents;
    PetscReal         *f;
    PetscMPIInt        count;

    PetscCall(PetscMPIIntCast(nc, &count));
    PetscCall(PetscMalloc1(ENGD_COUNT(points->nlocal, nc), &f));
    PetscCall(EngdModelEvaluateExpression(model, integral->integrand, theta, points->nlocal, points->x,
                                          points->normal, NULL, f));
    PetscCall(PetscArrayzero(integral->value, nc));
    for (PetscInt i = 0; i < points->nlocal; i++)
      for (PetscInt c = 0; c < nc; c++) integral->value[c] += points->weight[i] * f[ENGD_COUNT(i, nc) + c];
    PetscCall(MPIU_Allreduce(MPI_IN_PLACE, integral->value, count, MPIU_REAL, MPIU_SUM, points->comm));
    PetscCall(PetscFree(f));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdIntegralsGet(EngdIntegrals integrals, PetscInt k, const char **name, const char **text,
                                EngdPoints *points, PetscInt *n, const PetscReal **values)
{
  const EngdIntegral integral = integrals->integral[k];

  PetscFunctionBeginUser;
  *name   = integral->name;
  *text   = integral->text;
  *points = integral->points;
  *n      = integral->integrand->ncomponents;
  *values = integral->value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a line for each */
PetscErrorCode EngdIntegralsPrint(EngdIntegrals integrals)
{
  const MPI_Comm comm = integrals->problem->comm;

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "Integrals, on points never trained on:\n"));
  for (PetscInt k = 0; k < integrals->n; k++) {
    const EngdIntegral integral = integrals->integral[k];

    PetscCall(PetscPrintf(comm, "  %-16s", integral->name));
    for (PetscInt c = 0; c < integral->integrand->ncomponents; c++)
      PetscCall(PetscPrintf(comm, "%s%.12g", c ? ", " : "  ", (double)integral->value[c]));
    PetscCall(PetscPrintf(comm, "  (%s, %" PetscInt_FMT " points, %s)\n", integral->points->region,
                          integral->points->nglobal, integral->points->sampler));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdIntegralsDestroy(EngdIntegrals *integrals)
{
  PetscFunctionBeginUser;
  if (!*integrals) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < (*integrals)->n; k++) {
    EngdIntegral integral = (*integrals)->integral[k];

    PetscCall(EngdExpressionDestroy(&integral->integrand));
    PetscCall(EngdPointsDestroy(&integral->points));
    PetscCall(PetscFree(integral->name));
    PetscCall(PetscFree(integral->text));
    PetscCall(PetscFree(integral->value));
    PetscCall(PetscFree(integral));
  }
  PetscCall(EngdAliasesDestroy((*integrals)->naliases, &(*integrals)->alias));
  PetscCall(PetscFree((*integrals)->integral));
  PetscCall(PetscFree(*integrals));
  PetscFunctionReturn(PETSC_SUCCESS);
}
