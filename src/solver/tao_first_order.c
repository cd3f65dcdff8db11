/*
  TAO types "adam" and "sgd": first-order baselines, with a learning rate eta_k that follows a schedule.

    adam  m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  theta <- (1 - eta w) theta - eta m^ / (sqrt(v^) + eps)
    sgd   m <- mu m + g,           theta <- theta - eta m,    or - eta (g + mu m) by Nesterov

  m^ = m / (1 - b1^k) and v^ alike; g the gradient on the points of this rank and all others, or on new ones (-TERM_resample).
  There is no line search: the loss may grow. A step to where loss or gradient are no numbers is halved until they are, ten times at
  most; then the run ends where it was (TAO_DIVERGED_NAN). What eta a problem bears depends on its scales; sgd can take it relative to the
  largest eigenvalue of the exact Hessian, its sharpness, measured at the start and whenever the number of iterations has doubled,
  since it grows soon (Poisson 5D: threefold in 200 iterations). On a quadratic sgd diverges above eta = 2 (1 + mu) / sharpness,
  by Nesterov's momentum above about 4/3 / sharpness. References: Kingma and Ba (arXiv 1412.6980), decoupled weight decay w
  Loshchilov and Hutter (1711.05101), momentum as in Sutskever et al. (ICML 2013).
*/
#include <engd/private.h>
#include <math.h>

#define TRIES 10 /* halvings of a step to where nothing is finite */

typedef enum { CONSTANT, EXPONENTIAL, STEP, COSINE } Schedule;
static const char *const schedules[] = {"constant", "exponential", "step", "cosine"};

typedef struct {
  const char   *type; /* adam or sgd, the middle of the names of the options */
  PetscReal     learning_rate;
  PetscInt      schedule; /* a Schedule */
  PetscReal     factor;   /* exponential, step: of the learning rate, over `period` iterations; cosine: at the end */
  PetscInt      period;
  PetscReal     beta1, beta2, epsilon, weight_decay; /* adam */
  PetscReal     momentum;                            /* sgd */
  PetscBool     nesterov;
  PetscReal     relative;  /* sgd: the learning rate times the sharpness, 0: not used */
  EngdSharpness sharpness; /* only for that */
  Vec           m, v;      /* v of adam only */
  Vec           before;    /* theta in front of the step */
} FirstOrder;

