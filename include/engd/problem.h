/*
  What is solved: domain, points, terms. (src/problem)
*/
#ifndef ENGD_PROBLEM_H
#define ENGD_PROBLEM_H

#include <engd/archive.h>
#include <engd/expression.h>
#include <engd/pointwise.h>
#include <engd/settings.h>

typedef struct _n_EngdDomain *EngdDomain;
typedef struct _n_EngdPoints *EngdPoints;

/*
  Points of one region, spread over the ranks in contiguous pieces of the global numbering. They are a function of
  (seed, stream, global index, epoch) alone, so the same on any number of ranks.
*/
struct _n_EngdPoints {
  MPI_Comm   comm;
  EngdDomain domain;
  char      *prefix;   /* "-pde": how the options of these points begin, for messages */
  char      *region;   /* as the user wrote it */
  char      *sampler;  /* grid, uniform, halton, sobol, ... */
  PetscBool  interior; /* does the region have the dimension of the domain (so that H1 makes sense on it) */
  PetscInt   nspace, dim;
  PetscInt   nglobal; /* Points in all. */
  PetscInt   nfirst;  /* As many as they were when they were created. */
  PetscInt   nactive; /* The first of them, those that count: the others have no weight yet. */
  PetscBool  moved;   /* Whether they follow a residual, so that seed, stream and epoch do not say where they are. */
  PetscInt   nlocal;  /* Points of this rank. */
  PetscInt   npieces; /* Faces or parts of the region, 0 where the domain does not count them. */
  PetscInt   start;   /* The global index of the first of these. */
  PetscReal  measure; /* Length, area, ... of the region, times that of the time interval. */
  PetscInt64 seed;
  PetscInt   stream, epoch;
  PetscReal *x;          /* [nlocal][dim] */
  PetscReal *weight;     /* [nlocal] quadrature weights; over all ranks they sum to measure */
  PetscInt   nrandom;    /* Space coordinates of each point whose second derivatives estimate a Laplacian, or 0. */
  PetscInt  *dimension;  /* [nlocal][nrandom] Which they are, ascending. */
  PetscReal *normal;     /* [nlocal][nspace] outward unit normal, NULL unless the region is (part of) the boundary */
  void      *data;       /* what the domain keeps about the region */
  PetscInt   ndata;      /* Numbers that a file of points gives at each of them. */
  char     **data_name;  /* [ndata] The names of these numbers. */
  PetscReal *data_value; /* [nlocal][ndata] */
  PetscInt64 digest;     /* Of all numbers of the file, 0 where there is none. */
};

struct _n_EngdDomainOps {
  PetscErrorCode (*setfromoptions)(EngdDomain, EngdOptionItems);
  PetscErrorCode (*setup)(EngdDomain); /* what needs the names of the coordinates; or NULL */
  PetscErrorCode (*view)(EngdDomain, PetscViewer);
  /* from region, sampler and the requested numbers of points: interior, nglobal, measure, data, sampler (when auto),
     and whether the region has a normal */
  PetscErrorCode (*pointssetup)(EngdDomain, EngdPoints, PetscInt ncounts, const PetscInt counts[], PetscBool *normal);
  PetscErrorCode (*pointssample)(EngdDomain, EngdPoints); /* x, weight, normal of the local points at points->epoch */
  PetscErrorCode (*pointsdestroy)(EngdPoints);            /* data */
  /* Whether x is in it or on its boundary; or NULL. */
  PetscErrorCode (*contains)(EngdDomain, const PetscReal x[], PetscBool *);
  PetscErrorCode (*distance)(EngdDomain, char **text); /* See EngdDomainGetDistance(); or NULL. */
  /* the interval of a space coordinate, of a domain that may be periodic in it; or NULL */
  PetscErrorCode (*bounds)(EngdDomain, PetscInt coordinate, PetscReal *lower, PetscReal *upper);
  /* The box around the domain, [nspace]; or NULL. */
  PetscErrorCode (*enclose)(EngdDomain, PetscReal lower[], PetscReal upper[]);
  PetscErrorCode (*destroy)(EngdDomain);
};

