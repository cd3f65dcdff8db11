/*
  The error of the mean of a correlated series by blocking, with the size of the blocks found automatically.

    s_B^2 = sum (m_k - m)^2 / (K (K - 1)),    m_k the means of K = n / B blocks of B = 1, 2, 4, .. values

  s_B grows with B until blocks are independent; the first B with B^3 > 2 n (s_B / s_1)^4 balances what correlation is left against the
  few blocks. A series that is too short for any such B has the largest of its s_B, and says so.
  References: Flyvbjerg and Petersen, J. Chem. Phys. 91 (1989); Wolff, Comput. Phys. Commun. 156 (2004); Lee et al., Phys. Rev. E 83,
  066706 (2011).
*/
#include <engd/private.h>

/* s of the mean of k values that are independent */
static PetscReal ErrorOfMean(PetscInt k, const PetscReal value[], PetscReal mean)
{
  PetscReal sum = 0;

  for (PetscInt i = 0; i < k; i++) sum += PetscSqr(value[i] - mean);
  return PetscSqrtReal(sum / ((PetscReal)k * (PetscReal)(k - 1)));
}

/* EngdBlockingMeasure - scratch [n] <- the means of blocks; n >= 2. Not collective */
void EngdBlockingMeasure(PetscInt n, const PetscReal series[], PetscReal scratch[], EngdBlocking *b)
{
  PetscReal first = 0, sum = 0;

  *b = (EngdBlocking){.n = n};
  for (PetscInt i = 0; i < n; i++) sum += scratch[i] = series[i];
  b->mean = sum / n;
  for (PetscInt size = 1, k = n; k > 1 && !b->enough; size *= 2, k /= 2) {
    const PetscReal mean = size > 1 ? sum / k : b->mean, error = ErrorOfMean(k, scratch, mean);

    if (size == 1) first = error;
    b->enough =
        (PetscBool)(PetscPowRealInt(size, 3) > 2 * (PetscReal)n * PetscPowRealInt(error / first, 4) || first == 0);
    if (b->enough || error >= b->error) {
      b->error = error;
      b->block = size;
    }
    sum = 0;
    for (PetscInt i = 0; i < k / 2; i++) sum += scratch[i] = (scratch[2 * i] + scratch[2 * i + 1]) / 2;
  }
}
