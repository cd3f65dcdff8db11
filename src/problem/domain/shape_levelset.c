/*
  A level set: {x in a box : phi(x) < 0}, phi a text of the coordinates, with the gradient that the language derives from it.

  Interior: the box, masked. Surface phi = 0: for each axis k the lines parallel to it, from points y of the face of the box
  across it. As sum_k n_k^2 = 1 and dy = |n_k| dS,

    integral over S of f = sum_k integral dy sum over the hits of the line y of f |n_k|,

  whose integrand is bounded everywhere: a hit has density |n_k|, nothing where the line grazes. Hits are changes of sign
  between SAMPLES points of a line, refined by Newton's steps in a bracket. Two hits between neighbouring samples are lost.
  Where the level set leaves the box the faces of the box bound it.

  Distance: -phi / sqrt(phi^2 + |grad phi|^2), with slope 1 at the surface.
*/
#include "shape.h"

#define SAMPLES 128
#define PROBES  1024 /* of a face of the box: is any of it inside */

typedef struct {
  char          *text;
  EngdExpression value;    /* phi */
  EngdExpression gradient; /* phi and its derivatives */
  PetscReal     *work;     /* [1 + nspace] */
  PetscReal     *line;     /* [SAMPLES + 1][nspace] */
  PetscReal     *phi;      /* [SAMPLES + 1] */
  PetscBool      cut;      /* is any face of the box part of the boundary */
  EngdBatch     *batch;    /* [nspace] */
} LevelSet;