struct _n_EngdDomain {
  MPI_Comm                comm;
  char                   *type;
  PetscInt                nspace, dim;
  PetscBool               time;
  PetscReal               interval[2]; /* of time */
  PetscInt                nwindows;    /* that it is cut into, 1: it is not */
  PetscReal               window[2];   /* where points are placed now: all of time, or a window */
  char                  **coordinate;  /* [dim] */
  char                   *distance;    /* its text, made when it is asked for */
  EngdSymbols             words;       /* what all its texts may use: parameters and functions, no coordinates */
  PetscBool              *periodic;    /* [dim] */
  struct _n_EngdDomainOps ops[1];
  void                   *data;
};

/* A type is a function that sets ops and data; its setfromoptions finds nspace already set, or 0 when the user gave
   no names of coordinates, and must set it */
PETSC_EXTERN PetscErrorCode EngdDomainRegister(const char[], PetscErrorCode (*)(EngdDomain));
#define ENGD_REGISTER_DOMAIN(name, create) PETSC_INTERN PetscErrorCode create(EngdDomain)
PETSC_INTERN PetscErrorCode EngdDomainCreateFromOptions(MPI_Comm, const EngdSymbols *words, EngdDomain *);
PETSC_INTERN PetscErrorCode EngdDomainGetBounds(EngdDomain, PetscInt coordinate, PetscReal *lower, PetscReal *upper);
/* words and coordinates */
PETSC_INTERN PetscErrorCode EngdDomainGetSymbols(EngdDomain, EngdSymbols *);
PETSC_INTERN PetscErrorCode EngdDomainView(EngdDomain, PetscViewer);
PETSC_INTERN PetscErrorCode EngdDomainDestroy(EngdDomain *);
/* windows.c: where points are placed from now on, -1 for all of time; the window of a time; can points be in each of them in turn,
   and are they at its beginning */
PETSC_INTERN void           EngdDomainSetWindow(EngdDomain, PetscInt window);
PETSC_INTERN PetscInt       EngdDomainFindWindow(EngdDomain, PetscReal t);
PETSC_INTERN PetscErrorCode EngdPointsCheckWindows(EngdPoints, PetscBool *initial);

/*
  option: the option to name in error messages, "-pde_region". sampler NULL or "auto": the domain's choice; "quasi":
  sobol, or halton beyond its table. Sampled at epoch 0.
  Counts: the number of points, or with a tensor rule one number for each coordinate.
*/
PETSC_INTERN PetscErrorCode EngdPointsCreate(EngdDomain, const char option[], const char region[],
                                             const char sampler[], PetscInt n, PetscInt64 seed, PetscInt stream,
                                             EngdPoints *);
PETSC_INTERN PetscErrorCode EngdPointsCreateOthers(EngdPoints, PetscInt n, PetscInt stream, EngdPoints *);
PETSC_INTERN PetscErrorCode EngdPointsCreateCounts(EngdDomain, const char option[], const char region[],
                                                   const char sampler[], PetscInt ncounts, const PetscInt counts[],
                                                   PetscInt64 seed, PetscInt stream, EngdPoints *);
PETSC_INTERN PetscErrorCode EngdPointsCreateFromFile(EngdDomain, const char option[], const char file[],
                                                     PetscBool anywhere, EngdPoints *);
PETSC_INTERN PetscErrorCode EngdPointsSample(EngdPoints, PetscInt epoch);
PETSC_INTERN PetscErrorCode EngdPointsDestroy(EngdPoints *);

/* movepoints.c: Reset: the points of epoch 0 again, as many as there were at first. Another number of points, of which those beyond the old ones have no weight; points first, .., first + n - 1 are
   put where those of `from` with these numbers are, the same list on all ranks; all that they are, where they have moved. Collective */
PETSC_INTERN PetscErrorCode EngdPointsResize(EngdPoints, PetscInt nglobal);
PETSC_INTERN PetscErrorCode EngdPointsReset(EngdPoints);
PETSC_INTERN PetscErrorCode EngdPointsPlace(EngdPoints, PetscInt first, PetscInt n, EngdPoints from,
                                            const PetscInt number[]);
PETSC_INTERN PetscErrorCode EngdPointsState(EngdPoints, EngdArchive, PetscBool *resized);

