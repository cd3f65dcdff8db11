/*
  TAO types "competitive" and "extragradient": saddle points, min over x and max over y of L (-TERM_maximise says which is which).

    extragradient   half = theta - eta S g(theta),   theta <- theta - eta S g(half),   S = 1 on x, -1 on y
    competitive     (I + eta^2 D_xy D_yx) dx = -eta (g_x + eta D_xy g_y),   dy = eta (g_y + D_yx dx)

  Competitive gradient descent is the Nash equilibrium of the bilinear model with the two proximal terms. Its mixed derivatives are
  those of G = J^T W J with W = d^2 e/dDu^2: where x and y have networks of their own no second derivative of a network enters D_xy. So
  an iteration of the solver, CG on products (-tao_competitive_ksp_...), costs two products with G. Lagrange-Newton is -tao_engd_step
  saddle with a direction of engd on all of G.
  References: Korpelevich 1976; Schaefer and Anandkumar (arXiv 1905.12103); competitive PINNs: Zeng et al. (2204.11144).
*/
#include "maximise.h"

typedef struct {
  const char *type, *option; /* that of the length */
  PetscReal   length;
  Mat         G, C; /* C: I + eta^2 D_xy D_yx on x */
  KSP         ksp;  /* NULL of extragradient */
  Vec         sign, d, half, work, product;
} Minimax;

