/*
  engd: neural-network solutions of PDEs by natural-gradient (Gauss-Newton, energy Newton) steps with PETSc.

  The data flow, one opaque handle each:

    EngdProblem    what is solved: domain, terms (residuals or energies as text), their points, the exact solution
    EngdNetwork    u_theta, a multilayer perceptron, or several, with a flat parameter vector theta
    EngdFunctional E(u_theta) on the points of this rank; loss, gradient, J and G as PETSc matrices
    Tao            PETSc's optimiser; -tao_type engd takes natural-gradient steps
    EngdReport     one line an iteration, files, errors against the exact solution
    EngdSpectrum   eigenvalues of H, G, P^{-1} G, singular values of J, by SLEPc
    EngdRun        all of them, with one or several optimisers in turn

  Every function returns a PetscErrorCode; every object is created, set up and destroyed by all ranks of its
  communicator together.
*/
#ifndef ENGD_H
#define ENGD_H

#include <petsctao.h>

#define ENGD_VERSION "0.1.0"

#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
#define PETSC_SUCCESS ((PetscErrorCode)0)
#endif

typedef struct _n_EngdProblem    *EngdProblem;
typedef struct _n_EngdNetwork    *EngdNetwork;
typedef struct _n_EngdFunctional *EngdFunctional;
typedef struct _n_EngdReport     *EngdReport;
typedef struct _n_EngdSpectrum   *EngdSpectrum;
typedef struct _n_EngdRun        *EngdRun;

PETSC_EXTERN void           EngdChooseKernels(char *argv[]);
PETSC_EXTERN PetscErrorCode EngdInitialize(int *, char ***, const char[]);
PETSC_EXTERN PetscErrorCode EngdInitializePackage(void);
PETSC_EXTERN PetscErrorCode EngdFinalize(void);
PETSC_EXTERN PetscErrorCode EngdShowVersion(PetscBool *shown); /* -version */

/* exit codes of a program: of an error; and of a run that a signal has ended, and that a checkpoint may go on from */
PETSC_EXTERN int EngdExitCode(PetscErrorCode);
#define ENGD_EXIT_INTERRUPTED 4