/* work <- phi and its gradient at x */
static PetscErrorCode Gradient(EngdShape s, const PetscReal x[])
{
  LevelSet *l = (LevelSet *)s->data;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < s->nspace; c++) l->batch[c] = (EngdBatch){.base = x + c, .stride = s->nspace};
  PetscCall(EngdExpressionEvaluate(l->gradient, 1, l->batch, NULL, NULL, l->work, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* phi at n <= SAMPLES + 1 points x[n][nspace] */
static PetscErrorCode Values(EngdShape s, PetscInt n, const PetscReal x[], PetscReal phi[])
{
  LevelSet *l = (LevelSet *)s->data;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < s->nspace; c++) l->batch[c] = (EngdBatch){.base = x + c, .stride = s->nspace};
  PetscCall(EngdExpressionEvaluate(l->value, n, l->batch, NULL, NULL, phi, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Norm(PetscInt n, const PetscReal v[])
{
  PetscReal sum = 0.0;

  for (PetscInt c = 0; c < n; c++) sum += v[c] * v[c];
  return PetscSqrtReal(sum);
}

/* x_axis between a and b, where phi changes sign from `first`; x is changed */
static PetscErrorCode Refine(EngdShape s, PetscInt axis, PetscReal a, PetscReal b, PetscBool first, PetscReal x[])
{
  LevelSet *l = (LevelSet *)s->data;

  PetscFunctionBeginUser;
  x[axis] = 0.5 * (a + b);
  for (PetscInt i = 0; i < 100; i++) {
    PetscReal next;

    PetscCall(Gradient(s, x));
    if ((l->work[0] < 0) == (first == PETSC_TRUE))
      a = x[axis];
    else
      b = x[axis];
    next = x[axis] - l->work[0] / l->work[1 + axis];
    if (!(next > a && next < b)) next = 0.5 * (a + b);
    if (PetscAbsReal(next - x[axis]) <= 1e-15 * (PetscAbsReal(a) + PetscAbsReal(b) + b - a)) break;
    x[axis] = next;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The hits of one line */
static PetscErrorCode RayHits(EngdShape s, PetscInt axis, const PetscReal z[], EngdHits *hits)
{
  LevelSet      *l = (LevelSet *)s->data;
  const PetscInt d = s->nspace;

  PetscFunctionBeginUser;
  hits->n = 0;
  for (PetscInt j = 0; j <= SAMPLES; j++) {
    for (PetscInt c = 0, k = 0; c < d; c++) {
      const PetscReal t = c == axis ? (PetscReal)j / SAMPLES : z[k++];

      l->line[j * d + c] = (1.0 - t) * s->lower[c] + t * s->upper[c];
    }
  }
  PetscCall(Values(s, SAMPLES + 1, l->line, l->phi));
  for (PetscInt j = 0; j < SAMPLES; j++) {
    PetscReal *x = hits->x + hits->n * d, *n = hits->normal + hits->n * d, length;

    if ((l->phi[j] < 0) == (l->phi[j + 1] < 0)) continue;
    PetscCheck(hits->n < ENGD_HITS_MAX, s->comm, PETSC_ERR_SUP,
               "\"%s\": a line parallel to an axis meets it more than %d times", l->text, ENGD_HITS_MAX);
    PetscCall(PetscArraycpy(x, l->line + j * d, d));
    PetscCall(Refine(s, axis, l->line[j * d + axis], l->line[(j + 1) * d + axis], (PetscBool)(l->phi[j] < 0), x));
    length = Norm(d, l->work + 1);
    if (!(length > 0) || PetscIsInfOrNanReal(length)) continue; /* a pole or an edge: no normal */
    for (PetscInt c = 0; c < d; c++) n[c] = l->work[1 + c] / length;
    hits->density[hits->n++] = PetscAbsReal(n[axis]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeMap_LevelSet(EngdShape s, const EngdPatch *patch, const PetscReal z[], EngdHits *hits)
{
  PetscFunctionBeginUser;
  if (patch->rays) {
    PetscCall(RayHits(s, patch->number - 1, z, hits));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  hits->n          = 1;
  hits->density[0] = 1.0;
  for (PetscInt c = 0, k = 0; c < s->nspace; c++) {
    const PetscReal t = c == patch->fixed ? patch->side : z[k++];

    hits->x[c]      = (1.0 - t) * s->lower[c] + t * s->upper[c];
    hits->normal[c] = c == patch->fixed ? 2.0 * patch->side - 1.0 : 0.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* About the distance: phi / |grad phi| and how far x is outside the box; infinite where phi is not a number */
static PetscErrorCode EngdShapeLevel_LevelSet(EngdShape s, const PetscReal x[], PetscReal *level)
{
  LevelSet *l = (LevelSet *)s->data;
  PetscReal length;

  PetscFunctionBeginUser;
  PetscCall(Gradient(s, x));
  length = Norm(s->nspace, l->work + 1);
  *level = length > 0 && !PetscIsInfOrNanReal(length) ? l->work[0] / length : l->work[0];
  if (PetscIsNanReal(*level)) *level = PETSC_MAX_REAL;
  for (PetscInt c = 0; c < s->nspace; c++)
    *level = PetscMax(*level, PetscMax(s->lower[c] - x[c], x[c] - s->upper[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeDistance_LevelSet(EngdShape s, char *const coordinate[], char **text)
{
  const LevelSet *l = (const LevelSet *)s->data;
  EngdShape       box;
  char           *a, *b;

  PetscFunctionBeginUser;
  PetscCall(EngdTextPrint(&a, "(-(%s)/sqrt((%s)^2+normsq(grad(%s))))", l->text, l->text, l->text));
  *text = a;
  if (l->cut) {
    PetscCall(EngdShapeCreateBox(s->comm, s->nspace, s->lower, s->upper, &box));
    PetscCall((*box->distance)(box, coordinate, &b));
    PetscCall(EngdShapeDestroy(&box));
    PetscCall(EngdTextJoin(PETSC_TRUE, a, b, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeView_LevelSet(EngdShape s, char *const coordinate[], PetscViewer viewer)
{
  const LevelSet *l = (const LevelSet *)s->data;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer, "%s < 0\n", l->text));
  for (PetscInt c = 0; c < s->nspace; c++)
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "%s in (%g, %g)\n", coordinate[c], (double)s->lower[c], (double)s->upper[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EngdShapeDestroy_LevelSet(EngdShape s)
{
  LevelSet *l = (LevelSet *)s->data;

  PetscFunctionBeginUser;
  PetscCall(EngdExpressionDestroy(&l->value));
  PetscCall(EngdExpressionDestroy(&l->gradient));
  PetscCall(PetscFree(l->text));
  PetscCall(PetscFree4(l->work, l->line, l->phi, l->batch));
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Compiles phi and its gradient */
static PetscErrorCode LevelSetCompile(EngdShape s, const char option[], const EngdSymbols *all)
{
  LevelSet   *l       = (LevelSet *)s->data;
  EngdSymbols symbols = *all;

  PetscFunctionBeginUser;
  symbols.dim = symbols.nspace; /* a level set does not change in time */
  PetscCall(EngdExpressionCreate(&symbols, &l->value));
  PetscCall(EngdExpressionAppend(l->value, option, l->text));
  PetscCheck(l->value->ncomponents == 1, s->comm, PETSC_ERR_USER_INPUT,
             "%s \"%s\" must have one component, not %" PetscInt_FMT, option, l->text, l->value->ncomponents);
  PetscCall(EngdExpressionCompile(l->value, 0));
  PetscCall(EngdExpressionCreate(&symbols, &l->gradient));
  PetscCall(EngdExpressionAppend(l->gradient, option, l->text));
  PetscCall(EngdExpressionAppendGradient(l->gradient));
  PetscCall(EngdExpressionCompile(l->gradient, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Face f of the box, if any of PROBES points of it is inside */
static PetscErrorCode LevelSetAddFace(EngdShape s, PetscInt f)
{
  LevelSet      *l = (LevelSet *)s->data;
  const PetscInt d = s->nspace;
  EngdPatch     *patch;
  PetscReal     *z, area = 1.0;
  PetscBool      inside = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(d, &z));
  for (PetscInt i = 0; i < (d > 1 ? PROBES : 1) && !inside; i++) {
    PetscCall(EngdSamplerHalton(d - 1, PROBES, 0, 0, 0, i, z));
    for (PetscInt c = 0, k = 0; c < d; c++) {
      const PetscReal t = c == f / 2 ? (PetscReal)(f % 2) : z[k++];

      l->line[c] = (1.0 - t) * s->lower[c] + t * s->upper[c];
    }
    PetscCall(Values(s, 1, l->line, l->phi));
    if (l->phi[0] < 0) inside = PETSC_TRUE;
  }
  PetscCall(PetscFree(z));
  if (!inside) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < d; c++) area *= c == f / 2 ? 1.0 : s->upper[c] - s->lower[c];
  PetscCall(EngdShapeAddPatch(s, d - 1, PETSC_TRUE, area, &patch));
  patch->fixed    = f / 2;
  patch->side     = (PetscReal)(f % 2);
  patch->straight = PETSC_TRUE;
  l->cut          = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdShapeCreateLevelSet - {lower < x < upper : text < 0}. What the symbols name must outlive it.
*/
PetscErrorCode EngdShapeCreateLevelSet(MPI_Comm comm, const char option[], const char text[],
                                       const EngdSymbols *symbols, const PetscReal lower[], const PetscReal upper[],
                                       EngdShape *shape)
{
  const PetscInt d = symbols->nspace;
  EngdShape      s;
  EngdPatch     *patch;
  LevelSet      *l;
  PetscReal      volume = 1.0;

  PetscFunctionBeginUser;
  PetscCall(EngdShapeCreate(comm, d, &s));
  PetscCall(PetscNew(&l));
  s->data = l;
  PetscCall(PetscStrallocpy(text, &l->text));
  PetscCall(PetscMalloc4(1 + d, &l->work, (SAMPLES + 1) * d, &l->line, SAMPLES + 1, &l->phi, d, &l->batch));
  PetscCall(PetscArraycpy(s->lower, lower, d));
  PetscCall(PetscArraycpy(s->upper, upper, d));
  s->tight = PETSC_FALSE;
  PetscCall(LevelSetCompile(s, option, symbols));
  for (PetscInt c = 0; c < d; c++) volume *= upper[c] - lower[c];
  PetscCall(EngdShapeAddPatch(s, d, PETSC_FALSE, volume, &patch));
  patch->straight = PETSC_TRUE;
  for (PetscInt axis = 0; axis < d; axis++) {
    PetscCall(EngdShapeAddPatch(s, d - 1, PETSC_TRUE, volume / (upper[axis] - lower[axis]), &patch));
    patch->rays = PETSC_TRUE;
    PetscCall(PetscStrncpy(patch->name, "surface", sizeof(patch->name)));
  }
  for (PetscInt f = 0; f < 2 * d; f++) PetscCall(LevelSetAddFace(s, f));
  s->map      = EngdShapeMap_LevelSet;
  s->level    = EngdShapeLevel_LevelSet;
  s->distance = EngdShapeDistance_LevelSet;
  s->view     = EngdShapeView_LevelSet;
  s->destroy  = EngdShapeDestroy_LevelSet;
  *shape      = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}