/* dimensions.c: from now on each point has s random dimensions, 0 for none; draws them anew, of the present epoch and numbers */
PETSC_INTERN PetscErrorCode EngdPointsSetRandomDimensions(EngdPoints, PetscInt s);
PETSC_INTERN PetscErrorCode EngdPointsDrawDimensions(EngdPoints);
/* choose.c: n numbers of candidates, drawn with a density |r|^exponent / mean + floor, and with what chance each was. Collective */
typedef struct {
  PetscReal exponent, floor; /* of the density */
  PetscReal mean, largest;   /* of |r| on the candidates, out */
} EngdDensity;
PETSC_INTERN PetscErrorCode EngdPointsChoose(EngdPoints candidates, const PetscReal norm[], PetscInt n, EngdDensity *,
                                             PetscInt number[], PetscReal chance[]);

/* Unit-cube samplers: q[dim] in [0,1)^dim, number `index` of the sequence of (seed, stream, epoch) with n in all */
typedef PetscErrorCode (*EngdSamplerFn)(PetscInt dim, PetscInt64 n, PetscInt64 seed, PetscInt stream, PetscInt epoch,
                                        PetscInt64 index, PetscReal q[]);
PETSC_EXTERN PetscErrorCode EngdSamplerRegister(const char[], EngdSamplerFn);
#define ENGD_REGISTER_SAMPLER(name, function)                                                                        \
  PETSC_INTERN PetscErrorCode function(PetscInt, PetscInt64, PetscInt64, PetscInt, PetscInt, PetscInt64, PetscReal[])
PETSC_EXTERN PetscErrorCode EngdSamplerFind(const char option[], const char name[], EngdSamplerFn *);
PETSC_INTERN PetscErrorCode EngdSamplerHalton(PetscInt, PetscInt64, PetscInt64, PetscInt, PetscInt, PetscInt64,
                                              PetscReal[]);
PETSC_INTERN PetscErrorCode EngdSamplerSobol(PetscInt, PetscInt64, PetscInt64, PetscInt, PetscInt, PetscInt64,
                                             PetscReal[]);
#define ENGD_SOBOL_DIMENSIONS 161 /* of the table of sobol */

/*
  How the points of a term follow its residual: rad draws all of them anew, rar adds some. (src/problem/adapt.c says how it is
  read, src/operators/adapt.c what is done.)
*/
typedef enum { ENGD_ADAPT_NONE, ENGD_ADAPT_RAD, ENGD_ADAPT_RAR } EngdAdaptMethod;
typedef struct {
  EngdAdaptMethod method;
  EngdDensity     density;    /* Also what was found the last time. */
  PetscInt        candidates; /* How many points are looked at, 0: ten times those that are taken. */
  PetscInt        add;        /* Points that rar adds each time. */
  PetscInt        times;      /* That it is done at most, 0: no bound. */
  PetscBool  quadrature; /* Whether weights make up for the density, so that the mean stays that over the region. */
  PetscInt   done;       /* Times that it has been done. */
  PetscBool  fresh;      /* Whether that has not been told yet. */
  EngdPoints candidate;  /* From the first time on. */
} EngdAdapt;

/*
  Walkers in place of points: those of a term go by the density psi^2, and the loss is their mean of the local energy.
  (src/problem/walkers.c says how they are read, src/operators/walk.c how they walk, src/operators/walkers.c what the loss is.)
*/
typedef struct _n_EngdWalk *EngdWalk;
struct _n_EngdWalk {
  EngdExpression density;  /* log|psi| and, where walkers drift, its gradient. */
  EngdExpression local;    /* The local energy, alone. */
  PetscBool      langevin; /* Whether they drift along the gradient. */
  PetscBool      walls;    /* Whether psi is zero outside of the domain. */
  PetscInt       steps;    /* From one iteration to the next. */
  PetscInt       burn;     /* Steps before the first iteration. */
  PetscInt       sweeps;   /* Of so many steps, in the measurement at the end. */
  PetscReal      first;    /* The length of the first step. */
  /* The state */
  PetscBool  begun;
  PetscInt   done;      /* Steps so far. */
  PetscReal  length;    /* Of a step, the root of its variance in a coordinate. */
  PetscReal  accepted;  /* The part of the steps of the last walk that was. */
  PetscReal *reference; /* [nlocal] log|psi| where and when each walker stopped. */
};

