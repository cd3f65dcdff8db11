/*
  Problems given as text, some with models that are more than a network, a functional for each at random parameters, and
  dense copies of its operators: what the tests of operators share. Whatever is asserted is a number that all ranks have, so that they fail alike.
*/
#ifndef FUNCTIONALS_H
#define FUNCTIONALS_H

#include <engd/private.h>
#include <petscblaslapack.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), PETSC_SUCCESS)

typedef struct {
  const char *name;
  const char *options;
  PetscBool   energy; /* has an energy term: no R, no J */
  PetscBool   linear; /* in u: then gauss_newton and energy agree */
  PetscBool   convex; /* W of `energy` is positive semidefinite, so that roots are exact */
} Case;

#define MODEL_NETWORK "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 4,3 "

static const Case cases[] = {
    {"Poisson",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 5,4 -terms pde,wall "
     "-pde_points 16 -pde_residual lap(u)+2*pi^2*sin(pi*x)*sin(pi*y) "
     "-wall_region boundary -wall_points 12 -wall_residual u -wall_weight 3",
     PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
    {"wave",
     "-domain_lower 0,0 -domain_upper 1,2 -domain_coordinates x,y -domain_time 0,0.5 -network_layers 6 -terms "
     "pde,start "
     "-pde_points 19 -pde_sampler uniform -pde_residual u_t*u_xy+u^2*u_x-u*lap(u)+sin(x*t)+u_xt*exp(u) "
     "-start_region initial -start_points 9 -start_residual u-sin(pi*x)",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"system",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_outputs u,v -network_layers 5,3,4 "
     "-network_activation sin -terms flow,wall -flow_points 13 -flow_sampler sobol "
     "-flow_residual u*u_x+v*u_y-lap(u);u*v_x+v*v_y-lap(v);u_x+v_y "
     "-wall_region boundary -wall_points 11 -wall_residual u-y;v -wall_measure integral",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"normal",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 7 -terms body,robin "
     "-body_points 12 -body_residual u-lap(u)-1 -body_sampler halton "
     "-robin_region boundary -robin_points 14 -robin_residual dot(normal,grad(u))+u^3",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"Ritz",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 4,4 -terms body,wall "
     "-body_points 15 -body_sampler sobol -body_energy dot(grad(u),grad(u))/2+u^4/4-x*u "
     "-wall_region boundary -wall_points 10 -wall_residual u -wall_weight 50",
     PETSC_TRUE, PETSC_FALSE, PETSC_TRUE},
    {"five",
     "-domain_lower 0 -domain_upper 1 -domain_coordinates x1..x5 -network_layers 6,5 -terms pde,wall "
     "-pde_points 17 -pde_residual lap(u)+sum(cos(pi*x)) -wall_region boundary -wall_points 20 -wall_residual u",
     PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
    {"plate",
     "-domain_lower 0,0 -domain_upper 1,1 -domain_coordinates x,y -network_layers 5,4 -terms pde,edge -pde_points 11 "
     "-pde_residual lap(lap(u))-lap(u)*u_xx+u_xxy*u-x*y -edge_region boundary -edge_points 10 "
     "-edge_residual u;dot(normal,grad(lap(u)))-u_xx",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"soliton",
     "-domain_lower 0 -domain_upper 1 -domain_coordinates x -domain_time 0,0.5 -network_layers 4,3 -terms pde,end "
     "-pde_points 12 -pde_residual u_t+6*u*u_x+u_xxx+u^2*u_xxxx-u_xxt -end_region x=upper,initial -end_points 7 "
     "-end_residual u_xxx-u*t",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"narrow", /* more components than the network is wide, fewer points than ranks */
     "-domain_lower 0 -domain_upper 1 -domain_coordinates x -network_layers 1 -terms fit,one -fit_points 7 "
     "-fit_residual u;u^2;sin(u);u*x;exp(u);u-1 -one_region x=0 -one_points 1 -one_residual u",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"ansatz", /* from here on models that are more than a network */
     MODEL_NETWORK "-ansatz_u x*(1-x)*y*(1-y)*u+x*y -terms pde,wall -pde_points 9 -pde_residual lap(u)-u^2+u_xy*u_x "
                   "-wall_region boundary -wall_points 8 -wall_residual u-x",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"inputs",
     MODEL_NETWORK "-network_inputs sin(2*pi*x),cos(2*pi*x),y^3 -terms pde,wall -pde_points 9 "
                   "-pde_residual lap(u)+u*u_x+u_xy -wall_region boundary -wall_points 8 -wall_residual u",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"periodic, functions",
     MODEL_NETWORK
     "-domain_periodic x -parameters L=0.5 -functions v=u^2+y,w(a)=a*lap(u) -terms pde,wall -pde_points 9 "
     "-pde_residual w(L)+v*u_x+d(v,x) -wall_region boundary -wall_points 8 -wall_residual u",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"unknown",
     MODEL_NETWORK "-unknown_parameters nu=0.3,k=2 -terms pde,fit -pde_points 9 -pde_residual nu*lap(u)+k^2*u-nu*k "
                   "-fit_points 7 -fit_sampler halton -fit_residual u-x",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"bounds",
     MODEL_NETWORK
     "-unknown_parameters nu=0.3,k=2,s=1 -unknown_lower nu=0,k=1 -unknown_upper nu=1,s=2 -terms pde,fit "
     "-pde_points 9 -pde_residual nu*lap(u)+k^2*u-nu*k*s -fit_points 7 -fit_sampler halton "
     "-fit_residual u-x*s",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"all in a system",
     MODEL_NETWORK "-network_outputs u,v -network_inputs 2*x-1,exp(y)*x -unknown_parameters nu=0.3,a=0.5 "
                   "-ansatz_u x*u+a*v -ansatz_v v*(1+y^2) -terms flow,wall -flow_points 9 "
                   "-flow_residual u*u_x+v*u_y-nu*lap(u);nu*v_x-lap(v)+u_xy -wall_region boundary -wall_points 7 "
                   "-wall_residual u-y;dot(normal,grad(v))*a",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"clamped plate",
     MODEL_NETWORK "-ansatz_u x^2*(1-x)^2*u+sin(y) -terms pde,wall -pde_points 9 -pde_residual lap(lap(u))-u*u_xxy "
                   "-wall_region boundary -wall_points 8 -wall_residual u;dot(normal,grad(lap(u)))",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"periodic, fourth order",
     MODEL_NETWORK "-network_inputs sin(2*x),cos(2*x),y^3 -unknown_parameters k=0.4 -terms pde -pde_points 9 "
                   "-pde_sampler grid -pde_residual u_y+u*u_x+k*u_xxx+k^2*lap(u_xx)",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"two networks",
     MODEL_NETWORK "-networks flow,p -flow_outputs u,v -p_layers 3 -p_activation sin -p_inputs exp(x),y,x*y "
                   "-terms momentum,mass,wall,pin -momentum_points 9 "
                   "-momentum_residual u*u_x+v*u_y+p_x-lap(u);u*v_x+v*v_y+p_y*p-lap(v) -mass_points 7 "
                   "-mass_residual u_x+v_y -wall_region boundary -wall_points 8 -wall_residual u-y;v "
                   "-pin_region boundary -pin_points 6 -pin_residual p-p_xy*x",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"unknown field",
     MODEL_NETWORK "-networks u,a,b -a_layers 3,2 -a_inputs y -b_layers none -unknown_parameters k=0.3 "
                   "-ansatz_u x*(1-x)*u -terms pde,fit,smooth -pde_points 9 "
                   "-pde_residual div((2+a)*grad(u))+k*u_xx+b*u -fit_points 7 -fit_sampler halton -fit_residual u-x "
                   "-smooth_points 5 -smooth_residual a_yy+k;a",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"two networks, energy",
     MODEL_NETWORK "-networks u,a -a_activation sin -terms body,wall -body_points 9 "
                   "-body_energy (1+a^2)*dot(grad(u),grad(u))/2+u^4+a_x^2 -wall_region boundary -wall_points 8 "
                   "-wall_residual u",
     PETSC_TRUE, PETSC_FALSE, PETSC_FALSE},
    {"integral",
     MODEL_NETWORK
     "-network_outputs u,p -unknown_parameters k=0.4 -ansatz_p p*(1+x) -terms flow,mean,wall,net "
     "-flow_points 9 -flow_residual lap(u)+p_x+u*u_y;p_y-lap(u)*k -mean_points 11 -mean_sampler sobol "
     "-mean_integral p+u^2-k;u_x*p -mean_weight 3 -wall_region boundary -wall_points 8 -wall_residual u "
     "-net_region boundary -net_points 10 -net_integral dot(normal,grad(u))-1 -net_measure mean",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"integral beside an energy",
     MODEL_NETWORK "-terms mean,body -mean_points 7 -mean_integral u+u^3 -mean_weight 20 -body_points 9 "
                   "-body_energy dot(grad(u),grad(u))/2+u^4/4-x*u",
     PETSC_TRUE, PETSC_FALSE, PETSC_FALSE},
    {"gated",
     MODEL_NETWORK
     "-network_layers 3,3,3 -network_type gated -network_activation_scale 2 -terms pde,wall -pde_points 9 "
     "-pde_residual lap(u)-u^2+u_xy*u_x+u_xxy -wall_region boundary -wall_points 8 -wall_residual u-x",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"two networks, residual and modified",
     MODEL_NETWORK "-networks u,a -network_inputs x,x*y,y -u_type residual -u_layers 4,4,2 -a_type modified "
                   "-a_layers 3,3 -a_activation_scale 1 -terms pde,wall -pde_points 9 "
                   "-pde_residual div((1+a^2)*grad(u))+a_xx*u-lap(lap(a)) -wall_region boundary -wall_points 8 "
                   "-wall_residual u-x*a",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"random dimensions", /* the second ansatz has vectors that depend on u, and takes them coordinate by coordinate */
     "-domain_lower 0 -domain_upper 1 -domain_coordinates x1..x5 -domain_time 0,1 -network_outputs u,v "
     "-network_layers 5,4 -ansatz_u x1*(1-x2)*u+x3 -ansatz_v exp(x1*v)*u -terms pde,wall -pde_points 11 "
     "-pde_random_dimensions 3 -pde_residual u_t-lap(u)+u*u_x2+lap(x4^2*x5);lap(v)-u^2 -wall_region boundary "
     "-wall_points 8 -wall_residual u-x1;v",
     PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"energy",
     MODEL_NETWORK "-network_inputs x,x*y -ansatz_u x*u -unknown_parameters s=0.7 -terms body -body_points 9 "
                   "-body_energy s^2*dot(grad(u),grad(u))/2+(s-u)^4/4",
     PETSC_TRUE, PETSC_FALSE, PETSC_FALSE},
};

/* A problem, a network, a functional at random parameters theta, and two random vectors */
typedef struct {
  const Case    *which;
  EngdProblem    problem;
  EngdNetwork    net, more[2]; /* the first network, and those after it */
  EngdFunctional F;
  PetscInt       p;
  Vec            theta, v, w;
} Setting;

/* the same random entries on any number of ranks */
static inline void FillRandom(Vec v, PetscInt index)
{
  PetscReal *values;
  PetscInt   begin, end;

  CHECK(VecGetOwnershipRange(v, &begin, &end));
  CHECK(VecGetArrayWrite(v, &values));
  for (PetscInt j = begin; j < end; j++) values[j - begin] = 2 * EngdRandomUniform(3, 50, j, 0, index) - 1;
  CHECK(VecRestoreArrayWrite(v, &values));
}

/* network k of the options; the first is s->net */
static inline EngdNetwork *NetworkOf(Setting *s, PetscInt k)
{
  return k ? &s->more[k - 1] : &s->net;
}

static inline void BeginNetwork(MPI_Comm comm, Setting *s, PetscInt k)
{
  const EngdProblemNetwork *of  = &s->problem->network[k];
  EngdNetwork              *net = NetworkOf(s, k);
  char                      prefix[64];

  CHECK(EngdNetworkCreate(comm, net));
  CHECK(EngdNetworkSetSizes(*net, of->ninputs, of->noutputs));
  CHECK(PetscSNPrintf(prefix, sizeof(prefix), "%s_", of->name ? of->name : "network"));
  CHECK(EngdNetworkSetOptionsPrefix(*net, prefix));
  CHECK(EngdNetworkSetFromOptions(*net));
}

/* the problem and the networks of the options */
static inline void BeginProblem(MPI_Comm comm, Setting *s)
{
  CHECK(EngdProblemCreate(comm, &s->problem));
  CHECK(EngdProblemSetFromOptions(s->problem));
  for (PetscInt k = 0; k < s->problem->nnetworks; k++) BeginNetwork(comm, s, k);
}

/* their functional at random parameters */
static inline void BeginFunctional(Setting *s)
{
  CHECK(EngdFunctionalCreate(s->problem, s->net, &s->F));
  for (PetscInt k = 1; k < s->problem->nnetworks; k++) CHECK(EngdFunctionalAddNetwork(s->F, *NetworkOf(s, k)));
  CHECK(EngdFunctionalSetFromOptions(s->F));
  CHECK(EngdFunctionalSetUp(s->F));
  CHECK(PetscOptionsClear(NULL));
  s->p = s->F->model->nparameters;
  CHECK(EngdModelCreateParameters(s->F->model, &s->theta));
  CHECK(VecDuplicate(s->theta, &s->v));
  CHECK(VecDuplicate(s->theta, &s->w));
  FillRandom(s->theta, 0);
  FillRandom(s->v, 1);
  FillRandom(s->w, 2);
  CHECK(EngdFunctionalSetParameters(s->F, s->theta));
}

static inline void Begin(MPI_Comm comm, const Case *which, const char options[], Setting *s)
{
  s->which = which;
  CHECK(PetscOptionsInsertString(NULL, which->options));
  CHECK(PetscOptionsInsertString(NULL, options));
  BeginProblem(comm, s);
  BeginFunctional(s);
}

static inline void End(Setting *s)
{
  CHECK(VecDestroy(&s->theta));
  CHECK(VecDestroy(&s->v));
  CHECK(VecDestroy(&s->w));
  CHECK(EngdFunctionalDestroy(&s->F));
  for (PetscInt k = 0; k < s->problem->nnetworks; k++) CHECK(EngdNetworkDestroy(NetworkOf(s, k)));
  CHECK(EngdProblemDestroy(&s->problem));
}

static inline void Close(const char what[], PetscReal a, PetscReal b, PetscReal tolerance)
{
  if (!(PetscAbsReal(a - b) <= tolerance)) fail_msg("%s: %.17g is not %.17g", what, (double)a, (double)b);
}

/* most <- the larger of both; what is no number is larger than all, and stays */
static inline void Raise(PetscReal *most, PetscReal value)
{
  *most = PetscIsNanReal(value) ? PETSC_INFINITY : PetscMax(*most, value);
}

static inline void CloseAll(const char what[], size_t n, const PetscReal a[], const PetscReal b[], PetscReal relative)
{
  PetscReal difference = 0, size = 0;

  for (size_t k = 0; k < n; k++) {
    Raise(&difference, PetscAbsReal(a[k] - b[k]));
    size = PetscMax(size, PetscAbsReal(b[k]));
  }
  if (!(difference <= relative * size)) fail_msg("%s: differ by %g of %g", what, (double)difference, (double)size);
}

/* a (columns of length n), from the rows that each rank has of them in local, column by column; layout: the rows of the ranks */
static inline void WholeColumns(PetscLayout layout, PetscInt columns, const PetscReal local[], PetscReal a[])
{
  PetscMPIInt     ranks, *counts, *displacements;
  const PetscInt *first;
  PetscReal      *parts;

  CHECK(MPI_Comm_size(layout->comm, &ranks));
  CHECK(PetscLayoutGetRanges(layout, &first));
  CHECK(PetscMalloc3(ranks, &counts, ranks, &displacements, layout->N * columns, &parts));
  for (PetscMPIInt r = 0; r < ranks; r++) {
    counts[r]        = (PetscMPIInt)((first[r + 1] - first[r]) * columns);
    displacements[r] = (PetscMPIInt)(first[r] * columns);
  }
  CHECK(MPI_Allgatherv(local, (PetscMPIInt)(layout->n * columns), MPIU_REAL, parts, counts, displacements, MPIU_REAL,
                       layout->comm));
  for (PetscMPIInt r = 0; r < ranks; r++) {
    const PetscInt n = first[r + 1] - first[r];

    for (PetscInt j = 0; j < columns; j++)
      CHECK(PetscArraycpy(a + ENGD_COUNT(j, layout->N) + first[r], parts + displacements[r] + j * n, n));
  }
  CHECK(PetscFree3(counts, displacements, parts));
}

/* a (n), the entries of v on every rank */
static inline void Whole(Vec v, PetscReal a[])
{
  const PetscReal *values;
  PetscLayout      layout;

  CHECK(VecGetLayout(v, &layout));
  CHECK(VecGetArrayRead(v, &values));
  WholeColumns(layout, 1, values, a);
  CHECK(VecRestoreArrayRead(v, &values));
}

/* v <- a, which all ranks have whole */
static inline void FromWhole(const PetscReal a[], Vec v)
{
  PetscInt   start, end;
  PetscReal *x;

  CHECK(VecGetOwnershipRange(v, &start, &end));
  CHECK(VecGetArrayWrite(v, &x));
  CHECK(PetscArraycpy(x, a + start, end - start));
  CHECK(VecRestoreArrayWrite(v, &x));
}

/* v <- unit vector j */
static inline void FillUnit(Vec v, PetscInt j)
{
  PetscInt   begin, end;
  PetscReal *values;

  CHECK(VecSet(v, 0));
  CHECK(VecGetOwnershipRange(v, &begin, &end));
  CHECK(VecGetArray(v, &values));
  if (begin <= j && j < end) values[j - begin] = 1;
  CHECK(VecRestoreArray(v, &values));
}

/* the matrix (M, N) of an operator, by columns, on every rank: products with unit vectors */
static inline PetscReal *Dense(Mat A)
{
  const PetscReal *values;
  PetscReal       *local, *dense;
  PetscInt         M, N, m;
  PetscLayout      layout;
  Vec              x, y;

  CHECK(MatGetSize(A, &M, &N));
  CHECK(MatGetLocalSize(A, &m, NULL));
  CHECK(PetscMalloc1(M * N, &dense));
  CHECK(PetscMalloc1(m * N, &local));
  CHECK(MatCreateVecs(A, &x, &y));
  for (PetscInt j = 0; j < N; j++) {
    FillUnit(x, j);
    CHECK(MatMult(A, x, y));
    CHECK(VecGetArrayRead(y, &values));
    CHECK(PetscArraycpy(local + ENGD_COUNT(j, m), values, m));
    CHECK(VecRestoreArrayRead(y, &values));
  }
  CHECK(VecGetLayout(y, &layout));
  WholeColumns(layout, N, local, dense);
  CHECK(PetscFree(local));
  CHECK(VecDestroy(&x));
  CHECK(VecDestroy(&y));
  return dense;
}

/* the largest over the ranks */
static inline PetscReal Largest(PetscReal local)
{
  PetscReal all;

  assert_int_equal(MPI_Allreduce(&local, &all, 1, MPIU_REAL, MPI_MAX, PETSC_COMM_WORLD), MPI_SUCCESS);
  return all;
}

/* A property that each problem has, or each without an energy term */
typedef struct {
  const char *name;
  void (*check)(const Case *);
  PetscBool needs_residual;
} Check;

typedef struct {
  const Case *which;
  void (*check)(const Case *);
} Pair;

static inline void test_pair(void **state)
{
  const Pair *pair = (const Pair *)*state;

  pair->check(pair->which);
}

/* all checks of all cases, and then `extra` */
#define CHECKS_MAX 192
_Static_assert(PETSC_STATIC_ARRAY_LENGTH(cases) * 6 + 8 <= CHECKS_MAX,
               "room for six checks of each case, and others");

static inline int RunChecks(const char group[], size_t nchecks, const Check checks[], size_t nextra,
                            const struct CMUnitTest extra[])
{
  static struct CMUnitTest tests[CHECKS_MAX];
  static char              name[CHECKS_MAX][64];
  static Pair              pair[CHECKS_MAX];
  size_t                   n = 0;

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(cases) * nchecks; k++) {
    const Check *check = &checks[k % nchecks];

    pair[n] = (Pair){&cases[k / nchecks], check->check};
    if (check->needs_residual && pair[n].which->energy) continue;
    (void)PetscSNPrintf(name[n], sizeof(name[n]), "%s: %s", pair[n].which->name, check->name);
    tests[n] = (struct CMUnitTest){name[n], test_pair, NULL, NULL, &pair[n]};
    n++;
  }
  for (size_t k = 0; k < nextra; k++) tests[n++] = extra[k];
  return _cmocka_run_group_tests(group, tests, n, NULL, NULL);
}

/* solves it, what it says thrown away; its code */
static inline PetscErrorCode SolveQuietly(EngdRun run)
{
  FILE          *before = PETSC_STDOUT;
  PetscErrorCode code;

  PETSC_STDOUT = fopen("/dev/null", "w");
  code         = EngdRunSolve(run);
  (void)fclose(PETSC_STDOUT);
  PETSC_STDOUT = before;
  return code;
}

#endif
