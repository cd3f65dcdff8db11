/*
  What all solids of options have: -domain_holes, shapes to take away, whose boundaries are the regions hole1, hole2, .., and
  the check that something is left.
*/
#include "shape.h"

#define PROBES 32768  /* points of the box around a solid, one of which must be in it, */
#define LEAST  1e-307 /* and a level below this, not 0 */

/*
  EngdSolidReadHoles - -domain_holes.
*/
PetscErrorCode EngdSolidReadHoles(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdSolid *solid = (EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-domain_holes",
                      "Shapes to take away, such as \"ball(.3,.3; .1), box(0,0; .1,.1)\"; also annulus(c; r1,r2), "
                      "polygon(x,y; x,y; ..), level_set(text). Their boundaries are the regions hole1, .., holes",
                      "EngdDomainRegister", NULL, NULL, &solid->holes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is some point of the box around the solid in it */
static PetscErrorCode CheckNotEmpty(EngdDomain domain)
{
  const EngdSolid *solid = (const EngdSolid *)domain->data;
  const PetscInt   d     = domain->nspace;
  PetscReal       *z;
  PetscBool        inside = (PetscBool)(solid->nshapes == 1 && solid->shape[0]->tight);

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(d, &z));
  for (PetscInt i = 0; i < PROBES && !inside; i++) {
    PetscCall(EngdSamplerHalton(d, PROBES, 0, 0, 0, i, z));
    for (PetscInt c = 0; c < d; c++) z[c] = (1.0 - z[c]) * solid->lower[c] + z[c] * solid->upper[c];
    PetscCall(EngdSolidContains(solid, z, -LEAST, &inside));
  }
  PetscCall(PetscFree(z));
  if (inside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(
      solid->holes || solid->nshapes > 1, domain->comm, PETSC_ERR_USER_INPUT,
      "-domain_level_set \"%s\": negative at none of %d places in the box of -domain_lower and -domain_upper; it "
      "is to be negative inside, and the box close around that",
      solid->text, PROBES);
  PetscCheck(!solid->holes, domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_holes \"%s\": nothing is left of the domain, the holes cover it", solid->holes);
  SETERRQ(domain->comm, PETSC_ERR_USER_INPUT, "-domain_shape \"%s\": it is empty", solid->text);
}

/* fails where the box around the last shape, that of a hole, does not reach into the box around the solid */
static PetscErrorCode CheckTakes(EngdDomain domain, const EngdSolid *solid, const char text[])
{
  const EngdShape hole = solid->shape[solid->nshapes - 1];

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < domain->nspace; c++)
    PetscCheck(
        hole->lower[c] < solid->upper[c] && hole->upper[c] > solid->lower[c], domain->comm, PETSC_ERR_USER_INPUT,
        "-domain_holes %s: it lies beside the domain, and takes nothing away; correct it, or leave it out", text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSolidSetUpHoles - Takes the holes away, and completes the solid.
*/
PetscErrorCode EngdSolidSetUpHoles(EngdDomain domain)
{
  EngdSolid *solid = (EngdSolid *)domain->data;
  char     **items, name[64];
  PetscInt   n, node, root;

  PetscFunctionBeginUser;
  PetscCall(EngdSolidSetUp(solid, domain));
  if (solid->holes) {
    PetscCall(EngdParseList("-domain_holes", solid->holes, &n, &items));
    for (PetscInt i = 0; i < n; i++) {
      root = solid->root;
      PetscCall(PetscSNPrintf(name, sizeof(name), "hole%" PetscInt_FMT, i + 1));
      PetscCall(
          EngdSolidParsePart(domain, "-domain_holes", items[i], name, solid->lower, solid->upper, solid, &node));
      PetscCall(CheckTakes(domain, solid, items[i]));
      PetscCall(EngdSolidAddNode(solid, '-', root, node, &root));
    }
    PetscCall(EngdListDestroy(n, &items));
    PetscCall(EngdSolidSetUp(solid, domain));
  }
  PetscCall(CheckNotEmpty(domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}
