/*
  The domain type compound: shapes of -domain_parts joined by the text -domain_shape (solidparse.c).
*/
#include "shape.h"

static PetscErrorCode EngdDomainSetFromOptions_Compound(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  EngdSolid *solid = (EngdSolid *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_shape",
                            "Shapes joined by | (union), & (intersection), - (difference) and parentheses, such as "
                            "plate - ball(0,0; .1); parts may overlap or touch",
                            "EngdDomainCreate_Compound", NULL, "\"plate - ball(.5,.5; .1)\"", &solid->text));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-domain_parts",
                      "Names for shapes, such as \"plate = box(0,0; 1,1), disc = ball(0,0; .1)\"; the part of the "
                      "boundary that is theirs is a region of that name",
                      "EngdDomainCreate_Compound", NULL, NULL, &solid->parts));
  PetscCall(EngdSolidReadHoles(domain, PetscOptionsObject));
  PetscCheck(domain->nspace, domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_type compound needs the names of its coordinates: give -domain_coordinates x,y");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* May a part have this name: not that of another region */
static PetscErrorCode CheckPartName(EngdDomain domain, const char name[])
{
  const char *const taken[] = {"interior", "boundary", "initial", "final", "holes", "point"};

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(taken); k++)
    PetscCheck(strcmp(name, taken[k]), domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_parts: %s is a region of every domain; choose another name", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parts `name = shape`, then the text over them */
static PetscErrorCode EngdDomainSetUp_Compound(EngdDomain domain)
{
  EngdSolid *solid = (EngdSolid *)domain->data;
  char     **items = NULL, **names, **one;
  PetscInt   n     = 0, m, *nodes;
  PetscBool  used;

  PetscFunctionBeginUser;
  if (solid->parts) PetscCall(EngdParseList("-domain_parts", solid->parts, &n, &items));
  PetscCall(PetscCalloc2(n, &names, n, &nodes));
  for (PetscInt i = 0; i < n; i++) {
    char *shape = strchr(items[i], '=');

    PetscCheck(shape, domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_parts \"%s\": \"%s\" is not of the form name = shape", solid->parts, items[i]);
    *shape++ = 0;
    while (*shape == ' ') shape++;
    PetscCall(EngdParseNames("-domain_parts", items[i], &m, &one));
    PetscCall(CheckPartName(domain, one[0]));
    PetscCall(PetscStrallocpy(one[0], &names[i]));
    PetscCall(EngdListDestroy(m, &one));
    PetscCall(EngdSolidParsePart(domain, "-domain_parts", shape, names[i], NULL, NULL, solid, &nodes[i]));
  }
  PetscCall(EngdSolidParse(domain, "-domain_shape", solid->text, n, names, nodes, solid));
  for (PetscInt i = 0; i < n; i++) {
    used = PETSC_FALSE;
    for (PetscInt k = 0; k < solid->nnodes; k++)
      used = (PetscBool)(used || solid->root == nodes[i] ||
                         (solid->node[k].op && (solid->node[k].a == nodes[i] || solid->node[k].b == nodes[i])));
    PetscCheck(used, domain->comm, PETSC_ERR_USER_INPUT, "-domain_parts: %s is not used in -domain_shape \"%s\"",
               names[i], solid->text);
    PetscCall(PetscFree(names[i]));
  }
  PetscCall(PetscFree2(names, nodes));
  PetscCall(EngdListDestroy(n, &items));
  PetscCall(EngdSolidSetUpHoles(domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainCreate_Compound - Makes a domain a union, an intersection, a difference of shapes.
*/
ENGD_REGISTER_DOMAIN("compound", EngdDomainCreate_Compound);
PetscErrorCode EngdDomainCreate_Compound(EngdDomain domain)
{
  PetscFunctionBeginUser;
  PetscCall(EngdDomainSetSolid(domain));
  domain->ops->setfromoptions = EngdDomainSetFromOptions_Compound;
  domain->ops->setup          = EngdDomainSetUp_Compound;
  PetscFunctionReturn(PETSC_SUCCESS);
}