/* lambda_t sum_n w_n e_t(x_n, Du(x_n)) with e = |r|^2/2 for a residual r */
typedef struct _n_EngdTerm *EngdTerm;
struct _n_EngdTerm {
  char          *name;
  char          *text; /* Of the residual or energy; NULL where it is a function in C. */
  EngdPoints     points;
  EngdExpression expression; /* Its text, or the arguments of its function, compiled to order 2; of pointwise. */
  EngdPointwise  pointwise;
  PetscBool energy; /* Does it enter L by sums of its components: an energy, a quotient, an integral. Else it is r. */
  PetscBool
      integral; /* Is it a residual of no point: r_c = sum_n w_n f_c(x_n, Du(x_n)), a row of J for each component. */
  PetscInt       nstates;  /* Of a quotient, whose components are the entries of N, then those of D; 0: it is none. */
  EngdExpression local;    /* [nstates] H u, whose quotient by u is the local energy; or NULL. */
  EngdWalk       walk;     /* Of walkers, or NULL. */
  PetscReal      bound;    /* An energy below it is wrong; -infinity where there is no bound. */
  PetscReal      weight;   /* lambda_t */
  PetscBool      weighted; /* has the user given it */
  PetscReal      measure;  /* factor of the quadrature weights: 1 (integral) or 1/|region| (mean) */
  PetscInt       resample; /* new points every so many iterations, 0 never */
  EngdAdapt      adapt;
  PetscInt       multipliers; /* new multipliers every so many iterations, 0: a penalty alone */
  PetscBool      penalty;     /* the user wants it to be one */
  PetscReal      causal;      /* eps of weights exp(-eps sum of the losses of earlier slabs of time), 0: none. */
  PetscInt       slabs;       /* Of the time of a window, for these. */
  PetscBool      initial;     /* Whether it goes on, in a window of time, from the end of the one before. */
};

/* One of the networks: what it sees, and which of the unknowns it has */
typedef struct {
  char    *name;     /* NULL where there is one without a name */
  PetscInt noutputs; /* the unknowns behind those of the networks before it */
  PetscInt ninputs;  /* dim, or those of its inputs */
  char    *inputs;   /* E(x), a list; or NULL: the coordinates */
} EngdProblemNetwork;

struct _n_EngdProblem {
  MPI_Comm            comm;
  PetscBool           asked, ready; /* have the options been read, and without an error */
  char               *name;
  PetscInt64          seed;
  EngdDomain          domain;
  PetscInt            noutputs, nparameters, nterms;
  char              **output;    /* [noutputs] */
  char              **parameter; /* [nparameters] */
  PetscReal          *value;     /* [nparameters] */
  PetscInt            ndefinitions;
  EngdDefinition     *definition; /* [ndefinitions] -functions */
  PetscInt            ntables;
  EngdTabulated      *table; /* [ntables] -tables */
  PetscInt            nnetworks;
  EngdProblemNetwork *network;  /* [nnetworks] */
  char              **ansatz;   /* [noutputs] what an output means, in the raw ones; NULL where itself, or for all */
  PetscInt            ncomplex; /* Complex unknowns, pairs of outputs. */
  char              **complex_name;   /* [ncomplex] */
  PetscInt           *complex_output; /* [ncomplex] The real part; the imaginary part is the next output. */
  PetscInt            nunknowns;      /* Unknown parameters of the equations. */
  char              **unknown;        /* [nunknowns] Their names. */
  PetscReal          *start;          /* [nunknowns] The values that they begin with. */
  PetscReal          *lower, *upper;  /* [nunknowns] Their bounds, infinite where there is none. */
  EngdCallback        callback;       /* residuals and energies in C */
  EngdTerm           *term;           /* [nterms] */
  PetscInt            nexact;         /* outputs whose exact solution is given */
  PetscInt           *exact_output;   /* [nexact] which ones */
  char              **exact_text;     /* [noutputs] NULL where there is none */
  EngdExpression      exact; /* components: u*_k, k < nexact, then for each k its nspace space derivatives; or NULL */
  PetscBool           smooth;   /* are there these derivatives: not of solutions from a file */
  EngdExpression      where;    /* [nexact] conditions, where each exact solution is one; NULL: everywhere */
  EngdPoints          test;     /* points of the domain never trained on, sampled once */
  EngdSettings        settings; /* what setters have said instead of options */
};