PETSC_EXTERN PetscErrorCode EngdProblemCreate(MPI_Comm, EngdProblem *);
PETSC_EXTERN PetscErrorCode EngdProblemSetName(EngdProblem, const char[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetSeed(EngdProblem, PetscInt);
PETSC_EXTERN PetscErrorCode EngdProblemSetTestPoints(EngdProblem, PetscInt);
PETSC_EXTERN PetscErrorCode EngdProblemSetDomainType(EngdProblem, const char[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetBox(EngdProblem, PetscInt nspace, const PetscReal lower[],
                                              const PetscReal upper[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetCoordinates(EngdProblem, const char names[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetPeriodic(EngdProblem, const char coordinates[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetFunctions(EngdProblem, const char list[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTables(EngdProblem, const char list[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTime(EngdProblem, PetscReal a, PetscReal b);
PETSC_EXTERN PetscErrorCode EngdProblemSetWindows(EngdProblem, PetscInt n);
PETSC_EXTERN PetscErrorCode EngdProblemSetOutputs(EngdProblem, const char names[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetNetworks(EngdProblem, const char names[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetOutputsOf(EngdProblem, const char network[], const char names[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetInputsOf(EngdProblem, const char network[], const char list[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetComplexUnknowns(EngdProblem, const char names[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetParameters(EngdProblem, const char list[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetUnknownParameters(EngdProblem, const char list[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetUnknownBounds(EngdProblem, const char lower[], const char upper[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetNetworkInputs(EngdProblem, const char list[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetAnsatz(EngdProblem, const char output[], const char text[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTerms(EngdProblem, const char names[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermRegion(EngdProblem, const char term[], const char region[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermPoints(EngdProblem, const char term[], PetscInt n);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermPointsFile(EngdProblem, const char term[], const char file[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermSampler(EngdProblem, const char term[], const char sampler[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermResample(EngdProblem, const char term[], PetscInt every);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermRandomDimensions(EngdProblem, const char term[], PetscInt s);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermAdapt(EngdProblem, const char term[], const char method[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermAdaptDensity(EngdProblem, const char term[], PetscReal exponent,
                                                           PetscReal floor);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermAdaptPoints(EngdProblem, const char term[], PetscInt candidates,
                                                          PetscInt add, PetscInt times);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermMultipliers(EngdProblem, const char term[], PetscInt every);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermCausal(EngdProblem, const char term[], PetscReal eps, PetscInt slabs);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermWeight(EngdProblem, const char term[], PetscReal);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermMeasure(EngdProblem, const char term[], const char measure[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermResidualText(EngdProblem, const char term[], const char residual[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermEnergyText(EngdProblem, const char term[], const char energy[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermIntegralText(EngdProblem, const char term[], const char integrand[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermQuotientText(EngdProblem, const char term[], const char numerator[],
                                                           const char denominator[], const char local[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetTermWalkersText(EngdProblem, const char term[], const char log_psi[],
                                                          const char local_energy[]);
PETSC_EXTERN PetscErrorCode EngdProblemSetExact(EngdProblem, const char output[], const char text[]);

/*
  A residual or an energy in C, on n points at a time.

    x         [n][dim] coordinates, time last
    normal    [n][nspace], NULL where there is none
    argument  [narguments][n], a_e at point i is argument[e * n + i]
    value     [ncomponents][n] r_c
    first     [ncomponents][narguments][n] dr_c/da_e; NULL when not wanted
    second    [ncomponents][narguments][narguments][n] d^2 r_c/da_e da_f, read for f <= e only; NULL when not wanted

  value, first and second come filled with zeros. It is local to a rank: called for the points of the rank, in pieces.
*/
typedef PetscErrorCode (*EngdPointwiseFn)(void *ctx, PetscInt n, const PetscReal x[], const PetscReal normal[],
                                          const PetscReal argument[], PetscReal value[], PetscReal first[],
                                          PetscReal second[]);

/*
  In place of -<term>_residual text and of -<term>_energy text; before EngdProblemSetFromOptions(), which reads region, points
  and weight of the term as of any other. arguments: "u, lap(u)". second: does the function have second derivatives;
  without them the exact Hessian and the curvature energy are refused. destroy(ctx) is called at the end, or NULL.
*/
PETSC_EXTERN PetscErrorCode EngdProblemSetTermResidual(EngdProblem, const char term[], const char arguments[],
                                                       PetscInt ncomponents, EngdPointwiseFn, PetscBool second,
                                                       void *ctx, PetscErrorCode (*destroy)(void *));
PETSC_EXTERN PetscErrorCode EngdProblemSetTermEnergy(EngdProblem, const char term[], const char arguments[],
                                                     EngdPointwiseFn, PetscBool second, void *ctx,
                                                     PetscErrorCode (*destroy)(void *));

PETSC_EXTERN PetscErrorCode EngdProblemSetFromOptions(EngdProblem);
PETSC_EXTERN PetscErrorCode EngdProblemView(EngdProblem, PetscViewer);
PETSC_EXTERN PetscErrorCode EngdProblemDestroy(EngdProblem *);

PETSC_EXTERN PetscErrorCode EngdNetworkCreate(MPI_Comm, EngdNetwork *);
PETSC_EXTERN PetscErrorCode EngdNetworkSetOptionsPrefix(EngdNetwork, const char prefix[]);
PETSC_EXTERN PetscErrorCode EngdNetworkSetSizes(EngdNetwork, PetscInt inputs, PetscInt outputs);
PETSC_EXTERN PetscErrorCode EngdNetworkSetLayers(EngdNetwork, PetscInt nhidden, const PetscInt widths[]);
PETSC_EXTERN PetscErrorCode EngdNetworkSetGrowing(EngdNetwork);
PETSC_EXTERN PetscErrorCode EngdNetworkSetType(EngdNetwork, const char[]);
PETSC_EXTERN PetscErrorCode EngdNetworkSetActivation(EngdNetwork, const char[]);
PETSC_EXTERN PetscErrorCode EngdNetworkSetActivationScale(EngdNetwork, PetscReal n);
PETSC_EXTERN PetscErrorCode EngdNetworkSetInitialization(EngdNetwork, const char name[], PetscReal scale,
                                                         PetscReal bias);
PETSC_EXTERN PetscErrorCode EngdNetworkSetFromOptions(EngdNetwork);
PETSC_EXTERN PetscErrorCode EngdNetworkGetParameterCount(EngdNetwork, PetscInt *);
PETSC_EXTERN PetscErrorCode EngdNetworkCreateParameters(EngdNetwork, Vec *);
PETSC_EXTERN PetscErrorCode EngdNetworkInitialize(EngdNetwork, PetscInt64 seed, Vec theta);
PETSC_EXTERN PetscErrorCode EngdNetworkView(EngdNetwork, PetscViewer);
PETSC_EXTERN PetscErrorCode EngdNetworkDestroy(EngdNetwork *);

PETSC_EXTERN PetscErrorCode EngdFunctionalCreate(EngdProblem, EngdNetwork, EngdFunctional *);
PETSC_EXTERN PetscErrorCode EngdFunctionalAddNetwork(EngdFunctional, EngdNetwork);
PETSC_EXTERN PetscErrorCode EngdFunctionalSetMemoryLimit(EngdFunctional, PetscReal bytes);
PETSC_EXTERN PetscErrorCode EngdFunctionalSetBlockPoints(EngdFunctional, PetscInt n);
PETSC_EXTERN PetscErrorCode EngdFunctionalSetCurvature(EngdFunctional, const char type[]);
PETSC_EXTERN PetscErrorCode EngdFunctionalSetFromOptions(EngdFunctional);
PETSC_EXTERN PetscErrorCode EngdFunctionalSetUp(EngdFunctional);
PETSC_EXTERN PetscErrorCode EngdFunctionalCreateParameters(EngdFunctional, Vec *theta);
PETSC_EXTERN PetscErrorCode EngdFunctionalInitialize(EngdFunctional, PetscInt64 seed, Vec theta);
PETSC_EXTERN PetscErrorCode EngdFunctionalGetUnknownParameters(EngdFunctional, Vec theta, PetscReal value[],
                                                               PetscReal standard_error[]);
PETSC_EXTERN PetscErrorCode EngdFunctionalSetParameters(EngdFunctional, Vec theta);
PETSC_EXTERN PetscErrorCode EngdFunctionalEvaluate(EngdFunctional, PetscReal *loss, Vec gradient);
PETSC_EXTERN PetscErrorCode EngdFunctionalResidual(EngdFunctional, Vec residual);
PETSC_EXTERN PetscErrorCode EngdFunctionalLossAlong(EngdFunctional, Vec theta, Vec direction, PetscInt nsteps,
                                                    const PetscReal steps[], PetscReal losses[]);
PETSC_EXTERN PetscErrorCode EngdFunctionalResidualAlong(EngdFunctional, Vec direction, PetscReal step, Vec residual);
PETSC_EXTERN PetscErrorCode EngdFunctionalCreateJacobian(EngdFunctional, Mat *J);
PETSC_EXTERN PetscErrorCode EngdFunctionalCreateGramian(EngdFunctional, Mat *G);
PETSC_EXTERN PetscErrorCode EngdFunctionalCreateHessian(EngdFunctional, Mat *H);
PETSC_EXTERN PetscErrorCode EngdFunctionalResample(EngdFunctional, PetscInt iteration, PetscBool *changed);
PETSC_EXTERN PetscErrorCode EngdFunctionalUpdateMultipliers(EngdFunctional, PetscInt iteration, Vec theta,
                                                            PetscBool *changed);
PETSC_EXTERN PetscErrorCode EngdFunctionalAddPoints(EngdFunctional, PetscInt term, PetscInt n, PetscInt *added);
PETSC_EXTERN PetscErrorCode EngdFunctionalDestroy(EngdFunctional *);

/* of G = J^T W J + lambda I, and of the Hessian, H + lambda I */
PETSC_EXTERN PetscErrorCode EngdGramianSetDamping(Mat G, PetscReal lambda);

PETSC_EXTERN PetscErrorCode EngdSolverCreate(EngdFunctional, Tao *);

/* of a Tao of type engd */
PETSC_EXTERN PetscErrorCode TaoEngdSetDirectionType(Tao, const char type[]);
PETSC_EXTERN PetscErrorCode TaoEngdSetStepType(Tao, const char type[]);
PETSC_EXTERN PetscErrorCode TaoEngdSetDamping(Tao, PetscReal lambda, PetscBool adapt);
PETSC_EXTERN PetscErrorCode TaoEngdSetDampingRule(Tao, PetscReal min, PetscReal increase, PetscReal decrease);
PETSC_EXTERN PetscErrorCode TaoEngdSetMomentum(Tao, PetscReal mu);
PETSC_EXTERN PetscErrorCode TaoEngdSetMaxRejections(Tao, PetscInt n);
PETSC_EXTERN PetscErrorCode TaoEngdSetAcceptIncrease(Tao, PetscBool);
PETSC_EXTERN PetscErrorCode TaoEngdSetRetryStep(Tao, PetscReal length);
PETSC_EXTERN PetscErrorCode TaoEngdSetGeodesic(Tao, PetscBool);
PETSC_EXTERN PetscErrorCode TaoEngdSetStall(Tao, PetscInt n);

PETSC_EXTERN PetscErrorCode EngdReportSetMonitorLine(EngdReport, PetscBool);
PETSC_EXTERN PetscErrorCode EngdReportSetMonitor(EngdReport, PetscBool, PetscInt every);
PETSC_EXTERN PetscErrorCode EngdReportSetSpectrumMonitor(EngdReport, const char columns[]);
PETSC_EXTERN PetscErrorCode EngdReportSetHistory(EngdReport, const char file[]);
PETSC_EXTERN PetscErrorCode EngdReportSetSummary(EngdReport, const char file[]);
PETSC_EXTERN PetscErrorCode EngdReportSetSolution(EngdReport, const char file[]);
PETSC_EXTERN PetscErrorCode EngdReportSetSolutionPoints(EngdReport, const char points[]);
PETSC_EXTERN PetscErrorCode EngdReportSetOutput(EngdReport, const char expressions[]);

PETSC_EXTERN PetscErrorCode EngdSpectrumCreate(EngdFunctional, Tao, EngdSpectrum *);
PETSC_EXTERN PetscErrorCode EngdSpectrumSetFromOptions(EngdSpectrum);
PETSC_EXTERN PetscErrorCode EngdSpectrumCompute(EngdSpectrum, Vec theta, PetscInt iteration);
PETSC_EXTERN PetscErrorCode EngdSpectrumDestroy(EngdSpectrum *);

/* what a program does: all of the above in the right order, for options or setters */
PETSC_EXTERN PetscErrorCode EngdRunCreate(MPI_Comm, EngdRun *);
PETSC_EXTERN PetscErrorCode EngdRunSetStages(EngdRun, const char names[]);
PETSC_EXTERN PetscErrorCode EngdRunSetMaxSeconds(EngdRun, PetscReal);
PETSC_EXTERN PetscErrorCode EngdRunSetStart(EngdRun, const char[]);
PETSC_EXTERN PetscErrorCode EngdRunSetTargetError(EngdRun, PetscReal);
PETSC_EXTERN PetscErrorCode EngdRunSetCheckpoint(EngdRun, const char file[], PetscInt every, PetscReal seconds);
PETSC_EXTERN PetscErrorCode EngdRunSetRestart(EngdRun, const char file[]);
PETSC_EXTERN PetscErrorCode EngdRunSetEvaluate(EngdRun, const char points[]);
PETSC_EXTERN PetscErrorCode EngdRunListen(EngdRun, PetscBool);
PETSC_EXTERN PetscErrorCode EngdRunSetFromOptions(EngdRun);
PETSC_EXTERN PetscErrorCode EngdRunSetUp(EngdRun);
PETSC_EXTERN PetscErrorCode EngdRunCheckOptions(EngdRun, PetscBool final);
PETSC_EXTERN PetscErrorCode EngdRunSolve(EngdRun);
PETSC_EXTERN PetscErrorCode EngdRunIsInterrupted(EngdRun, PetscBool *);
PETSC_EXTERN PetscErrorCode EngdRunGetProblem(EngdRun, EngdProblem *);
PETSC_EXTERN PetscErrorCode EngdRunGetNetwork(EngdRun, EngdNetwork *);
PETSC_EXTERN PetscErrorCode EngdRunGetNetworkOf(EngdRun, const char name[], EngdNetwork *);
PETSC_EXTERN PetscErrorCode EngdRunGetFunctional(EngdRun, EngdFunctional *);
PETSC_EXTERN PetscErrorCode EngdRunGetReport(EngdRun, EngdReport *);
PETSC_EXTERN PetscErrorCode EngdRunGetTao(EngdRun, PetscInt stage, Tao *);
PETSC_EXTERN PetscErrorCode EngdRunGetSolution(EngdRun, Vec *theta);
PETSC_EXTERN PetscErrorCode EngdRunEvaluate(EngdRun, PetscInt n, const PetscReal x[], PetscReal u[],
                                            PetscReal gradient[]);
PETSC_EXTERN PetscErrorCode EngdRunDestroy(EngdRun *);

/*
  Registries: a plug-in (-dll_append libmine.so) extends these from its PetscDLLibraryRegister_mine().
*/

/* s[k][i] = d^k sigma / da^k at a[i], k = 0..order <= ENGD_ACTIVATION_ORDER */
#define ENGD_ACTIVATION_ORDER 6
typedef void (*EngdActivationFn)(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[]);
PETSC_EXTERN PetscErrorCode EngdActivationRegister(const char[], EngdActivationFn);
#define ENGD_REGISTER_ACTIVATION(name, function)                                                                     \
  PETSC_INTERN void function(PetscInt, const PetscReal[], PetscInt, PetscReal *const[])

#endif
