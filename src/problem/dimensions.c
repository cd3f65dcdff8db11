/*
  Random dimensions of points: the s of d space coordinates whose second derivatives estimate a Laplacian there.

    lap u ~ (d/s) sum_{j in J} u_jj,  J a set of s of 1, ..., d, each equally likely, another one for each point

  They are a function of (seed, stream, number of the point, epoch), as the points are, so that a loss is one function on any
  number of ranks until new points are drawn, and a checkpoint need not have them. Without replacement: s = d is the Laplacian.
  Method: Floyd's, s draws for s of d (Bentley & Floyd, Comm. ACM 30, 1987).
*/
#include <engd/private.h>

/* s of d, ascending */
static PetscErrorCode Draw(EngdPoints points, PetscInt64 number, PetscInt J[])
{
  const PetscInt s = points->nrandom, d = points->nspace;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < s; k++) {
    const PetscInt  last = d - s + k;
    const PetscReal z =
        EngdRandomUniform(points->seed, ENGD_STREAM_DIMENSIONS + points->stream, number, points->epoch, k);
    PetscInt j = PetscMin((PetscInt)(z * (PetscReal)(last + 1)), last);

    for (PetscInt i = 0; i < k; i++)
      if (J[i] == j) {
        j = last;
        break;
      }
    J[k] = j;
  }
  PetscCall(PetscSortInt(s, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsDrawDimensions - The random dimensions of the present epoch, numbers and epoch saying which.

  Not collective

  Input Parameter:
. points - nothing is done unless they have random dimensions

  Source: src/problem/dimensions.c
*/
PetscErrorCode EngdPointsDrawDimensions(EngdPoints points)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; points->nrandom && i < points->nlocal; i++)
    PetscCall(Draw(points, (PetscInt64)points->start + i, points->dimension + ENGD_COUNT(i, points->nrandom)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdPointsSetRandomDimensions - How many random dimensions each of the points has, here and wherever they will be.

  Not collective

  Input Parameters:
+ points - the points
- s      - 0 for none, at most as many as there are space coordinates

  Source: src/problem/dimensions.c
*/
PetscErrorCode EngdPointsSetRandomDimensions(EngdPoints points, PetscInt s)
{
  PetscFunctionBeginUser;
  points->nrandom = s;
  PetscCall(PetscFree(points->dimension));
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(ENGD_COUNT(points->nlocal, s) + 1, &points->dimension));
  PetscCall(EngdPointsDrawDimensions(points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdTermCheckRandomDimensions - Random dimensions have something to estimate. Collective, as an error is */
PetscErrorCode EngdTermCheckRandomDimensions(EngdProblem problem, EngdTerm term)
{
  const EngdPointwise pointwise = term->pointwise; /* of text or of a function in C */
  PetscBool           estimated = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt e = 0; e < pointwise->nentries; e++)
    estimated = (PetscBool)(estimated || pointwise->entry[e].laplacian > 0);
  PetscCheck(estimated || !term->points->nrandom, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_random_dimensions %" PetscInt_FMT
             ": the term has no lap() of an unknown to estimate; write it so, or leave the option out",
             term->name, term->points->nrandom);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdTermSetRandomDimensions - Of the points of a term, after the checks: they are of space, and of networks that see x itself.

  Logically collective

  Input Parameters:
+ problem - with its networks
. term    - with its points, and no expression yet
. s       - 0: nothing is done
- other   - the key of an option of this term that excludes them, or NULL

  Source: src/problem/dimensions.c
*/
PetscErrorCode EngdTermSetRandomDimensions(EngdProblem problem, EngdTerm term, PetscInt s, const char other[])
{
  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(s <= problem->domain->nspace, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_random_dimensions %" PetscInt_FMT ": there are %" PetscInt_FMT " space coordinates", term->name, s,
             problem->domain->nspace);
  PetscCheck(!other, problem->comm, PETSC_ERR_USER_INPUT,
             "-%s_random_dimensions %" PetscInt_FMT " and -%s_%s exclude each other: leave one out", term->name, s,
             term->name, other);
  for (PetscInt k = 0; k < problem->nnetworks; k++)
    PetscCheck(
        !problem->network[k].inputs, problem->comm, PETSC_ERR_USER_INPUT,
        "-%s_random_dimensions %" PetscInt_FMT
        ": there is no such estimate for a network whose inputs are not the coordinates, but \"%s\"; leave one "
        "of the two out",
        term->name, s, problem->network[k].inputs);
  PetscCall(EngdPointsSetRandomDimensions(term->points, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