/* v <- the entries of v with this sign, zeros elsewhere */
static PetscErrorCode Keep(const Minimax *m, PetscReal sign, Vec v)
{
  const PetscReal *s;
  PetscReal       *x;
  PetscInt         n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(m->sign, &s));
  PetscCall(VecGetArray(v, &x));
  for (PetscInt j = 0; j < n; j++)
    if (s[j] != sign) x[j] = 0;
  PetscCall(VecRestoreArray(v, &x));
  PetscCall(VecRestoreArrayRead(m->sign, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to <- D of the rows with this sign and the columns with the other one, times v */
static PetscErrorCode Mixed(Minimax *m, PetscReal sign, Vec v, Vec to)
{
  PetscFunctionBeginUser;
  PetscCall(VecCopy(v, m->work));
  PetscCall(Keep(m, -sign, m->work));
  PetscCall(MatMult(m->G, m->work, to));
  PetscCall(Keep(m, sign, to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = x + eta^2 D_xy D_yx x */
static PetscErrorCode MatMult_Schur(Mat C, Vec x, Vec y)
{
  Minimax *m;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(C, &m));
  PetscCall(Mixed(m, -1, x, m->product));
  PetscCall(Mixed(m, 1, m->product, y));
  PetscCall(VecAYPX(y, m->length * m->length, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Tao tao, void *data, Vec theta)
{
  Minimax *m = (Minimax *)data;
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(TaoGetHessian(tao, &m->G, NULL, NULL, NULL));
  PetscCall(VecDuplicate(theta, &m->d));
  PetscCall(VecDuplicate(theta, &m->half));
  PetscCall(VecDuplicate(theta, &m->work));
  PetscCall(VecDuplicate(theta, &m->product));
  if (!m->ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetLocalSize(theta, &n));
  PetscCall(VecGetSize(theta, &N));
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)tao), n, n, N, N, m, &m->C));
  PetscCall(MatShellSetOperation(m->C, MATOP_MULT, (void (*)(void))MatMult_Schur));
  PetscCall(MatSetOption(m->C, MAT_SPD, PETSC_TRUE));
  PetscCall(KSPSetOperators(m->ksp, m->C, m->C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d of competitive gradient descent, and how many iterations its system took */
static PetscErrorCode Compete(Tao tao, Minimax *m, const EngdIterate *it, PetscInt *iterations)
{
  const PetscReal eta = m->length;

  PetscFunctionBeginUser;
  PetscCall(TaoComputeHessian(tao, it->theta, m->G, m->G));
  PetscCall(Mixed(m, 1, it->gradient, m->half));
  PetscCall(VecAXPBY(m->half, -eta, -eta * eta, it->gradient));
  PetscCall(Keep(m, 1, m->half));
  PetscCall(KSPSolve(m->ksp, m->half, m->d));
  PetscCall(KSPGetIterationNumber(m->ksp, iterations));
  PetscCall(Mixed(m, -1, m->d, m->half));
  PetscCall(VecCopy(it->gradient, m->work));
  PetscCall(Keep(m, -1, m->work));
  PetscCall(VecAXPY(m->d, eta, m->half));
  PetscCall(VecAXPY(m->d, eta, m->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d of the extragradient method: the gradient half way */
static PetscErrorCode LookAhead(Tao tao, Minimax *m, const EngdIterate *it)
{
  PetscReal loss;

  PetscFunctionBeginUser;
  PetscCall(VecPointwiseMult(m->d, m->sign, it->gradient));
  PetscCall(VecWAXPY(m->half, -m->length, m->d, it->theta));
  PetscCall(TaoComputeObjectiveAndGradient(tao, m->half, &loss, m->work));
  PetscCall(VecPointwiseMult(m->d, m->sign, m->work));
  PetscCall(VecScale(m->d, -m->length));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Iterate(Tao tao, void *data, EngdIterate *it)
{
  Minimax *m = (Minimax *)data;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(engd_log.direction, 0, 0, 0, 0));
  if (m->ksp)
    PetscCall(Compete(tao, m, it, &it->status.krylov_iterations));
  else
    PetscCall(LookAhead(tao, m, it));
  PetscCall(PetscLogEventEnd(engd_log.direction, 0, 0, 0, 0));
  it->status.step = m->length;
  PetscCall(VecAXPY(it->theta, 1, m->d));
  PetscCall(TaoComputeObjectiveAndGradient(tao, it->theta, &it->loss, it->gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(Tao tao, void *data, EngdOptionItems PetscOptionsObject)
{
  Minimax       *m = (Minimax *)data;
  EngdFunctional F;
  char           asking[64];
  Mat            G;

  PetscFunctionBeginUser;
  PetscCall(TaoGetHessian(tao, &G, NULL, NULL, NULL));
  PetscCall(EngdGramianGetFunctional(G, &F));
  PetscCall(PetscSNPrintf(asking, sizeof(asking), "-tao_type %s", m->type));
  PetscOptionsHeadBegin(PetscOptionsObject, "Saddle points");
  PetscCall(PetscOptionsReal(m->option, "eta, the length of the steps, positive",
                             "TAO types competitive, extragradient", m->length, &m->length, NULL));
  PetscOptionsHeadEnd();
  if (m->ksp) PetscCall(KSPSetFromOptions(m->ksp));
  PetscCheck(m->length > 0 && !PetscIsInfOrNanReal(m->length), F->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "%s %g: give a positive number", m->option, (double)m->length);
  PetscCheck(!F->curvature->for_hessian && F->curvature->values < 0, F->comm, PETSC_ERR_USER_INPUT,
             "%s with -tao_engd_curvature %s: the mixed derivatives are those of energy; leave the option out",
             asking, F->curvature->type);
  PetscCall(VecDestroy(&m->sign));
  PetscCall(EngdMaximiseSigns(F, asking, &m->sign));
  if (m->ksp) PetscCall(EngdMaximiseCheckMixed(F));
  PetscCall(EngdMaximiseAllow(tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View(Tao tao, void *data, PetscViewer viewer)
{
  const Minimax *m = (const Minimax *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(PetscViewerASCIIPrintf(viewer, "length of steps %g\n", (double)m->length));
  if (m->ksp) PetscCall(KSPView(m->ksp, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void *data)
{
  Minimax *m = (Minimax *)data;

  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&m->ksp));
  PetscCall(MatDestroy(&m->C));
  PetscCall(VecDestroy(&m->sign));
  PetscCall(VecDestroy(&m->d));
  PetscCall(VecDestroy(&m->half));
  PetscCall(VecDestroy(&m->work));
  PetscCall(VecDestroy(&m->product));
  PetscCall(PetscFree(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Tao tao, const char type[], const char option[], PetscReal length, Minimax **out)
{
  static const EngdTaoOps ops = {SetUp, NULL, NULL, Iterate, SetFromOptions, View, Destroy};
  Minimax                *m;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  m->type   = type;
  m->option = option;
  m->length = length;
  *out      = m;
  PetscCall(EngdTaoBecome(tao, &ops, m, 10000));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  "extragradient" - of a minimax problem (-TERM_maximise): the gradient half a step ahead.

  Options Database Key:
. -tao_extragradient_length eta - 1e-3
M*/
ENGD_REGISTER_TAO("extragradient", TaoCreate_Extragradient, 0);
PetscErrorCode TaoCreate_Extragradient(Tao tao)
{
  Minimax *m = NULL;

  PetscFunctionBeginUser;
  PetscCall(Create(tao, "extragradient", "-tao_extragradient_length", 1e-3, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  "competitive" - competitive gradient descent on a minimax problem (-TERM_maximise).

  Options Database Keys:
+ -tao_competitive_length eta - 1e-2
- -tao_competitive_ksp_type   - cg, or gmres, minres, ... on products; and all other options of KSP
M*/
ENGD_REGISTER_TAO("competitive", TaoCreate_Competitive, 0);
PetscErrorCode TaoCreate_Competitive(Tao tao)
{
  Minimax *m = NULL;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(Create(tao, "competitive", "-tao_competitive_length", 1e-2, &m));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)tao), &m->ksp));
  PetscCall(KSPSetOptionsPrefix(m->ksp, "tao_competitive_"));
  PetscCall(KSPSetType(m->ksp, KSPCG));
  PetscCall(KSPGetPC(m->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
