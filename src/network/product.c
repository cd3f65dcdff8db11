/*
  The product of two jets, entry by entry (Leibniz): forward, tangent, adjoint.

    h_c = f_0 g_c + f_c g_0 + sum over the products m a_p a_q of two channels in Faa di Bruno's formula of m (f_p g_q + f_q g_p)

  since a derivative of a product runs over the partitions into two blocks that Faa di Bruno's terms of second degree run over
  (EngdChannel). f -> f . g is linear, L(g): its tangent is L(g) df + L(f) dg, its adjoint the transpose L(g)^T.
*/
#include <engd/private.h>

#define STRIP          64
#define FOR_EACH_ENTRY for (PetscInt e = 0; e < n; e++)

/* product k of a channel: its two factors, and m; false behind the last */
static PetscBool ProductOf(const EngdChannel *channel, PetscInt k, PetscInt *p, PetscInt *q, PetscReal *m)
{
  if (channel->npairs) {
    *p = channel->pair[2 * PetscMin(k, channel->npairs - 1)];
    *q = channel->pair[2 * PetscMin(k, channel->npairs - 1) + 1];
    *m = 1;
    return (PetscBool)(k < channel->npairs);
  }
  if (k >= channel->nmonomials || channel->monomial[k].degree != 2) return PETSC_FALSE; /* by ascending degree */
  *p = channel->monomial[k].factor[0];
  *q = channel->monomial[k].factor[1];
  *m = channel->monomial[k].coefficient;
  return PETSC_TRUE;
}

/* channel c of f . g at a strip of n entries, h += it or h = it; h may be channel c of f */
static void AddChannel(EngdJetLayout layout, PetscInt c, PetscInt count, PetscInt n, const PetscReal f[],
                       const PetscReal g[], PetscBool add, PetscReal h[])
{
  const PetscReal *fc = f + ENGD_COUNT(c, count), *gc = g + ENGD_COUNT(c, count);
  PetscReal        sum[STRIP], m;
  PetscInt         p, q;

  FOR_EACH_ENTRY sum[e] = fc[e] * g[e];
  if (c) FOR_EACH_ENTRY sum[e] += f[e] * gc[e];
  for (PetscInt k = 0; ProductOf(&layout->channel[c], k, &p, &q, &m); k++) {
    const PetscReal *fp = f + ENGD_COUNT(p, count), *fq = f + ENGD_COUNT(q, count);
    const PetscReal *gp = g + ENGD_COUNT(p, count), *gq = g + ENGD_COUNT(q, count);

    FOR_EACH_ENTRY sum[e] += m * (fp[e] * gq[e] + fq[e] * gp[e]);
  }
  if (add)
    FOR_EACH_ENTRY h[e] += sum[e];
  else
    FOR_EACH_ENTRY h[e] = sum[e];
}

void EngdProductForward(EngdJetLayout layout, PetscInt count, const PetscReal f[], const PetscReal g[], PetscReal h[])
{
  for (PetscInt start = 0; start < count; start += STRIP) {
    for (PetscInt c = 0; c < layout->nchannels; c++)
      AddChannel(layout, c, count, PetscMin(STRIP, count - start), f + start, g + start, PETSC_FALSE,
                 h + ENGD_COUNT(c, count) + start);
  }
}

/* Channels from the last to the first: a channel reads itself and those before it, so dh may be df. */
void EngdProductTangent(EngdJetLayout layout, PetscInt count, const PetscReal f[], const PetscReal g[],
                        const PetscReal df[], const PetscReal dg[], const PetscBool used[], PetscReal dh[])
{
  for (PetscInt start = 0; start < count; start += STRIP) {
    const PetscInt n = PetscMin(STRIP, count - start);

    for (PetscInt c = layout->nchannels - 1; c >= 0; c--) {
      PetscReal *dhc = dh + ENGD_COUNT(c, count) + start;

      if (used && !used[c]) continue;
      AddChannel(layout, c, count, n, df + start, g + start, PETSC_FALSE, dhc);
      AddChannel(layout, c, count, n, f + start, dg + start, PETSC_TRUE, dhc);
    }
  }
}

/* what channel c of the cotangent, w, gives to the channels before it, and to c itself, whose own it may replace */
static void SpreadChannel(EngdJetLayout layout, PetscInt c, PetscInt count, PetscInt n, const PetscReal g[],
                          const PetscReal w[], PetscBool add, PetscReal gf[])
{
  const PetscReal *gc  = g + ENGD_COUNT(c, count);
  PetscReal       *gfc = gf + ENGD_COUNT(c, count), m;
  PetscInt         p, q;

  if (add)
    FOR_EACH_ENTRY gfc[e] += g[e] * w[e];
  else
    FOR_EACH_ENTRY gfc[e] = g[e] * w[e];
  if (c) FOR_EACH_ENTRY gf[e] += gc[e] * w[e];
  for (PetscInt k = 0; ProductOf(&layout->channel[c], k, &p, &q, &m); k++) {
    const PetscReal *gp = g + ENGD_COUNT(p, count), *gq = g + ENGD_COUNT(q, count);
    PetscReal       *gfp = gf + ENGD_COUNT(p, count), *gfq = gf + ENGD_COUNT(q, count);

    FOR_EACH_ENTRY
    {
      gfp[e] += m * gq[e] * w[e];
      gfq[e] += m * gp[e] * w[e];
    }
  }
}

/* Channels from the first to the last: what is added to earlier channels needs only this one's cotangent. */
void EngdProductAdjoint(EngdJetLayout layout, PetscInt count, const PetscReal g[], const PetscBool used[],
                        const PetscReal gh[], PetscBool add, PetscReal gf[])
{
  PetscReal w[STRIP];

  for (PetscInt start = 0; start < count; start += STRIP) {
    const PetscInt n = PetscMin(STRIP, count - start);

    for (PetscInt c = 0; c < layout->nchannels; c++) {
      const size_t at = ENGD_COUNT(c, count) + start;

      if (used && !used[c]) {
        if (!add) FOR_EACH_ENTRY gf[at + e] = 0;
        continue;
      }
      FOR_EACH_ENTRY w[e] = gh[at + e];
      SpreadChannel(layout, c, count, n, g + start, w, add, gf + start);
    }
  }
}
