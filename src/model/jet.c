/*
  Jets of the model: those of its networks, each with its own inputs, channels and part of theta, and the unknown parameters.

    u = (u_1, u_2, ..., q),   tangent (du_1, du_2, ..., dq),   adjoint: of each network from its part of gu, and gq as it is

  A network that the layout does not read is passed over: its part of a gradient and of rows is zero.
*/
#include <engd/private.h>

/* theta and its like, from the parameters of part k on */
static size_t Parameters(EngdModelJet jet, PetscInt k)
{
  return (size_t)(k < jet->model->nparts ? jet->model->part[k].parameter : jet->model->nweights);
}

/* numbers of part k in u */
static size_t PartCount(EngdModelJet jet, PetscInt k)
{
  return jet->part[k] ? ENGD_COUNT(jet->model->part[k].network->noutputs, jet->layout->part[k]->nchannels * jet->n)
                      : 0;
}

/* where the unknown parameters begin in u */
static size_t UnknownOffset(EngdModelJet jet)
{
  return ENGD_COUNT(jet->layout->nrows - jet->layout->nunknowns, jet->n);
}

/* the unknown parameters of theta at all points, behind the outputs of u */
static void CopyUnknowns(EngdModelJet jet, const PetscReal theta[], PetscReal u[])
{
  const PetscInt   q       = jet->layout->nunknowns;
  const PetscReal *unknown = theta + jet->model->nweights;
  PetscReal       *tail    = u + UnknownOffset(jet);

  for (PetscInt i = 0; q && i < jet->n; i++) {
    for (PetscInt k = 0; k < q; k++) tail[ENGD_COUNT(i, q) + k] = unknown[k];
  }
}

void EngdModelJetSetDimensions(EngdModelJet jet, const PetscInt dimension[])
{
  for (PetscInt k = 0; k < jet->model->nparts; k++)
    if (jet->part[k]) jet->part[k]->dimension = dimension;
}

