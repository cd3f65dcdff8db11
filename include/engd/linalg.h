/*
  Dense linear algebra over ranks, on LAPACK: what explicit Jacobians need. (src/linalg)
*/
#ifndef ENGD_LINALG_H
#define ENGD_LINALG_H

#include <engd/base.h>

/* LAPACK's routines that petscblaslapack.h does not declare */
#define LAPACKgeqp3_  PETSCBLAS(geqp3, GEQP3)
#define LAPACKgelqf_  PETSCBLAS(gelqf, GELQF)
#define LAPACKormlq_  PETSCBLAS(ormlq, ORMLQ)
#define LAPACKsygst_  PETSCBLAS(sygst, SYGST)
#define LAPACKgesdd_  PETSCBLAS(gesdd, GESDD)
#define LAPACKgebrd_  PETSCBLAS(gebrd, GEBRD)
#define LAPACKormbr_  PETSCBLAS(ormbr, ORMBR)
#define LAPACKbdsqr_  PETSCBLAS(bdsqr, BDSQR)
#define LAPACKtpqrt_  PETSCBLAS(tpqrt, TPQRT)
#define LAPACKtpmqrt_ PETSCBLAS(tpmqrt, TPMQRT)
#define LAPACKgeqrt_  PETSCBLAS(geqrt, GEQRT)
#define LAPACKlarfb_  PETSCBLAS(larfb, LARFB)
#define LAPACKlaswp_  PETSCBLAS(laswp, LASWP)

/* The singular values of a matrix (n, n) above a tolerance, with their vectors: A = U diag(sigma) V^T */
typedef struct {
  PetscInt   n;
  PetscInt   nsigma; /* Singular values above the tolerance. */
  PetscReal *sigma;  /* (nsigma) Descending. */
  PetscReal *U, *V;  /* (n, nsigma) */
} EngdSVD;

/* Compute: singular values are kept as long as the pivots of a rank-revealing QR are above tolerance times the first one.
   Overwrites A. All are local. */
PETSC_INTERN PetscErrorCode EngdSVDCreate(PetscInt n, EngdSVD *);
PETSC_INTERN PetscErrorCode EngdSVDCompute(EngdSVD *, PetscReal A[], PetscReal tolerance);
PETSC_INTERN PetscErrorCode EngdSVDDestroy(EngdSVD *);
PETSC_INTERN size_t         EngdSVDBytes(PetscInt n);

/* A (n, n) = U diag(sigma) Vt with U (ldu, n), Vt (n, n), by gesdd, with EngdDenseSVDWorkSize() numbers of workspace and 8 n integers; over A */
PETSC_INTERN PetscErrorCode EngdDenseSVD(PetscInt n, PetscReal A[], PetscReal sigma[], PetscReal U[], PetscInt ldu,
                                         PetscReal Vt[], PetscReal work[], PetscBLASInt iwork[]);
PETSC_INTERN size_t         EngdDenseSVDWorkSize(PetscInt n);

/* C (m, n) = op(A) op(B) + beta C, op of "N" or "T" and the inner size k, with columns lda, ldb, ldc apart on this rank.
   Transpose: Y (n, m) = X^T with X (m, n) */
PETSC_INTERN PetscErrorCode EngdGemm(const char transa[], const char transb[], PetscInt m, PetscInt n, PetscInt k,
                                     const PetscReal A[], PetscInt lda, const PetscReal B[], PetscInt ldb,
                                     PetscReal beta, PetscReal C[], PetscInt ldc);
PETSC_INTERN void           EngdTranspose(PetscInt m, PetscInt n, const PetscReal X[], PetscInt ldx, PetscReal Y[],
                                          PetscInt ldy);

/* is each of n numbers finite, of this rank, or of all ranks, where that is collective */
PETSC_INTERN PetscBool      EngdIsFinite(size_t n, const PetscReal x[]);
PETSC_INTERN PetscErrorCode EngdAllFinite(MPI_Comm, size_t n, const PetscReal x[], PetscBool *finite);

