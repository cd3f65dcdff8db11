/*
  Spectra of the operators of a functional: H, G, J, J J^T and P^{-1} G. (src/spectrum)
*/
#ifndef ENGD_SPECTRUM_H
#define ENGD_SPECTRUM_H

#include <engd/solver.h>
#include <engd/archive.h>
#include <slepceps.h>
#include <slepcsvd.h>

typedef enum {
  ENGD_SPECTRUM_HESSIAN,
  ENGD_SPECTRUM_GRAMIAN,
  ENGD_SPECTRUM_JACOBIAN,
  ENGD_SPECTRUM_PRECONDITIONED,
  ENGD_SPECTRUM_KERNEL,
  ENGD_NSPECTRA
} EngdSpectrumKind;

/* An operator whose spectrum is wanted, at the parameters of its functional */
typedef struct {
  EngdSpectrumKind kind;
  PetscInt         layer;  /* 1, 2, ...: the diagonal block of this layer, of J its columns. 0: all of it. */
  Mat              A;      /* H or G; for jacobian and kernel J (N, p). */
  Mat              M;      /* P^{-1} for preconditioned, else NULL. */
  PetscInt         n;      /* How many eigenvalues there are; of J singular values, min(N, p). */
  PetscInt         larger; /* The larger order: times epsilon it is the relative rounding of a matrix. */
  PetscInt nsigma; /* Singular values of J that the values are made of, min(N, p); 0 where they are made of none. */
  PetscInt zeros;  /* Eigenvalues of J J^T that are zero since N > p. */
} EngdSpectrumOperator;

/* What a row of the table tells */
typedef enum {
  ENGD_QUANTITY_ALL,      /* all eigenvalues, descending: value, and a bound of its error */
  ENGD_QUANTITY_LARGEST,  /* some at the upper end, descending */
  ENGD_QUANTITY_SMALLEST, /* some at the lower end, ascending */
  ENGD_QUANTITY_CHOSEN,   /* those that options of EPS or SVD chose */
  ENGD_QUANTITY_NEGATIVE, /* How many eigenvalues are below -at. */
  ENGD_QUANTITY_ZERO,     /* How many are within at. */
  ENGD_QUANTITY_POSITIVE, /* How many are above at. */
  ENGD_QUANTITY_RANK,     /* how many singular values are above at */
  ENGD_QUANTITY_ABOUT_NEGATIVE, /* An estimate of that count, made with the density, and its error; the next two likewise. */
  ENGD_QUANTITY_ABOUT_ZERO,
  ENGD_QUANTITY_ABOUT_POSITIVE,
  ENGD_QUANTITY_OVERLAP, /* |P R| / |R|, P onto the left singular vectors of J whose sigma is above at: R in the tangent space */
  ENGD_QUANTITY_DENSITY, /* of the eigenvalues near at, with integral 1 */
  ENGD_NQUANTITIES
} EngdQuantity;

typedef struct {
  PetscInt         iteration;
  EngdSpectrumKind kind;
  PetscInt         layer;
  EngdQuantity     quantity;
  PetscInt         number; /* 1, 2, ... within the quantity */
  PetscReal        at, value, error;
} EngdSpectrumRow;

struct _n_EngdSpectrum {
  MPI_Comm         comm;
  EngdFunctional   functional;            /* Borrowed. */
  Tao              tao;                   /* Borrowed. */
  PetscBool        wanted[ENGD_NSPECTRA]; /* Of which operators. */
  PetscBool        any;                   /* Whether of one at least. */
  PetscInt         every;                 /* Iterations between two spectra, 0: at the end alone. */
  PetscInt         nev;                   /* Eigenvalues at each end. */
  PetscBool        dense;                 /* All eigenvalues are computed. */
  PetscBool        choose_dense;          /* They are where the operator is small. */
  PetscReal        tolerance;             /* What counts as zero, relative to the largest; 0: n machine epsilons. */
  PetscInt         ncutoffs;
  PetscReal       *cutoff; /* [ncutoffs] Of counts of singular values, relative to sigma_1. */
  PetscInt         nprobes;
  PetscInt         nsteps; /* Of Lanczos' method for each probe. */
  PetscInt         ngrid;  /* Points of the density. */
  PetscReal        width;  /* Of its Gaussians, relative to the range of the eigenvalues. */
  PetscBool        layers; /* The block of each layer, too. */
  char            *file;
  PetscInt         last; /* The iteration of the newest rows, -1 before. */
  PetscInt         nrows, capacity;
  EngdSpectrumRow *row; /* The same on all ranks. */
};

/* spectrum.c: as a run calls them, with the iteration of the whole run. Collective */
PETSC_INTERN PetscErrorCode EngdSpectrumMonitor(EngdSpectrum, Tao, Vec theta, PetscInt iteration);
PETSC_INTERN PetscErrorCode EngdSpectrumFinish(EngdSpectrum, Tao, PetscInt iteration);
PETSC_INTERN PetscErrorCode EngdSpectrumState(EngdSpectrum, EngdArchive); /* the rows so far */

/* operators (operator.c): the one of a kind, its block of a layer; free with Destroy. Collective */
PETSC_INTERN const char *const engd_spectrum_name[ENGD_NSPECTRA];
PETSC_INTERN PetscErrorCode    EngdSpectrumOperatorCreate(EngdSpectrum, EngdSpectrumKind, PetscInt layer,
                                                          EngdSpectrumOperator *);