/* Reads the options of a term between its own PetscOptionsBegin and End */
PETSC_INTERN PetscErrorCode EngdTermCreateFromOptions(EngdProblem, const char name[], PetscInt stream, EngdTerm *);
/* adapt.c: the options -<term>_adapt_..., between its own Begin and End; once the term is there, the room that it needs */
PETSC_INTERN PetscErrorCode EngdAdaptReadOptions(const char name[], EngdAdapt *, EngdOptionItems);
PETSC_INTERN PetscErrorCode EngdAdaptSetUp(EngdTerm, PetscBool file);
PETSC_INTERN PetscErrorCode EngdAdaptView(EngdTerm, PetscViewer);
PETSC_INTERN const char    *EngdAdaptName(EngdAdaptMethod);
/* walkers.c: the options of walkers, likewise, NULL where the term has none; and what they are for it */
typedef struct {
  char     *log_psi, *local_energy; /* NULL: no walkers. */
  PetscInt  steps, burn, sweeps;
  PetscReal length;
  PetscBool walls;
  PetscBool set[5]; /* Which of the numbers are given. */
} EngdWalkOptions;
PETSC_INTERN PetscErrorCode EngdWalkReadOptions(const char name[], EngdWalkOptions *, EngdOptionItems);
PETSC_INTERN PetscErrorCode EngdWalkCreate(EngdProblem, EngdTerm, const EngdWalkOptions *, const char sampler[]);
PETSC_INTERN PetscErrorCode EngdWalkState(EngdTerm, EngdArchive);
PETSC_INTERN PetscErrorCode EngdWalkView(EngdTerm, PetscViewer);
PETSC_INTERN PetscErrorCode EngdWalkDestroy(EngdWalk *);
PETSC_INTERN PetscErrorCode EngdTermSetRandomDimensions(EngdProblem, EngdTerm, PetscInt s, const char other[]);
PETSC_INTERN PetscErrorCode EngdTermCheckRandomDimensions(EngdProblem, EngdTerm);

/* What the user said about a term, before it is checked (term_options.c); texts are NULL where nothing was said. Density: what the term
   says at a point, of its points (term_density.c). Collective */
typedef struct {
  char *region, *points, *file, *sampler, *residual, *energy, *integral, *numerator, *denominator, *local, *measure;
  PetscReal weight;
  PetscBool weighted;
  PetscInt  resample, multipliers, nrandom;
  EngdAdapt adapt;
  PetscReal causal;
  PetscInt  slabs;
  PetscBool caused, slabbed; /* were they given */
  PetscReal bound;
  PetscBool bounded;

  EngdWalkOptions walk;
} EngdTermOptions;
PETSC_INTERN PetscErrorCode EngdTermReadOptions(EngdProblem, const char name[], EngdTermOptions *);
PETSC_INTERN PetscErrorCode EngdTermOptionsDestroy(EngdTermOptions *);
PETSC_INTERN PetscErrorCode EngdTermCreateDensity(EngdProblem, EngdTerm, const EngdTermOptions *);

PETSC_INTERN PetscErrorCode EngdTermView(EngdTerm, PetscViewer);
/* residual, energy, quotient or integral */
PETSC_INTERN const char    *EngdTermKind(EngdTerm);
PETSC_INTERN PetscErrorCode EngdTermDestroy(EngdTerm *);
/* The names of a problem; the symbols are those an expression of it may use */
PETSC_INTERN PetscErrorCode EngdProblemReadNetworks(EngdProblem);
PETSC_INTERN PetscErrorCode EngdProblemReadInputs(EngdProblem);
PETSC_INTERN PetscErrorCode EngdProblemCheckNetworkNames(EngdProblem, PetscInt nterms, char *const terms[]);
PETSC_INTERN PetscErrorCode EngdProblemDestroyNetworks(EngdProblem);
PETSC_INTERN PetscErrorCode EngdProblemReadParameters(EngdProblem, const char list[]);
PETSC_INTERN PetscErrorCode EngdProblemReadTables(EngdProblem, const char text[]);
PETSC_INTERN PetscErrorCode EngdProblemReadFunctions(EngdProblem, const char list[]);
PETSC_INTERN PetscErrorCode EngdProblemReadUnknowns(EngdProblem, const char list[]);
PETSC_INTERN PetscErrorCode EngdProblemCheckNames(EngdProblem);
PETSC_INTERN PetscErrorCode EngdProblemCheckTermNames(EngdProblem, const char option[], PetscInt,
                                                      char *const names[]);
PETSC_INTERN PetscErrorCode EngdProblemGetSymbols(EngdProblem, EngdSymbols *);
/* the same without what depends on theta: coordinates and parameters */
PETSC_INTERN PetscErrorCode EngdProblemGetPointSymbols(EngdProblem, EngdSymbols *);

