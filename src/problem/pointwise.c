/*
  Pointwise parts of terms: text, and functions in C of arguments that are text.

    r_c = f_c(a(Du)),   dr_c/dDu_i = sum_e f_ce a_e,i,   d^2r_c/dDu_i dDu_j = sum_ef f_c,ef a_e,i a_f,j + sum_e f_ce a_e,ij

  a are expressions of the raw jet Du, so an ansatz is seen through and unknown parameters may be arguments. A function
  has no structural zeros: its derivatives are stored for all entries, the second ones for j <= i.
*/
#include <engd/private.h>
#include <engd/raised.h>

#define STRIP 64 /* points that a function is called with at a time */

static PetscErrorCode Evaluate_Text(EngdPointwise p, PetscInt n, const EngdBatch x[], const EngdBatch normal[],
                                    const EngdBatch jet[], PetscReal value[], PetscReal first[], PetscReal second[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdExpressionEvaluate((EngdExpression)p->data, n, x, normal, jet, value, first, second));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Text(EngdPointwise p)
{
  EngdExpression expression = (EngdExpression)p->data;

  PetscFunctionBeginUser;
  PetscCall(EngdExpressionDestroy(&expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the numbers of the second derivatives, if the text has them by now */
static void TakeSecond(EngdPointwise p, EngdExpression e)
{
  p->nsecond          = e->nsecond;
  p->second_component = e->second_component;
  p->second_entry     = e->second_entry;
  p->second_other     = e->second_other;
  p->bytes            = EngdExpressionBytes(e);
}

static PetscErrorCode Differentiate_Text(EngdPointwise p)
{
  PetscFunctionBeginUser;
  PetscCall(EngdExpressionDifferentiate((EngdExpression)p->data));
  TakeSecond(p, (EngdExpression)p->data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointwiseCreateText(EngdExpression e, EngdPointwise *out)
{
  EngdPointwise p;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  *p = (struct _n_EngdPointwise){.ncomponents     = e->ncomponents,
                                 .nvalues         = e->ncomponents,
                                 .nentries        = e->nentries,
                                 .entry           = e->entry,
                                 .nfirst          = e->nfirst,
                                 .first_component = e->first_component,
                                 .first_entry     = e->first_entry,
                                 .twice           = PETSC_TRUE,
                                 .evaluate        = Evaluate_Text,
                                 .differentiate   = Differentiate_Text,
                                 .destroy         = Destroy_Text,
                                 .data            = e};
  TakeSecond(p, e);
  *out = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A function in C: f and its derivatives in the arguments, the arguments and theirs in the jet, at the points of a strip */
typedef struct {
  EngdCallback   callback;
  EngdExpression arguments;
  PetscReal     *f, *f1, *f2; /* [nc][STRIP], [nc][na][STRIP], [nc][na][na][STRIP] */
  PetscReal     *a, *a1, *a2; /* [na][STRIP], [arguments->nfirst][STRIP], [arguments->nsecond][STRIP] */
  EngdBatch     *x, *jet;     /* [dim + ndata], [nentries] of the strip */
  PetscInt      *index;       /* first_component, first_entry */
  PetscInt      *twice;       /* second_component, second_entry, second_other */
} Callback;

/* the function on m points whose arguments stand in a */
static PetscErrorCode Call(EngdPointwise p, PetscInt m, const PetscReal x[], const PetscReal normal[],
                           PetscBool first, PetscBool second)
{
  const Callback  *c  = (const Callback *)p->data;
  const PetscInt   na = c->arguments->ncomponents, nc = p->ncomponents;
  const PetscInt64 raised = EngdErrorsRaised();
  PetscErrorCode   ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(c->f, nc * m));
  if (first) PetscCall(PetscArrayzero(c->f1, nc * na * m));
  if (second) PetscCall(PetscArrayzero(c->f2, nc * na * na * m));
  ierr = (*c->callback->function)(c->callback->ctx, m, x, normal, c->a, c->f, first ? c->f1 : NULL,
                                  second ? c->f2 : NULL);
  if (ierr && EngdErrorsRaised() > raised) PetscCall(ierr); /* it has said itself what is wrong */
  PetscCheck(!ierr, PETSC_COMM_SELF, PETSC_ERR_USER, "the function of term '%s' failed with error %d",
             c->callback->term, (int)ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* first (dense) at m points from `start` of n on */
static void ChainFirst(EngdPointwise p, PetscInt m, PetscInt start, PetscInt n, PetscReal first[])
{
  const Callback      *c = (const Callback *)p->data;
  const EngdExpression a = c->arguments;

  for (PetscInt r = 0; r < p->ncomponents; r++) {
    for (PetscInt k = 0; k < a->nfirst; k++) {
      const PetscReal *f = c->f1 + ENGD_COUNT(r * a->ncomponents + a->first_component[k], m);
      const PetscReal *d = c->a1 + ENGD_COUNT(k, m);
      PetscReal       *y = first + ENGD_COUNT(r * p->nentries + a->first_entry[k], n) + start;

      for (PetscInt i = 0; i < m; i++) y[i] += f[i] * d[i];
    }
  }
}

/* where the second derivative in entries e >= f of component r stands */
static PetscInt SecondIndex(EngdPointwise p, PetscInt r, PetscInt e, PetscInt f)
{
  return r * (p->nentries * (p->nentries + 1) / 2) + e * (e + 1) / 2 + f;
}

/* second (dense) likewise */
static void ChainSecond(EngdPointwise p, PetscInt m, PetscInt start, PetscInt n, PetscReal second[])
{
  const Callback      *c  = (const Callback *)p->data;
  const EngdExpression a  = c->arguments;
  const PetscInt       na = a->ncomponents;

  for (PetscInt r = 0; r < p->ncomponents; r++) {
    for (PetscInt k = 0; k < a->nfirst; k++) {
      for (PetscInt l = 0; l < a->nfirst; l++) {
        const PetscInt   high = PetscMax(a->first_component[k], a->first_component[l]);
        const PetscInt   low  = PetscMin(a->first_component[k], a->first_component[l]);
        const PetscReal *f    = c->f2 + ENGD_COUNT((r * na + high) * na + low, m);
        const PetscReal *dk = c->a1 + ENGD_COUNT(k, m), *dl = c->a1 + ENGD_COUNT(l, m);
        PetscReal       *y;

        if (a->first_entry[k] < a->first_entry[l]) continue;
        y = second + ENGD_COUNT(SecondIndex(p, r, a->first_entry[k], a->first_entry[l]), n) + start;
        for (PetscInt i = 0; i < m; i++) y[i] += f[i] * dk[i] * dl[i];
      }
    }
    for (PetscInt k = 0; k < a->nsecond; k++) {
      const PetscReal *f = c->f1 + ENGD_COUNT(r * na + a->second_component[k], m), *d = c->a2 + ENGD_COUNT(k, m);
      PetscReal       *y = second + ENGD_COUNT(SecondIndex(p, r, a->second_entry[k], a->second_other[k]), n) + start;

      for (PetscInt i = 0; i < m; i++) y[i] += f[i] * d[i];
    }
  }
}

/* batches of the strip from `start` on */
static void Shift(PetscInt n, const EngdBatch from[], PetscInt start, EngdBatch to[])
{
  for (PetscInt i = 0; i < n; i++)
    to[i] = (EngdBatch){from[i].base + ENGD_COUNT(start, from[i].stride), from[i].stride};
}

static PetscErrorCode Evaluate_Callback(EngdPointwise p, PetscInt n, const EngdBatch x[], const EngdBatch normal[],
                                        const EngdBatch jet[], PetscReal value[], PetscReal first[],
                                        PetscReal second[])
{
  const Callback    *c     = (const Callback *)p->data;
  const EngdSymbols *s     = &c->arguments->symbols;
  const PetscBool    twice = (PetscBool)(second && p->nsecond), once = (PetscBool)(first || twice);
  EngdBatch         *at = c->x + s->dim + s->ndata;

  PetscFunctionBeginUser;
  if (first) PetscCall(PetscArrayzero(first, ENGD_COUNT(p->nfirst, n)));
  if (twice) PetscCall(PetscArrayzero(second, ENGD_COUNT(p->nsecond, n)));
  for (PetscInt start = 0; start < n; start += STRIP) {
    const PetscInt m = PetscMin(STRIP, n - start);

    Shift(s->dim + s->ndata, x, start, c->x);
    if (normal) Shift(s->nspace, normal, start, at);
    Shift(p->nentries, jet, start, c->jet);
    PetscCall(EngdExpressionEvaluate(c->arguments, m, c->x, normal ? at : NULL, c->jet, c->a, once ? c->a1 : NULL,
                                     twice ? c->a2 : NULL));
    PetscCall(Call(p, m, c->x[0].base, normal ? at[0].base : NULL, once, twice));
    for (PetscInt r = 0; r < p->ncomponents; r++)
      PetscCall(PetscArraycpy(value + ENGD_COUNT(r, n) + start, c->f + ENGD_COUNT(r, m), m));
    if (first) ChainFirst(p, m, start, n, first);
    if (twice) ChainSecond(p, m, start, n, second);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Callback(EngdPointwise p)
{
  Callback *c = (Callback *)p->data;

  PetscFunctionBeginUser;
  PetscCall(EngdExpressionDestroy(&c->arguments));
  PetscCall(PetscFree4(c->f, c->f1, c->a, c->a1));
  PetscCall(PetscFree3(c->f2, c->a2, c->twice));
  PetscCall(PetscFree3(c->x, c->jet, c->index));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all pairs of component and entry */
static void NumberFirst(EngdPointwise p, PetscInt index[])
{
  PetscInt *component = index, *entry = component + p->nfirst;

  p->first_component = component;
  p->first_entry     = entry;
  for (PetscInt r = 0; r < p->ncomponents; r++) {
    for (PetscInt e = 0; e < p->nentries; e++) {
      *component++ = r;
      *entry++     = e;
    }
  }
}

/* all of component and entries e >= f, in the order of SecondIndex() */
static void NumberSecond(EngdPointwise p, PetscInt index[])
{
  PetscInt *component = index, *entry = component + p->nsecond, *other = entry + p->nsecond;

  p->second_component = component;
  p->second_entry     = entry;
  p->second_other     = other;
  for (PetscInt r = 0; r < p->ncomponents; r++) {
    for (PetscInt e = 0; e < p->nentries; e++) {
      for (PetscInt f = 0; f <= e; f++) {
        *component++ = r;
        *entry++     = e;
        *other++     = f;
      }
    }
  }
}

static PetscErrorCode Differentiate_Callback(EngdPointwise p)
{
  Callback      *c  = (Callback *)p->data;
  const PetscInt na = c->arguments->ncomponents, m = p->nentries;

  PetscFunctionBeginUser;
  PetscCall(EngdExpressionDifferentiate(c->arguments));
  p->nsecond = p->ncomponents * (m * (m + 1) / 2);
  p->bytes   = EngdExpressionBytes(c->arguments);
  PetscCall(PetscMalloc3(p->ncomponents * na * na * STRIP, &c->f2, c->arguments->nsecond * STRIP, &c->a2,
                         3 * p->nsecond, &c->twice));
  NumberSecond(p, c->twice);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointwiseCreateCallback(EngdCallback callback, EngdExpression arguments, EngdPointwise *out)
{
  const PetscInt     na = arguments->ncomponents, nc = callback->ncomponents, m = arguments->nentries;
  const EngdSymbols *s = &arguments->symbols;
  EngdPointwise      p;
  Callback          *c;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  PetscCall(PetscNew(&c));
  *p           = (struct _n_EngdPointwise){.ncomponents   = nc,
                                           .nvalues       = nc,
                                           .nentries      = m,
                                           .entry         = arguments->entry,
                                           .nfirst        = nc * m,
                                           .twice         = callback->second,
                                           .evaluate      = Evaluate_Callback,
                                           .differentiate = callback->second ? Differentiate_Callback : NULL,
                                           .destroy       = Destroy_Callback,
                                           .data          = c,
                                           .bytes         = EngdExpressionBytes(arguments)};
  c->callback  = callback;
  c->arguments = arguments;
  PetscCall(
      PetscMalloc4(nc * STRIP, &c->f, nc * na * STRIP, &c->f1, na * STRIP, &c->a, arguments->nfirst * STRIP, &c->a1));
  PetscCall(PetscMalloc3(s->dim + s->ndata + s->nspace, &c->x, m, &c->jet, 2 * p->nfirst, &c->index));
  NumberFirst(p, c->index);
  *out = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointwiseDifferentiate(EngdPointwise p)
{
  PetscFunctionBeginUser;
  if (p->differentiate) PetscCall((*p->differentiate)(p));
  p->differentiate = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdPointwiseDestroy(EngdPointwise *p)
{
  PetscFunctionBeginUser;
  if (!*p) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*(*p)->destroy)(*p));
  PetscCall(PetscFree(*p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* one more function on the list of the problem */
static PetscErrorCode AddCallback(EngdProblem problem, const struct _n_EngdCallback *given)
{
  EngdCallback callback;

  PetscFunctionBeginUser;
  PetscCheck(!problem->nterms, problem->comm, PETSC_ERR_ORDER,
             "the function of term '%s' comes too late: give it before EngdProblemSetFromOptions()", given->term);
  PetscCheck(given->function && given->ncomponents > 0, problem->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "the function of term '%s' with %" PetscInt_FMT " components: give a function and a positive number",
             given->term, given->ncomponents);
  PetscCall(PetscNew(&callback));
  *callback      = *given;
  callback->next = problem->callback;
  PetscCall(PetscStrallocpy(given->term, &callback->term));
  PetscCall(PetscStrallocpy(given->arguments, &callback->arguments));
  problem->callback = callback;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemSetTermResidual - The residual of a term as a function in C, in place of -<term>_residual.

  Logically collective

  Input Parameters:
+ problem     - before its options are read; the term is one of -terms
. term        - its name
. arguments   - what the function reads, expressions with commas between them: "u, lap(u), nu"
. ncomponents - of the residual
. function    - see EngdPointwiseFn; an error that it returns ends the run with one line
. second      - does it have second derivatives; without them -tao_engd_curvature energy and hessian are refused
. ctx         - handed to it
- destroy     - called with ctx at the end; NULL: not

  Source: src/problem/pointwise.c
*/
PetscErrorCode EngdProblemSetTermResidual(EngdProblem problem, const char term[], const char arguments[],
                                          PetscInt ncomponents, EngdPointwiseFn function, PetscBool second, void *ctx,
                                          PetscErrorCode (*destroy)(void *))
{
  const struct _n_EngdCallback callback = {.term        = (char *)term,
                                           .arguments   = (char *)arguments,
                                           .second      = second,
                                           .ncomponents = ncomponents,
                                           .function    = function,
                                           .ctx         = ctx,
                                           .destroy     = destroy};

  PetscFunctionBeginUser;
  PetscCall(AddCallback(problem, &callback));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemSetTermEnergy - Sets the energy density of a term as a function in C, in place of -<term>_energy.

  Logically collective

  Input Parameters:
+ problem   - before its options are read; the term is one of -terms
. term      - its name
. arguments - what the function is of, a list such as "u, grad(u)"
. function  - one component, see EngdPointwiseFn in engd.h
. second    - does it have second derivatives
. ctx       - passed to it
- destroy   - called with ctx at the end, or NULL

  Errors: PETSC_ERR_ORDER after the options have been read

  Note: without second derivatives the curvature is not known, so it is for optimisers of first order and for
  -tao_engd_curvature l2 and h1

  Source: src/problem/pointwise.c
*/
PetscErrorCode EngdProblemSetTermEnergy(EngdProblem problem, const char term[], const char arguments[],
                                        EngdPointwiseFn function, PetscBool second, void *ctx,
                                        PetscErrorCode (*destroy)(void *))
{
  const struct _n_EngdCallback callback = {.term        = (char *)term,
                                           .arguments   = (char *)arguments,
                                           .energy      = PETSC_TRUE,
                                           .second      = second,
                                           .ncomponents = 1,
                                           .function    = function,
                                           .ctx         = ctx,
                                           .destroy     = destroy};

  PetscFunctionBeginUser;
  PetscCall(AddCallback(problem, &callback));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdCallbacksDestroy(EngdCallback *list)
{
  PetscFunctionBeginUser;
  while (*list) {
    EngdCallback callback = *list;

    *list = callback->next;
    if (callback->destroy) PetscCall((*callback->destroy)(callback->ctx));
    PetscCall(PetscFree(callback->term));
    PetscCall(PetscFree(callback->arguments));
    PetscCall(PetscFree(callback));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