PetscErrorCode EngdModelForward(EngdModelJet jet, const PetscReal theta[], PetscInt n, const PetscReal x[])
{
  PetscReal *u = jet->u;

  PetscFunctionBeginUser;
  jet->n = n;
  jet->x = x;
  for (PetscInt k = 0; k < jet->model->nparts; k++) {
    if (!jet->part[k]) continue;
    PetscCall(EngdJetSetOutputs(jet->part[k], u));
    PetscCall(EngdJetForward(jet->part[k], theta + Parameters(jet, k), n, x));
    u += PartCount(jet, k);
  }
  CopyUnknowns(jet, theta, jet->u);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelTangent(EngdModelJet jet, const PetscReal theta[], const PetscReal dtheta[],
                                EngdModelWork work, PetscReal du[])
{
  PetscReal *next = du;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < jet->model->nparts; k++) {
    const size_t at = Parameters(jet, k);

    if (!jet->part[k]) continue;
    PetscCall(EngdJetTangent(jet->part[k], theta + at, dtheta + at, work->part[k], next));
    next += PartCount(jet, k);
  }
  CopyUnknowns(jet, dtheta, du);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a visitor of the model's layers, for those of part k */
typedef struct {
  EngdModelJet     jet;
  PetscInt         first;
  EngdModelVisitor visit;
  void            *ctx;
} Visit;

static PetscErrorCode VisitLayer(EngdJet part, PetscInt l, const PetscReal z[], const PetscReal g[], void *data)
{
  const Visit *visit = (const Visit *)data;

  PetscFunctionBeginUser;
  (void)part;
  PetscCall((*visit->visit)(visit->jet, visit->first + l, z, g, visit->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelAdjoint(EngdModelJet jet, const PetscReal theta[], const PetscReal gu[], EngdModelWork work,
                                EngdModelVisitor visitor, void *ctx)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < jet->model->nparts; k++) {
    Visit visit = {jet, jet->model->part[k].layer, visitor, ctx};

    if (!jet->part[k]) continue;
    PetscCall(EngdJetAdjoint(jet->part[k], theta + Parameters(jet, k), gu, work->part[k], VisitLayer, &visit));
    gu += PartCount(jet, k);
  }
  if (jet->layout->nunknowns) PetscCall((*visitor)(jet, jet->model->nlayers - 1, NULL, gu, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gradient += the sum over the points of the cotangents of the unknown parameters */
static void AddUnknowns(EngdModelJet jet, const PetscReal gu[], PetscReal gradient[])
{
  const PetscInt   q   = jet->layout->nunknowns;
  const PetscReal *g   = gu + UnknownOffset(jet);
  PetscReal       *sum = gradient + jet->model->nweights;

  for (PetscInt i = 0; q && i < jet->n; i++) {
    for (PetscInt k = 0; k < q; k++) sum[k] += g[ENGD_COUNT(i, q) + k];
  }
}

PetscErrorCode EngdModelGradient(EngdModelJet jet, const PetscReal theta[], const PetscReal gu[], EngdModelWork work,
                                 PetscReal gradient[])
{
  const PetscReal *g = gu;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < jet->model->nparts; k++) {
    const size_t at = Parameters(jet, k);

    if (!jet->part[k]) continue;
    PetscCall(EngdJetGradient(jet->part[k], theta + at, g, work->part[k], gradient + at));
    g += PartCount(jet, k);
  }
  AddUnknowns(jet, gu, gradient);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelHessian(EngdModelJet jet, const PetscReal theta[], const PetscReal dtheta[],
                                const PetscReal gu[], const PetscReal dgu[], EngdModelWork work, PetscReal sum[])
{
  size_t from = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < jet->model->nparts; k++) {
    const size_t at = Parameters(jet, k);

    if (!jet->part[k]) continue;
    PetscCall(EngdJetHessian(jet->part[k], theta + at, dtheta + at, gu + from, dgu + from, work->part[k], sum + at));
    from += PartCount(jet, k);
  }
  AddUnknowns(jet, dgu, sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the networks in turn, then the unknown parameters as they are */
size_t EngdModelCotangentCount(EngdModel model, EngdModelLayout layout, PetscInt n)
{
  size_t count = ENGD_COUNT(layout->nunknowns, n);

  for (PetscInt k = 0; k < model->nparts; k++) {
    if (layout->part[k]) count += EngdJetCotangentCount(model->part[k].network, layout->part[k], n);
  }
  return count;
}

PetscErrorCode EngdModelCotangents(EngdModelJet jet, const PetscReal theta[], const PetscReal gu[],
                                   EngdModelWork work, PetscReal g[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < jet->model->nparts; k++) {
    if (!jet->part[k]) continue;
    PetscCall(EngdJetCotangents(jet->part[k], theta + Parameters(jet, k), gu, work->part[k], g));
    gu += PartCount(jet, k);
    g += EngdJetCotangentCount(jet->model->part[k].network, jet->layout->part[k], jet->n);
  }
  PetscCall(PetscArraycpy(g, gu, ENGD_COUNT(jet->layout->nunknowns, jet->n)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* zeros in the columns of part k of rows p apart */
static PetscErrorCode ZeroRows(EngdModelJet jet, PetscInt k, PetscInt nrows, PetscReal rows[])
{
  const EngdModel model = jet->model;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < nrows; i++)
    PetscCall(PetscArrayzero(rows + ENGD_COUNT(i, model->nparameters) + Parameters(jet, k),
                             model->part[k].network->nparameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the columns of the unknown parameters from their cotangents g (nunknowns, n) */
static PetscErrorCode WriteUnknowns(EngdModelJet jet, const PetscReal g[], PetscInt begin, PetscInt end,
                                    PetscReal rows[])
{
  const PetscInt q = jet->layout->nunknowns;

  PetscFunctionBeginUser;
  for (PetscInt i = begin; q && i < end; i++)
    PetscCall(PetscArraycpy(rows + ENGD_COUNT(i - begin, jet->model->nparameters) + jet->model->nweights,
                            g + ENGD_COUNT(i, q), q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelWriteRows(EngdModelJet jet, const PetscReal g[], PetscInt begin, PetscInt end,
                                  PetscReal rows[])
{
  const EngdModel model = jet->model;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < model->nparts; k++) {
    if (!jet->part[k]) {
      PetscCall(ZeroRows(jet, k, end - begin, rows));
      continue;
    }
    PetscCall(EngdJetWriteRows(jet->part[k], g, begin, end, model->nparameters, rows + Parameters(jet, k)));
    g += EngdJetCotangentCount(model->part[k].network, jet->layout->part[k], jet->n);
  }
  PetscCall(WriteUnknowns(jet, g, begin, end, rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelRows(EngdModelJet jet, const PetscReal theta[], const PetscReal gu[], EngdModelWork work,
                             PetscReal rows[])
{
  const EngdModel model = jet->model;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < model->nparts; k++) {
    const size_t at = Parameters(jet, k);

    if (!jet->part[k]) {
      PetscCall(ZeroRows(jet, k, jet->n, rows));
      continue;
    }
    PetscCall(EngdJetRows(jet->part[k], theta + at, gu, work->part[k], model->nparameters, rows + at));
    gu += PartCount(jet, k);
  }
  PetscCall(WriteUnknowns(jet, gu, 0, jet->n, rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelSquaredRows(EngdModelJet jet, const PetscReal theta[], const PetscReal gu[],
                                    EngdModelWork work, PetscReal sum[])
{
  const PetscInt q = jet->layout->nunknowns;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < jet->model->nparts; k++) {
    const size_t at = Parameters(jet, k);

    if (!jet->part[k]) continue;
    PetscCall(EngdJetSquaredRows(jet->part[k], theta + at, gu, work->part[k], sum + at));
    gu += PartCount(jet, k);
  }
  for (PetscInt i = 0; i < q * jet->n; i++) sum[jet->model->nweights + i % q] += gu[i] * gu[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelLayerInput(EngdModelJet jet, PetscInt l, PetscReal memory[], const PetscReal **z)
{
  const PetscInt k = EngdModelPartOfLayer(jet->model, l);

  PetscFunctionBeginUser;
  *z = NULL;
  if (!jet->model->layer[l].n_in) PetscFunctionReturn(PETSC_SUCCESS);
  *z = EngdJetLayerInput(jet->part[k], l - jet->model->part[k].layer);
  if (*z) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdJetFillInput(jet->part[k], memory));
  *z = memory;
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t EngdModelInputCount(EngdModel model, EngdModelLayout layout, PetscInt n)
{
  size_t count = 0;

  for (PetscInt k = 0; k < model->nparts; k++) {
    if (layout->part[k])
      count = PetscMax(count, ENGD_COUNT(model->part[k].network->ninputs, layout->part[k]->nchannels * n));
  }
  return count;
}

size_t EngdModelJetBytes(EngdModel model, EngdModelLayout layout, PetscInt n)
{
  size_t bytes = sizeof(PetscReal) * ENGD_COUNT(layout->nrows, n);

  for (PetscInt k = 0; k < model->nparts; k++) {
    if (layout->part[k]) bytes += EngdJetBytes(model->part[k].network, layout->part[k], n);
  }
  return bytes;
}

PetscErrorCode EngdModelJetCreate(EngdModel model, EngdModelLayout layout, PetscInt nmax, EngdModelJet *out)
{
  EngdModelJet jet;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&jet));
  jet->model  = model;
  jet->layout = layout;
  jet->nmax   = nmax;
  PetscCall(PetscMalloc1(ENGD_COUNT(layout->nrows, nmax), &jet->u));
  PetscCall(PetscCalloc1(model->nparts, &jet->part));
  for (PetscInt k = 0; k < model->nparts; k++) {
    if (layout->part[k]) PetscCall(EngdJetCreate(model->part[k].network, layout->part[k], nmax, &jet->part[k]));
  }
  *out = jet;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelJetDestroy(EngdModelJet *jet)
{
  PetscFunctionBeginUser;
  if (!*jet) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < (*jet)->model->nparts; k++) PetscCall(EngdJetDestroy(&(*jet)->part[k]));
  PetscCall(PetscFree((*jet)->part));
  PetscCall(PetscFree((*jet)->u));
  PetscCall(PetscFree(*jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelWorkCreate(EngdModel model, PetscInt ncolumns, PetscBool hessian, EngdModelWork *work)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(work));
  (*work)->nparts = model->nparts;
  PetscCall(PetscCalloc1(model->nparts, &(*work)->part));
  for (PetscInt k = 0; k < model->nparts; k++) {
    const EngdNetwork network = model->part[k].network;

    if (hessian)
      PetscCall(EngdJetWorkCreateHessian(network, ncolumns, &(*work)->part[k]));
    else
      PetscCall(EngdJetWorkCreate(network, ncolumns, &(*work)->part[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdModelWorkDestroy(EngdModelWork *work)
{
  PetscFunctionBeginUser;
  if (!*work) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < (*work)->nparts; k++) PetscCall(EngdJetWorkDestroy(&(*work)->part[k]));
  PetscCall(PetscFree((*work)->part));
  PetscCall(PetscFree(*work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