/* eta_k: constant, eta f^(k / period), eta f^floor(k / period), or half a cosine from eta to f eta at the last iteration */
static PetscErrorCode LearningRate(Tao tao, const FirstOrder *first, PetscInt k, PetscReal *rate)
{
  PetscInt maximum;

  PetscFunctionBeginUser;
  PetscCall(TaoGetMaximumIterations(tao, &maximum));
  *rate = first->learning_rate;
  switch ((Schedule)first->schedule) {
  case CONSTANT: break;
  case EXPONENTIAL: *rate *= PetscPowReal(first->factor, (PetscReal)k / first->period); break;
  case STEP: *rate *= PetscPowReal(first->factor, k / first->period); break;
  case COSINE:
    *rate *= first->factor + (1 - first->factor) * 0.5 * (1 + PetscCosReal(PETSC_PI * k / PetscMax(maximum - 1, 1)));
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Tao tao, void *data, Vec theta)
{
  FirstOrder *first = (FirstOrder *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(VecDuplicate(theta, &first->m));
  PetscCall(VecDuplicate(theta, &first->before));
  if (first->type[0] == 'a') PetscCall(VecDuplicate(theta, &first->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* eta = relative / sharpness at theta; in the middle of a run, where that may be negative or not found, the last one stays */
static PetscErrorCode ScaleLearningRate(FirstOrder *first, Tao tao, PetscBool start)
{
  PetscReal largest;
  Vec       theta;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolution(tao, &theta));
  PetscCall(EngdSharpnessCompute(first->sharpness, theta, &largest, NULL));
  PetscCheck(largest > 0 || !start, PetscObjectComm((PetscObject)tao), ENGD_ERR_NUMERICS,
             "-tao_sgd_relative_rate: the largest eigenvalue of the Hessian is %g; give -tao_sgd_relative_rate 0 and "
             "-tao_sgd_learning_rate",
             (double)largest);
  if (largest > 0) first->learning_rate = first->relative / largest;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BeginSolve(Tao tao, void *data, EngdStatus *status)
{
  FirstOrder    *first = (FirstOrder *)data;
  EngdFunctional F;
  Mat            G;

  PetscFunctionBeginUser;
  (void)status;
  if (first->relative == 0 || first->sharpness) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TaoGetHessian(tao, &G, NULL, NULL, NULL));
  PetscCall(EngdGramianGetFunctional(G, &F));
  PetscCall(EngdSharpnessCreate(F, &first->sharpness));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the moments; a relative rate is made of what is found on the way, another is an option */
static PetscErrorCode State(Tao tao, void *data, EngdArchive a)
{
  FirstOrder *first = (FirstOrder *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(EngdArchiveVec(a, "m", first->m));
  if (first->v) PetscCall(EngdArchiveVec(a, "v", first->v));
  if (first->relative == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdArchiveReal(a, "learning_rate", &first->learning_rate, first->learning_rate));
  PetscCall(EngdSharpnessState(first->sharpness, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta, m and v of Adam, entry by entry */
static PetscErrorCode MoveAdam(FirstOrder *first, const EngdIterate *it, PetscReal rate)
{
  const PetscReal  b1 = first->beta1, b2 = first->beta2;
  const PetscReal  unbias1 = 1 / (1 - PetscPowReal(b1, it->iteration + 1));
  const PetscReal  unbias2 = 1 / (1 - PetscPowReal(b2, it->iteration + 1));
  const PetscReal *g;
  PetscReal       *theta, *m, *v;
  PetscInt         n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(it->theta, &n));
  PetscCall(VecGetArrayRead(it->gradient, &g));
  PetscCall(VecGetArray(it->theta, &theta));
  PetscCall(VecGetArray(first->m, &m));
  PetscCall(VecGetArray(first->v, &v));
  for (PetscInt j = 0; j < n; j++) {
    m[j] = b1 * m[j] + (1 - b1) * g[j];
    v[j] = b2 * v[j] + (1 - b2) * g[j] * g[j];
    theta[j] -=
        rate * (unbias1 * m[j] / (PetscSqrtReal(unbias2 * v[j]) + first->epsilon) + first->weight_decay * theta[j]);
  }
  PetscCall(VecRestoreArray(first->v, &v));
  PetscCall(VecRestoreArray(first->m, &m));
  PetscCall(VecRestoreArray(it->theta, &theta));
  PetscCall(VecRestoreArrayRead(it->gradient, &g));
  PetscCall(PetscLogFlops(15.0 * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta and m of SGD */
static PetscErrorCode MoveSGD(FirstOrder *first, const EngdIterate *it, PetscReal rate)
{
  PetscFunctionBeginUser;
  PetscCall(VecAYPX(first->m, first->momentum, it->gradient));
  if (first->nesterov) {
    PetscCall(VecAXPY(it->theta, -rate, it->gradient));
    rate *= first->momentum;
  }
  PetscCall(VecAXPY(it->theta, -rate, first->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta <- half way back to where it was until loss and gradient are finite; where they never are, all the way, and the run ends */
static PetscErrorCode Retreat(Tao tao, FirstOrder *first, EngdIterate *it)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k <= TRIES; k++) {
    PetscCall(VecNorm(it->gradient, NORM_2, &norm));
    if (!PetscIsInfOrNanReal(it->loss) && !PetscIsInfOrNanReal(norm)) PetscFunctionReturn(PETSC_SUCCESS);
    it->status.step *= 0.5;
    if (k < TRIES) {
      PetscCall(VecAXPBY(it->theta, 0.5, 0.5, first->before));
    } else {
      PetscCall(VecCopy(first->before, it->theta));
      it->status.step = 0;
      it->reason      = TAO_DIVERGED_NAN;
    }
    PetscCall(TaoComputeObjectiveAndGradient(tao, it->theta, &it->loss, it->gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Iterate(Tao tao, void *data, EngdIterate *it)
{
  FirstOrder     *first   = (FirstOrder *)data;
  const PetscInt  k       = it->iteration;
  const PetscBool doubled = (PetscBool)(k > 1 && (k & (k - 1)) == 0);

  PetscFunctionBeginUser;
  if (first->relative > 0 && (k == 0 || doubled)) PetscCall(ScaleLearningRate(first, tao, (PetscBool)(k == 0)));
  PetscCall(LearningRate(tao, first, k, &it->status.step));
  PetscCall(PetscLogEventBegin(engd_log.step, 0, 0, 0, 0));
  PetscCall(VecCopy(it->theta, first->before));
  if (first->v)
    PetscCall(MoveAdam(first, it, it->status.step));
  else
    PetscCall(MoveSGD(first, it, it->status.step));
  PetscCall(PetscLogEventEnd(engd_log.step, 0, 0, 0, 0));
  PetscCall(TaoComputeObjectiveAndGradient(tao, it->theta, &it->loss, it->gradient));
  PetscCall(Retreat(tao, first, it));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef enum { POSITIVE, NOT_NEGATIVE, BELOW_ONE } Range;

/* -tao_TYPE_NAME: a number in a range */
static PetscErrorCode ReadReal(EngdOptionItems PetscOptionsObject, const char name[], const char sentence[],
                               const FirstOrder *first, Range range, PetscReal *value)
{
  static const char *const ranges[] = {"a positive number", "zero or a positive number",
                                       "a number from 0 to below 1"};
  char                     option[64];
  PetscBool                good;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-tao_%s_%s", first->type, name));
  PetscCall(PetscOptionsReal(option, sentence, "TAO types adam, sgd", *value, value, NULL));
  good =
      (PetscBool)(*value >= 0 && *value < (range == BELOW_ONE ? 1 : INFINITY) && (range != POSITIVE || *value > 0));
  PetscCheck(good, PetscOptionsObject->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s %g: give %s", option, (double)*value,
             ranges[range]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the options of the schedule, shared by both types under their names */
static PetscErrorCode SetScheduleFromOptions(FirstOrder *first, EngdOptionItems PetscOptionsObject)
{
  char           option[64];
  const PetscInt n = PETSC_STATIC_ARRAY_LENGTH(schedules);

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-tao_%s_schedule", first->type));
  PetscCall(PetscOptionsEList(option, "How the learning rate changes: constant, exponential, step, cosine",
                              "TAO types adam, sgd", schedules, n, schedules[first->schedule], &first->schedule,
                              NULL));
  PetscCall(ReadReal(PetscOptionsObject, "schedule_factor",
                     "Factor of the learning rate in each period, or, cosine, at the last iteration; not negative",
                     first, NOT_NEGATIVE, &first->factor));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-tao_%s_schedule_period", first->type));
  PetscCall(PetscOptionsInt(option, "Iterations of a period of schedules exponential and step, positive",
                            "TAO types adam, sgd", first->period, &first->period, NULL));
  PetscCheck(first->period > 0, PetscOptionsObject->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "%s %" PetscInt_FMT ": give a positive number", option, first->period);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(Tao tao, void *data, EngdOptionItems PetscOptionsObject)
{
  FirstOrder *first = (FirstOrder *)data;
  PetscBool   both;

  PetscFunctionBeginUser;
  (void)tao;
  PetscOptionsHeadBegin(PetscOptionsObject, "First-order optimiser");
  PetscCall(ReadReal(PetscOptionsObject, "learning_rate", "Learning rate, the first one, positive", first, POSITIVE,
                     &first->learning_rate));
  PetscCall(SetScheduleFromOptions(first, PetscOptionsObject));
  if (first->type[0] == 'a') {
    PetscCall(ReadReal(PetscOptionsObject, "beta1", "Decay of the mean of gradients, from 0 to below 1", first,
                       BELOW_ONE, &first->beta1));
    PetscCall(ReadReal(PetscOptionsObject, "beta2", "Decay of the mean of their squares, from 0 to below 1", first,
                       BELOW_ONE, &first->beta2));
    PetscCall(ReadReal(PetscOptionsObject, "epsilon", "Added to the root of that mean, positive", first, POSITIVE,
                       &first->epsilon));
    PetscCall(ReadReal(PetscOptionsObject, "weight_decay", "Decay rate of the parameters, not negative", first,
                       NOT_NEGATIVE, &first->weight_decay));
  } else {
    PetscCall(ReadReal(PetscOptionsObject, "momentum", "mu of m <- mu m + gradient, from 0 to below 1", first,
                       BELOW_ONE, &first->momentum));
    PetscCall(PetscOptionsBool("-tao_sgd_nesterov", "Momentum as Nesterov has it", "TAO types adam, sgd",
                               first->nesterov, &first->nesterov, NULL));
    PetscCheck(!first->nesterov || first->momentum > 0, PetscOptionsObject->comm, PETSC_ERR_USER_INPUT,
               "-tao_sgd_nesterov without momentum: give -tao_sgd_momentum a number above 0");
    PetscCall(ReadReal(PetscOptionsObject, "relative_rate",
                       "Learning rate times the largest eigenvalue of the Hessian, 0: not used", first, NOT_NEGATIVE,
                       &first->relative));
    PetscCall(PetscOptionsHasName(NULL, PetscOptionsObject->prefix, "-tao_sgd_learning_rate", &both));
    PetscCheck(!both || first->relative == 0, PetscOptionsObject->comm, PETSC_ERR_USER_INPUT,
               "-tao_sgd_learning_rate and -tao_sgd_relative_rate exclude each other: give one of them, or 0 for the "
               "second");
  }
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View(Tao tao, void *data, PetscViewer viewer)
{
  const FirstOrder *first = (const FirstOrder *)data;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(PetscViewerASCIIPrintf(viewer, "learning rate %g, schedule %s\n", (double)first->learning_rate,
                                   schedules[first->schedule]));
  if (first->type[0] == 'a')
    PetscCall(PetscViewerASCIIPrintf(viewer, "beta1 %g, beta2 %g, epsilon %g, weight decay %g\n",
                                     (double)first->beta1, (double)first->beta2, (double)first->epsilon,
                                     (double)first->weight_decay));
  else
    PetscCall(PetscViewerASCIIPrintf(viewer, "momentum %g%s\n", (double)first->momentum,
                                     first->nesterov ? " (Nesterov)" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void *data)
{
  FirstOrder *first = (FirstOrder *)data;

  PetscFunctionBeginUser;
  PetscCall(EngdSharpnessDestroy(&first->sharpness));
  PetscCall(VecDestroy(&first->m));
  PetscCall(VecDestroy(&first->v));
  PetscCall(VecDestroy(&first->before));
  PetscCall(PetscFree(first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Tao tao, const char type[], PetscReal learning_rate)
{
  static const EngdTaoOps ops = {SetUp, BeginSolve, State, Iterate, SetFromOptions, View, Destroy};
  FirstOrder             *first;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&first));
  first->type          = type;
  first->learning_rate = learning_rate;
  first->factor        = 0.1;
  first->period        = 1000;
  first->beta1         = 0.9;
  first->beta2         = 0.999;
  first->epsilon       = 1e-8;
  PetscCall(EngdTaoBecome(tao, &ops, first, 10000));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  "adam" - Adam, with decoupled weight decay and a schedule of the learning rate.

  Options Database Keys:
+ -tao_adam_learning_rate eta             - 1e-3
. -tao_adam_beta1, _beta2, _epsilon       - 0.9, 0.999, 1e-8
. -tao_adam_weight_decay w                - 0
. -tao_adam_schedule type                 - constant, exponential, step, cosine
- -tao_adam_schedule_factor f, _period n  - 0.1 in 1000 iterations
M*/
ENGD_REGISTER_TAO("adam", TaoCreate_Adam, 0);
PetscErrorCode TaoCreate_Adam(Tao tao)
{
  PetscFunctionBeginUser;
  PetscCall(Create(tao, "adam", 1e-3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
  "sgd" - gradient descent, stochastic where points are taken anew (-TERM_resample), with momentum.

  Options Database Keys:
+ -tao_sgd_learning_rate eta   - 1e-3
. -tao_sgd_relative_rate c     - instead: c over the largest eigenvalue of the Hessian
. -tao_sgd_momentum mu         - 0
. -tao_sgd_nesterov            - momentum as Nesterov has it
- -tao_sgd_schedule type       - and its _factor and _period, as of adam
M*/
ENGD_REGISTER_TAO("sgd", TaoCreate_SGD, 0);
PetscErrorCode TaoCreate_SGD(Tao tao)
{
  PetscFunctionBeginUser;
  PetscCall(Create(tao, "sgd", 1e-3));
  PetscFunctionReturn(PETSC_SUCCESS);
}