/* Of complex unknowns (complex.c): their names; two outputs for one of them, from the index `first` on; texts of the two parts of
   what an option with this prefix says of one, in their places of text [noutputs] */
PETSC_INTERN PetscErrorCode EngdProblemReadComplex(EngdProblem);
PETSC_INTERN PetscErrorCode EngdProblemExpandComplex(EngdProblem, PetscInt *n, char ***outputs, PetscInt first);
PETSC_INTERN PetscErrorCode EngdProblemCheckComplex(EngdProblem);
PETSC_INTERN PetscErrorCode EngdProblemReadComplexTexts(EngdProblem, const char prefix[], const char sentence[],
                                                        const char manual[], char *text[]);
/* Bounds of unknown parameters (bounds.c). Free: the number of theta that stands for a value; Bound: the value that it stands for, and its
   derivative; AtBound: has a value come to a bound, and which */
PETSC_INTERN PetscErrorCode EngdProblemReadBounds(EngdProblem);
PETSC_INTERN PetscReal      EngdProblemFreeUnknown(EngdProblem, PetscInt k, PetscReal value);
PETSC_INTERN PetscReal      EngdProblemBoundUnknown(EngdProblem, PetscInt k, PetscReal s, PetscReal *slope);
PETSC_INTERN PetscBool      EngdProblemAtBound(EngdProblem, PetscInt k, PetscReal value, PetscReal *bound);
/* the numbers of a list nu=0.1,k=4, freed with EngdListDestroy() and PetscFree() */
PETSC_INTERN PetscErrorCode EngdProblemReadNumbers(EngdProblem, const char option[], const char list[], PetscInt *n,
                                                   char ***name, PetscReal **value);
/* The model's text (model.c): its options; its checks, once there are terms; E(x) of a network, not compiled; the outputs u and, if wanted,
   their space derivatives (for each coordinate all outputs), as expressions of raw jets, compiled to order 1 */
PETSC_INTERN PetscErrorCode EngdProblemReadModel(EngdProblem);
PETSC_INTERN PetscErrorCode EngdProblemCheckModel(EngdProblem);
PETSC_INTERN PetscErrorCode EngdProblemCreateInputs(EngdProblem, PetscInt network, EngdExpression *);
PETSC_INTERN PetscErrorCode EngdProblemCreateOutputs(EngdProblem, PetscBool gradient, EngdExpression *);

/* What expressions of results may name besides (aliases.c): exact_u, error_u, exact, error, residual(pde) */
PETSC_INTERN PetscErrorCode EngdProblemCreateAliases(EngdProblem, PetscInt *n, EngdAlias **);
PETSC_INTERN PetscErrorCode EngdAliasesDestroy(PetscInt n, EngdAlias **);

/*
  Text of an option, whatever its length; the default, which may be NULL, when it is not given. With an example the
  option is required: an error that shows the example when it is missing, except under -help, where it stands in.
  A list is separated by commas outside parentheses. Numbers are constant expressions; names are identifiers that
  differ, and may be a range x1..x10.
*/
PETSC_EXTERN PetscErrorCode EngdOptionsText(EngdOptionItems, const char option[], const char sentence[],
                                            const char manual[], const char standard[], const char example[],
                                            char **);
PETSC_EXTERN PetscErrorCode EngdOptionsWhole(EngdOptionItems, const char option[], const char sentence[],
                                             const char manual[], PetscInt least, PetscInt *);
PETSC_EXTERN PetscErrorCode EngdParseReal(const char option[], const char text[], const EngdSymbols *, PetscReal *);
PETSC_EXTERN PetscErrorCode EngdParseWhole(const char option[], const char text[], PetscInt least, PetscInt *);
PETSC_EXTERN PetscErrorCode EngdParseReals(const char option[], const char text[], const EngdSymbols *, PetscInt *,
                                           PetscReal **);
/* a new text of the length that it needs */
PETSC_INTERN PetscErrorCode EngdTextPrint(char **text, const char format[], ...) PETSC_ATTRIBUTE_FORMAT(2, 3);
PETSC_EXTERN PetscErrorCode EngdParseList(const char option[], const char text[], PetscInt *, char ***);
PETSC_EXTERN PetscErrorCode EngdParseNames(const char option[], const char text[], PetscInt *, char ***);
PETSC_EXTERN PetscErrorCode EngdListDestroy(PetscInt, char ***);

#endif