/* counts[r], starts[r] of an array of which this rank has n entries. Collective */
PETSC_INTERN PetscErrorCode EngdGatherCounts(MPI_Comm, PetscInt n, PetscMPIInt counts[], PetscMPIInt starts[]);

/*
  A whole copy of vectors that are spread over ranks, n entries on this one: one for the ranks of `node`, which share memory, or one on
  each rank where that is MPI_COMM_NULL. The copy is read only, until the next Gather.
  Gather: from the part of each rank.  Reduce: mine [n] <- this rank's part of the sum of the arrays sum [p] of all.
  CountSharers: the ranks that have this copy, and which of them this one is. All but Array and CountSharers are collective.
*/
typedef struct _n_EngdWhole  *EngdWhole;
PETSC_INTERN PetscErrorCode   EngdWholeCreate(MPI_Comm, MPI_Comm node, PetscInt n, EngdWhole *);
PETSC_INTERN PetscErrorCode   EngdWholeGather(EngdWhole, const PetscReal mine[]);
PETSC_INTERN PetscErrorCode   EngdWholeReduce(EngdWhole, const PetscReal sum[], PetscReal mine[]);
PETSC_INTERN const PetscReal *EngdWholeArray(EngdWhole);
PETSC_INTERN PetscErrorCode   EngdWholeCountSharers(EngdWhole, PetscMPIInt *rank, PetscMPIInt *size);
PETSC_INTERN PetscErrorCode   EngdWholeDestroy(EngdWhole *);

/* y = A x ("N") or A^T x ("T"), A (m, n) by columns on this rank; zero where m or n is */
PETSC_INTERN PetscErrorCode EngdDenseMultiply(const char trans[], PetscInt m, PetscInt n, const PetscReal A[],
                                              const PetscReal x[], PetscReal y[]);

/* Dense symmetric matrices (n, n) without gaps, of which the upper triangle is read; info is LAPACK's. All are local.
   Eigen: A = V diag(l) V^T, l ascending; V over A (job "V"), or l alone (job "N").
   Factor: by Bunch and Kaufman, over A.  Solve: x <- A^{-1} x with the factors.
   CubicMinimize: y (n) = argmin of c.y + y.diag(l) y / 2 + M/3 |y|^3, l in any order, M > 0. */
PETSC_INTERN PetscErrorCode EngdSymmetricEigen(const char job[], PetscInt n, PetscReal A[], PetscReal l[],
                                               PetscInt *info);
PETSC_INTERN PetscErrorCode EngdSymmetricFactor(PetscInt n, PetscReal A[], PetscBLASInt pivot[], PetscInt *info);
PETSC_INTERN PetscErrorCode EngdSymmetricSolve(PetscInt n, const PetscReal A[], const PetscBLASInt pivot[],
                                               PetscReal x[]);
PETSC_INTERN void EngdCubicMinimize(PetscInt n, const PetscReal l[], const PetscReal c[], PetscReal M, PetscReal y[]);

/* The diagonal blocks of a matrix of order p that a structure keeps: b has the rows and columns from start[b] to below
   start[b + 1], and stands by columns, without gaps, from at[b] on */
typedef struct {
  PetscInt  n, largest; /* blocks, and the largest order */
  PetscInt *start;      /* [n + 1] */
  size_t   *at;         /* [n + 1] */
} EngdDiagonalBlocks;

/* The same of block diagonal matrices. Mult: y = op(V) x (trans "N" or "T"); Factor: of A + lambda I */
PETSC_INTERN PetscErrorCode EngdDiagonalBlocksEigen(const EngdDiagonalBlocks *, PetscReal A[], PetscReal l[],
                                                    PetscInt *info);
PETSC_INTERN PetscErrorCode EngdDiagonalBlocksFactor(const EngdDiagonalBlocks *, PetscReal lambda, PetscReal A[],
                                                     PetscBLASInt pivot[], PetscInt *info);
PETSC_INTERN PetscErrorCode EngdDiagonalBlocksSolve(const EngdDiagonalBlocks *, const PetscReal A[],
                                                    const PetscBLASInt pivot[], PetscReal x[]);