PETSC_INTERN PetscErrorCode    EngdSpectrumOperatorCount(EngdSpectrum, EngdSpectrumKind, PetscInt layer,
                                                         EngdSpectrumOperator *);
PETSC_INTERN PetscBool         EngdSpectrumIsOfJacobian(EngdSpectrumKind);
PETSC_INTERN PetscErrorCode    EngdSpectrumOperatorDestroy(EngdSpectrumOperator *);
PETSC_INTERN PetscErrorCode    EngdSpectrumOperatorProduct(const EngdSpectrumOperator *, Mat *);
PETSC_INTERN PetscErrorCode    EngdMatCreateBlock(Mat A, PetscBool rows, PetscInt first, PetscInt n, Mat *);

/* options.c: are they all that can be wrong with the input */
PETSC_INTERN PetscErrorCode EngdSpectrumReadOptions(EngdSpectrum, EngdOptionItems);
PETSC_INTERN PetscErrorCode EngdSpectrumCheckOptions(EngdSpectrum);
PETSC_INTERN PetscErrorCode EngdSpectrumIsDense(EngdSpectrum, const EngdSpectrumOperator *, PetscBool *);

/*
  dense.c: all of a spectrum by LAPACK, descending and on all ranks. Collective.

  Eigenvalues: of a symmetric A, or of M A with M positive definite; where M is not, definite is false and nothing is computed.
  SingularValues: of A, and c = U^T r unless that is NULL.
  Bytes: what the busiest rank needs.
*/
PETSC_INTERN PetscErrorCode EngdDenseEigenvalues(Mat A, Mat M, PetscReal value[], PetscBool *definite);
PETSC_INTERN PetscErrorCode EngdDenseSingularValues(Mat A, Vec r, PetscReal sigma[], PetscReal c[]);
PETSC_INTERN PetscReal      EngdDenseBytes(const EngdSpectrumOperator *, PetscInt mlocal, MPI_Comm);

/* What a solver has got to: the largest |value| met, and the first value that has not converged, with its residual */
typedef struct {
  PetscReal norm, next, residual;
} EngdSpectrumProgress;

/* iterative.c: rows of both ends, or of what options chose. Create: with the options of EPS and SVD read. Collective */
PETSC_INTERN PetscErrorCode EngdSpectrumCreateEPS(EngdSpectrum, Mat A, PetscBool symmetric, EPSWhich,
                                                  EngdSpectrumProgress *, EPS *);
PETSC_INTERN PetscErrorCode EngdSpectrumCreateSVD(EngdSpectrum, Mat J, SVDWhich, EngdSpectrumProgress *, SVD *);
PETSC_INTERN PetscErrorCode EngdSpectrumIterate(EngdSpectrum, const EngdSpectrumOperator *);

/* density.c: m steps of Lanczos from k probes: nodes and weights (m, k), steps done (k); density on a grid and counts */
typedef struct {
  PetscInt   nprobes, nsteps;
  PetscInt  *m;             /* [nprobes] nodes of each quadrature, at most nsteps */
  PetscReal *node, *weight; /* (nsteps, nprobes) ascending; the weights of a probe sum to 1 */
  PetscReal *residual;      /* (nsteps, nprobes) there is an eigenvalue no farther from the node */
} EngdQuadrature;
PETSC_INTERN PetscErrorCode EngdQuadratureCreate(Mat A, PetscInt64 seed, PetscInt nprobes, PetscInt nsteps,
                                                 EngdQuadrature *);
PETSC_INTERN PetscErrorCode EngdQuadratureDestroy(EngdQuadrature *);
PETSC_INTERN PetscErrorCode EngdQuadratureCount(const EngdQuadrature *, PetscReal bound, PetscReal *share,
                                                PetscReal *error);
PETSC_INTERN PetscErrorCode EngdSpectrumAddDensity(EngdSpectrum, const EngdSpectrumOperator *);

/* table.c, file.c: the rows, on the screen and in the file */
PETSC_INTERN const char *const engd_quantity_name[ENGD_NQUANTITIES];
PETSC_INTERN PetscErrorCode    EngdSpectrumAddRow(EngdSpectrum, const EngdSpectrumOperator *, EngdQuantity,
                                                  PetscInt number, PetscReal at, PetscReal value, PetscReal error);
PETSC_INTERN PetscErrorCode EngdSpectrumAddAll(EngdSpectrum, const EngdSpectrumOperator *, const PetscReal value[]);
PETSC_INTERN PetscErrorCode EngdSpectrumAddOverlap(EngdSpectrum, const EngdSpectrumOperator *,
                                                   const PetscReal sigma[], PetscReal norm, const PetscReal c[]);
PETSC_INTERN PetscErrorCode EngdSpectrumPrint(EngdSpectrum, PetscInt first);
PETSC_INTERN PetscErrorCode EngdSpectrumFileCheck(EngdSpectrum);
PETSC_INTERN PetscErrorCode EngdSpectrumFileWrite(EngdSpectrum);

/* sharpness.c: the largest eigenvalue and the index of the Hessian, for the monitor */
typedef struct _n_EngdSharpness *EngdSharpness;
PETSC_INTERN PetscErrorCode      EngdSharpnessCreate(EngdFunctional, EngdSharpness *);
PETSC_INTERN PetscErrorCode EngdSharpnessCompute(EngdSharpness, Vec theta, PetscReal *sharpness, PetscReal *index);
PETSC_INTERN PetscErrorCode EngdSharpnessState(EngdSharpness, EngdArchive);
PETSC_INTERN PetscErrorCode EngdSharpnessDestroy(EngdSharpness *);

#endif
