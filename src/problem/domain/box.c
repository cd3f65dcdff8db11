/*
  Domain type "box": Omega = (l_1,u_1) x .. x (l_d,u_d), and with time the box Omega x (a,b) in one dimension more.

  Options: -domain_lower and -domain_upper, one number for each space coordinate or one for all of them.
  Its regions are in boxregion.c, the points on them in boxpoints.c (samplers) and boxtensor.c (grids).
*/
#include "box.h"

/* What one list of bounds says about all d coordinates: one number repeats */
static PetscErrorCode BoxFillBounds(EngdDomain domain, const char option[], const char text[], PetscInt n,
                                    const PetscReal values[], PetscReal bounds[])
{
  PetscFunctionBeginUser;
  PetscCheck(n == 1 || n == domain->nspace, domain->comm, PETSC_ERR_USER_INPUT,
             "%s %s: has %" PetscInt_FMT " numbers but there are %" PetscInt_FMT " space coordinates", option, text,
             n, domain->nspace);
  for (PetscInt i = 0; i < domain->nspace; i++) bounds[i] = values[n == 1 ? 0 : i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainSetFromOptions_Box(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdBox   *box = (EngdBox *)domain->data;
  char      *textl, *textu;
  PetscInt   nl, nu;
  PetscReal *l, *u;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_lower",
                            "Lower corner of the box: one number for each space coordinate, or one for all",
                            "EngdProblemSetBox", NULL, "0", &textl));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_upper",
                            "Upper corner of the box: one number for each space coordinate, or one for all",
                            "EngdProblemSetBox", NULL, "1", &textu));
  PetscCall(EngdParseReals("-domain_lower", textl, &nl, &l));
  PetscCall(EngdParseReals("-domain_upper", textu, &nu, &u));
  if (!domain->nspace) domain->nspace = PetscMax(nl, nu);
  PetscCall(PetscMalloc2(domain->nspace + 1, &box->lower, domain->nspace + 1, &box->upper));
  PetscCall(BoxFillBounds(domain, "-domain_lower", textl, nl, l, box->lower));
  PetscCall(BoxFillBounds(domain, "-domain_upper", textu, nu, u, box->upper));
  for (PetscInt i = 0; i < domain->nspace; i++)
    PetscCheck(box->lower[i] < box->upper[i], domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_lower %s -domain_upper %s: %g is not below %g in coordinate %" PetscInt_FMT, textl, textu,
               (double)box->lower[i], (double)box->upper[i], i + 1);
  box->lower[domain->nspace] = domain->interval[0];
  box->upper[domain->nspace] = domain->interval[1];
  PetscCall(PetscFree(l));
  PetscCall(PetscFree(u));
  PetscCall(PetscFree(textl));
  PetscCall(PetscFree(textu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainView_Box(EngdDomain domain, PetscViewer viewer)
{
  EngdBox *box = (EngdBox *)domain->data;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < domain->dim; i++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s in (%g, %g)\n", domain->coordinate[i], (double)box->lower[i],
                                     (double)box->upper[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* l <= x <= u, to rounding */
static PetscErrorCode EngdDomainContains_Box(EngdDomain domain, const PetscReal x[], PetscBool *inside)
{
  const EngdBox *box = (const EngdBox *)domain->data;

  PetscFunctionBeginUser;
  *inside = PETSC_TRUE;
  for (PetscInt i = 0; i < domain->dim; i++) {
    const PetscReal rounding = 1e-12 * (box->upper[i] - box->lower[i]);

    if (x[i] < box->lower[i] - rounding || x[i] > box->upper[i] + rounding) *inside = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdDomainDestroy_Box(EngdDomain domain)
{
  EngdBox *box = (EngdBox *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree2(box->lower, box->upper));
  PetscCall(PetscFree(domain->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainCreate_Box - Makes a domain a box.
*/
PetscErrorCode EngdDomainCreate_Box(EngdDomain domain)
{
  EngdBox *box;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&box));
  domain->data                = box;
  domain->ops->setfromoptions = EngdDomainSetFromOptions_Box;
  domain->ops->view           = EngdDomainView_Box;
  domain->ops->contains       = EngdDomainContains_Box;
  domain->ops->destroy        = EngdDomainDestroy_Box;
  domain->ops->pointssetup    = EngdPointsSetUp_Box;
  domain->ops->pointssample   = EngdPointsSample_Box;
  domain->ops->pointsdestroy  = EngdPointsDestroy_Box;
  PetscFunctionReturn(PETSC_SUCCESS);
}