PETSC_INTERN PetscErrorCode EngdDiagonalBlocksMult(const EngdDiagonalBlocks *, const char trans[],
                                                   const PetscReal V[], const PetscReal x[], PetscReal y[]);

/*
  A symmetric matrix (n, n) in blocks on all ranks, and its eigenvectors, A = V diag(l) V^T; where PETSc has ScaLAPACK.
  Create: zero; keep: will Factor leave A as it was.  Scale: A <- beta A.  Add: A += sum over the ranks of upper triangles (n, n).
  AddColumn: A += alpha times column j, of n numbers, the same on all ranks.  Factor: l (n) ascending, NULL if not wanted; info is
  LAPACK's, and -1 where A is not finite.  Mult: y = V x ("N") or V^T x ("T") with x and y on rank 0.  Gather, Scatter: A or V from
  and to rank 0. Bytes: on the rank that has most. All but Available, Bytes, Scale and AddColumn are collective.
*/
typedef struct _n_EngdEigen *EngdEigen;
PETSC_INTERN PetscBool       EngdEigenAvailable(void);
PETSC_INTERN PetscReal       EngdEigenBytes(PetscMPIInt size, PetscInt n, PetscBool keep);
PETSC_INTERN PetscErrorCode  EngdEigenCreate(MPI_Comm, PetscInt n, PetscBool keep, EngdEigen *);
PETSC_INTERN PetscErrorCode  EngdEigenScale(EngdEigen, PetscReal beta);
PETSC_INTERN PetscErrorCode  EngdEigenAdd(EngdEigen, const PetscReal A[]);
PETSC_INTERN PetscErrorCode  EngdEigenAddColumn(EngdEigen, PetscInt j, PetscReal alpha, const PetscReal column[]);
PETSC_INTERN PetscErrorCode  EngdEigenFactor(EngdEigen, PetscReal l[], PetscInt *info);
PETSC_INTERN PetscErrorCode  EngdEigenMult(EngdEigen, const char trans[], const PetscReal x[], PetscReal y[]);
PETSC_INTERN PetscErrorCode  EngdEigenGather(EngdEigen, PetscBool vectors, PetscReal root[]);
PETSC_INTERN PetscErrorCode  EngdEigenScatter(EngdEigen, PetscBool vectors, PetscReal root[]);
PETSC_INTERN PetscErrorCode  EngdEigenDestroy(EngdEigen *);

/*
  A tall matrix A = Q T whose rows are spread over ranks, m on this one. Q (m, n) on this rank is kept as reflectors.
  GetArray: A (m, n) with leading dimension lda, to be filled before Factor overwrites it.
  Factor: the triangle T (n, n), on rank 0.
  MultTranspose: y (n) = Q^T x, on rank 0.  Mult: x (m) = Q y, with y (n) from rank 0.
  FormQ: X (m, n) = Q after all, with rows ldx apart: the unit vectors at once.
  All but Bytes and GetArray are collective.
*/
typedef struct _n_EngdTSQR *EngdTSQR;
PETSC_INTERN PetscErrorCode EngdTSQRCreate(MPI_Comm, PetscInt m, PetscInt n, EngdTSQR *);
PETSC_INTERN PetscErrorCode EngdTSQRGetArray(EngdTSQR, PetscInt *lda, PetscReal **A);
PETSC_INTERN PetscErrorCode EngdTSQRFactor(EngdTSQR, PetscReal T[]);
PETSC_INTERN PetscErrorCode EngdTSQRMultTranspose(EngdTSQR, const PetscReal x[], PetscReal y[]);
PETSC_INTERN PetscErrorCode EngdTSQRMult(EngdTSQR, const PetscReal y[], PetscReal x[]);
PETSC_INTERN PetscErrorCode EngdTSQRFormQ(EngdTSQR, PetscInt ldx, PetscReal X[]);
PETSC_INTERN PetscErrorCode EngdTSQRDestroy(EngdTSQR *);
PETSC_INTERN size_t         EngdTSQRBytes(MPI_Comm, PetscInt m, PetscInt n);

