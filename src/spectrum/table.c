/*
  The table of all spectra of a run: rows on every rank, and what of them is shown on the screen.

  A row is a value with its error: an eigenvalue, a count, a density. Counts of all eigenvalues: inertia with
  |mu| <= tolerance max|mu| as zero, numerical rank as the number of sigma > max(N, p) epsilon sigma_1, and above each of the
  cut-offs given; for the same cut-offs the overlap |P R| / |R| of the tangent space with the residual R, P = U U^T of the
  singular vectors counted. At a stationary point J^T R = 0, so there it says down to which sigma R is orthogonal.
*/
#include <engd/private.h>

const char *const engd_quantity_name[ENGD_NQUANTITIES] = {
    "all",  "largest",        "smallest",   "chosen",         "negative", "zero",   "positive",
    "rank", "about_negative", "about_zero", "about_positive", "overlap",  "density"};

/* Collective in that all ranks add the same */
PetscErrorCode EngdSpectrumAddRow(EngdSpectrum spectrum, const EngdSpectrumOperator *op, EngdQuantity quantity,
                                  PetscInt number, PetscReal at, PetscReal value, PetscReal error)
{
  PetscFunctionBeginUser;
  if (spectrum->nrows == spectrum->capacity) {
    spectrum->capacity = 2 * spectrum->capacity + 256;
    PetscCall(PetscRealloc(ENGD_COUNT(spectrum->capacity, sizeof(*spectrum->row)), &spectrum->row));
  }
  spectrum->row[spectrum->nrows++] =
      (EngdSpectrumRow){spectrum->last, op->kind, op->layer, quantity, number, at, value, error};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows of the numbers of values below -zero, within, and above; those of J J^T that N > p makes zero are not in value */
static PetscErrorCode AddInertia(EngdSpectrum spectrum, const EngdSpectrumOperator *op, const PetscReal value[],
                                 PetscReal zero)
{
  PetscInt count[3] = {0, op->zeros, 0};

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < op->n; i++) count[value[i] < -zero ? 0 : (value[i] > zero ? 2 : 1)]++;
  for (PetscInt k = 0; k < 3; k++) {
    PetscCall(EngdSpectrumAddRow(spectrum, op, (EngdQuantity)(ENGD_QUANTITY_NEGATIVE + k), 1, zero,
                                 (PetscReal)count[k], 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* cut-off number k, and how many singular values are above it: rounding (k = 0), or one that is given */
static PetscInt CountAbove(EngdSpectrum spectrum, const EngdSpectrumOperator *op, const PetscReal sigma[], PetscInt k,
                           PetscReal *cutoff)
{
  PetscInt rank = 0;

  *cutoff = (k ? spectrum->cutoff[k - 1] : op->larger * PETSC_MACHINE_EPSILON) * sigma[0];
  while (rank < op->n && sigma[rank] > *cutoff) rank++;
  return rank;
}

/* rows of the numbers of singular values above each cut-off */
static PetscErrorCode AddRanks(EngdSpectrum spectrum, const EngdSpectrumOperator *op, const PetscReal sigma[])
{
  PetscReal cutoff;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k <= spectrum->ncutoffs; k++) {
    const PetscInt rank = CountAbove(spectrum, op, sigma, k, &cutoff);

    PetscCall(EngdSpectrumAddRow(spectrum, op, ENGD_QUANTITY_RANK, k + 1, cutoff, (PetscReal)rank, 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows of the overlap for each cut-off; norm = |R|, c (n) = U^T R; none where R is zero */
PetscErrorCode EngdSpectrumAddOverlap(EngdSpectrum spectrum, const EngdSpectrumOperator *op, const PetscReal sigma[],
                                      PetscReal norm, const PetscReal c[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k <= spectrum->ncutoffs && norm > 0; k++) {
    PetscReal      cutoff, sum = 0;
    const PetscInt rank = CountAbove(spectrum, op, sigma, k, &cutoff);

    for (PetscInt i = 0; i < rank; i++) sum += PetscSqr(c[i] / norm);
    PetscCall(EngdSpectrumAddRow(spectrum, op, ENGD_QUANTITY_OVERLAP, k + 1, cutoff, PetscSqrtReal(sum), 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rows of all n values, descending, and of what they count to; value (nsigma) are singular values where these give them */
PetscErrorCode EngdSpectrumAddAll(EngdSpectrum spectrum, const EngdSpectrumOperator *op, const PetscReal value[])
{
  const PetscInt  n        = op->nsigma ? op->nsigma : op->n;
  const PetscBool square   = (PetscBool)(op->nsigma && op->kind != ENGD_SPECTRUM_JACOBIAN);
  const PetscReal largest  = PetscMax(PetscAbsReal(value[0]), PetscAbsReal(value[n - 1]));
  const PetscReal rounding = op->larger * PETSC_MACHINE_EPSILON * largest;
  const PetscReal zero     = spectrum->tolerance > 0 ? spectrum->tolerance * largest * (square ? largest : 1) : 0;
  PetscReal      *mu;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(op->n, &mu));
  for (PetscInt i = 0; i < n; i++) mu[i] = square ? PetscSqr(value[i]) : value[i];
  for (PetscInt i = 0; i < op->n; i++) {
    PetscCall(EngdSpectrumAddRow(spectrum, op, ENGD_QUANTITY_ALL, i + 1, 0, mu[i],
                                 !square ? rounding
                                 : i < n ? rounding * (2 * value[i] + rounding)
                                         : 0));
  }
  if (op->kind == ENGD_SPECTRUM_JACOBIAN)
    PetscCall(AddRanks(spectrum, op, value));
  else
    PetscCall(AddInertia(spectrum, op, mu, zero > 0 ? zero : (square ? rounding * rounding : rounding)));
  PetscCall(PetscFree(mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "  value     error" of a row, blanks for none */
static PetscErrorCode PrintValue(MPI_Comm comm, const EngdSpectrumRow *row)
{
  PetscFunctionBeginUser;
  if (row)
    PetscCall(PetscPrintf(comm, "  %16.9e %8.1e", (double)row->value, (double)row->error));
  else
    PetscCall(PetscPrintf(comm, "%27s", ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* row number i of a quantity among n rows, or of `all` from its end; NULL when there is none */
static const EngdSpectrumRow *FindRow(const EngdSpectrumRow row[], PetscInt n, EngdQuantity quantity, PetscInt i)
{
  PetscInt nall = 0;

  for (PetscInt k = 0; k < n; k++) {
    if (row[k].quantity == quantity && row[k].number == i) return &row[k];
    nall += row[k].quantity == ENGD_QUANTITY_ALL;
  }
  if (i > nall || (quantity != ENGD_QUANTITY_LARGEST && quantity != ENGD_QUANTITY_SMALLEST)) return NULL;
  return FindRow(row, n, ENGD_QUANTITY_ALL, quantity == ENGD_QUANTITY_LARGEST ? i : nall + 1 - i);
}

/* the two ends side by side, or what was chosen */
static PetscErrorCode PrintValues(MPI_Comm comm, const EngdSpectrumRow row[], PetscInt n, PetscInt nev)
{
  const EngdQuantity left = FindRow(row, n, ENGD_QUANTITY_CHOSEN, 1) ? ENGD_QUANTITY_CHOSEN : ENGD_QUANTITY_LARGEST;

  PetscFunctionBeginUser;
  for (PetscInt i = 1;; i++) {
    const EngdSpectrumRow *a = FindRow(row, n, left, i), *b = FindRow(row, n, ENGD_QUANTITY_SMALLEST, i);

    if ((!a && !b) || (i > nev && FindRow(row, n, ENGD_QUANTITY_ALL, i))) break;
    if (i == 1)
      PetscCall(PetscPrintf(comm, "  number  %16s %8s  %16s %8s\n", engd_quantity_name[left], "error",
                            b ? engd_quantity_name[ENGD_QUANTITY_SMALLEST] : "", b ? "error" : ""));
    PetscCall(PetscPrintf(comm, "  %6" PetscInt_FMT, i));
    PetscCall(PrintValue(comm, a));
    if (b) PetscCall(PrintValue(comm, b));
    PetscCall(PetscPrintf(comm, "\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a count, or an estimate of one with its error; or the overlap */
static PetscErrorCode PrintCount(MPI_Comm comm, const EngdSpectrumRow *row)
{
  const PetscBool    about = (PetscBool)(row->quantity >= ENGD_QUANTITY_ABOUT_NEGATIVE);
  const EngdQuantity quantity =
      (EngdQuantity)(row->quantity - (about ? ENGD_QUANTITY_ABOUT_NEGATIVE - ENGD_QUANTITY_NEGATIVE : 0));
  const char *where = quantity == ENGD_QUANTITY_NEGATIVE ? "below -"
                      : quantity == ENGD_QUANTITY_ZERO   ? "within +-"
                                                         : "above ";

  PetscFunctionBeginUser;
  if (row->quantity == ENGD_QUANTITY_OVERLAP)
    PetscCall(
        PetscPrintf(comm, "  overlap   %.3e with the residual (above %.2e)\n", (double)row->value, (double)row->at));
  else if (about)
    PetscCall(PetscPrintf(comm, "  %-8s  about %.1f +- %.1f (%s%.2e)\n", engd_quantity_name[quantity],
                          (double)row->value, (double)row->error, where, (double)row->at));
  else
    PetscCall(PetscPrintf(comm, "  %-8s  %.0f (%s%.2e)\n", engd_quantity_name[quantity], (double)row->value, where,
                          (double)row->at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdSpectrumPrint - Shows the rows from `first` on, which are those of one operator. Collective
*/
PetscErrorCode EngdSpectrumPrint(EngdSpectrum spectrum, PetscInt first)
{
  const EngdSpectrumRow *row    = spectrum->row + first;
  const PetscInt         n      = spectrum->nrows - first;
  char                   of[64] = "";

  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  if (row->layer) PetscCall(PetscSNPrintf(of, sizeof(of), ", layer %" PetscInt_FMT, row->layer));
  PetscCall(PetscPrintf(spectrum->comm, "Spectrum of the %s%s at iteration %" PetscInt_FMT "\n",
                        engd_spectrum_name[row->kind], of, row->iteration));
  PetscCall(PrintValues(spectrum->comm, row, n, spectrum->nev));
  for (PetscInt k = 0; k < n; k++) {
    if (row[k].quantity >= ENGD_QUANTITY_NEGATIVE && row[k].quantity <= ENGD_QUANTITY_OVERLAP)
      PetscCall(PrintCount(spectrum->comm, &row[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