/*
  A random orthogonal matrix V (n, n), a function of n, that is quick to multiply with. Column order[i] is taken for the i-th, where
  order is not NULL.
  Rows: A <- A V with A (m, n), columns lda apart.  Mult: x <- V x, MultTranspose: x <- V^T x. All are local.
*/
typedef struct _n_EngdMixing *EngdMixing;
PETSC_INTERN PetscErrorCode   EngdMixingCreate(PetscInt n, const PetscInt order[], EngdMixing *);
PETSC_INTERN PetscErrorCode   EngdMixingRows(EngdMixing, PetscInt m, PetscInt lda, PetscReal A[]);
PETSC_INTERN PetscErrorCode   EngdMixingMult(EngdMixing, PetscReal x[]);
PETSC_INTERN PetscErrorCode   EngdMixingMultTranspose(EngdMixing, PetscReal x[]);
PETSC_INTERN PetscErrorCode   EngdMixingDestroy(EngdMixing *);

/*
  A = Q T with the columns of A (m, n) dealt to the ranks by panels, m >= n; Q is kept as reflectors. Vectors are whole on all ranks.
  SetSizes: before each filling; a stack of that many triangles (n, n), rows by StackRow, has m by itself. GetArray: of all its
  columns where there is one rank. GetColumn: column j, of m numbers, NULL on ranks that do not have it.
  Apply: x (m) <- Q x or Q^T x.  Solve: x <- op(T)^{-1} x with the leading `order` rows and columns.  Transpose: `to` (n, k), to
  be factored, is the transpose of the first k rows of T.  Mult: y = B x or B^T x, B being the first `rows` rows of columns
  begin to end of T.  RowSquares: of the rows of T.  Deal: from rows of ranks to columns.
  Cholesky: A = L L^T in place of QR, of the lower triangle; done is false where A is not positive to rounding.
  CholeskySolve: x <- A^{-1} x.  LU: by partial pivoting, of a square A; pivot is which is zero, from 1 on, or 0.  LUSolve: x <- A^{-1} x.
  Of symmetric ones, Scale: A <- beta A.  AddSum: A += the sum over the ranks of upper triangles (n, n).  Shift: to <- from + lambda I.
  Move: to or from rank 0.
  All but Count*, StackRow, Owner, GetArray and GetColumn are collective.
*/
typedef struct _n_EngdPanels *EngdPanels;
PETSC_INTERN PetscErrorCode   EngdPanelsCreate(MPI_Comm, EngdPanels *);
PETSC_INTERN PetscErrorCode   EngdPanelsSetSizes(EngdPanels, PetscInt m, PetscInt n, PetscInt stack);
PETSC_INTERN PetscErrorCode   EngdPanelsGetArray(EngdPanels, PetscInt *lda, PetscReal **A);
PETSC_INTERN PetscErrorCode   EngdPanelsGetColumn(EngdPanels, PetscInt j, PetscReal **a);
PETSC_INTERN PetscErrorCode   EngdPanelsFactor(EngdPanels);
PETSC_INTERN PetscErrorCode   EngdPanelsApply(EngdPanels, const char trans[], PetscReal x[]);
PETSC_INTERN PetscErrorCode   EngdPanelsSolve(EngdPanels, const char trans[], PetscInt order, PetscReal x[]);
PETSC_INTERN PetscErrorCode   EngdPanelsMult(EngdPanels, const char trans[], PetscInt rows, PetscInt begin,
                                             PetscInt end, const PetscReal x[], PetscReal y[]);
PETSC_INTERN PetscErrorCode   EngdPanelsTranspose(EngdPanels from, PetscInt k, EngdPanels to);
PETSC_INTERN PetscErrorCode   EngdPanelsRowSquares(EngdPanels, PetscReal squares[]);
PETSC_INTERN PetscErrorCode   EngdPanelsDestroy(EngdPanels *);
PETSC_INTERN PetscErrorCode   EngdPanelsDeal(EngdPanels, MPI_Comm, PetscMPIInt active, PetscInt n,
                                             const PetscMPIInt count[], PetscBool triangles, PetscInt lda,
                                             const PetscReal A[]);
PETSC_INTERN PetscErrorCode   EngdPanelsCholesky(EngdPanels, PetscBool *done);
PETSC_INTERN PetscErrorCode   EngdPanelsCholeskySolve(EngdPanels, PetscReal x[]);
PETSC_INTERN PetscErrorCode   EngdPanelsLU(EngdPanels, PetscInt *pivot);
PETSC_INTERN PetscErrorCode   EngdPanelsLUSolve(EngdPanels, PetscReal x[]);
PETSC_INTERN PetscErrorCode   EngdPanelsScale(EngdPanels, PetscReal beta);
PETSC_INTERN PetscErrorCode   EngdPanelsAddSum(EngdPanels, const PetscReal A[]);
PETSC_INTERN PetscErrorCode   EngdPanelsShift(EngdPanels from, PetscReal lambda, EngdPanels to);
PETSC_INTERN PetscErrorCode   EngdPanelsFinite(EngdPanels, PetscBool *);
PETSC_INTERN PetscErrorCode   EngdPanelsMove(EngdPanels, PetscBool to_root, PetscReal root[]);
PETSC_INTERN PetscInt         EngdPanelsStackRow(PetscInt n, PetscInt stack, PetscInt triangle, PetscInt row);
PETSC_INTERN PetscMPIInt      EngdPanelsOwner(PetscInt column, PetscMPIInt size);
PETSC_INTERN PetscInt         EngdPanelsCountColumns(PetscInt n, PetscMPIInt rank, PetscMPIInt size);
PETSC_INTERN size_t           EngdPanelsBytes(PetscMPIInt size, PetscInt m, PetscInt n);

/*
  Truncated least squares with a tall matrix A (M, n), M >= n, m of its rows on this rank, and with its transpose.
    A^+ is the pseudo-inverse of A without the singular values that are not above cutoff times the largest.
  Create: no cut-off will be below `least`; order, of the columns, makes the result one of what they are and not of where they
  stand, NULL where that is the same.  GetArray: A (m, n) here, to be filled before Factor overwrites it.
  Vectors on the left are those of the rows (m here), on the right those of the columns (n, whole on all ranks).
  Solve: y = A^+ b from the left to the right, (A^+)^T b from the right to the left, (A^T A)^+ b on the right, (A A^T)^+ b on
  the left, with the last right-hand side and any cut-off: the factors serve for all.
  SolveDamped: y = (A^T A + mu s_1^2 I)^{-1} A^T b from the left, A (A^T A + mu s_1^2 I)^{-1} b from the right.
  All but GetArray are collective.
*/
typedef enum { ENGD_LEFT, ENGD_RIGHT } EngdSide;
typedef struct _n_EngdLeastSquares *EngdLeastSquares;
PETSC_INTERN PetscErrorCode         EngdLeastSquaresCreate(MPI_Comm, PetscInt m, PetscInt n, const PetscInt order[],
                                                           PetscReal least, EngdLeastSquares *);
PETSC_INTERN PetscErrorCode         EngdLeastSquaresGetArray(EngdLeastSquares, PetscInt *lda, PetscReal **A);
PETSC_INTERN PetscErrorCode         EngdLeastSquaresFactor(EngdLeastSquares);
PETSC_INTERN PetscErrorCode         EngdLeastSquaresSetRightHandSide(EngdLeastSquares, EngdSide, const PetscReal b[]);
PETSC_INTERN PetscErrorCode EngdLeastSquaresSolve(EngdLeastSquares, PetscReal cutoff, EngdSide, PetscReal y[]);
PETSC_INTERN PetscErrorCode EngdLeastSquaresSolveDamped(EngdLeastSquares, PetscReal mu, EngdSide from,
                                                        const PetscReal b[], PetscReal y[]);
/* what solutions have found of the singular values is found anew: the next one does not depend on those before. NULL: nothing */
PETSC_INTERN PetscErrorCode EngdLeastSquaresForget(EngdLeastSquares);
PETSC_INTERN PetscErrorCode EngdLeastSquaresDestroy(EngdLeastSquares *);
PETSC_INTERN PetscErrorCode EngdLeastSquaresBytes(MPI_Comm, PetscInt m, PetscInt n, PetscReal *bytes);

#endif
