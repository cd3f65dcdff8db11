/*
  The activation of one layer on a jet: forward, tangent, adjoint, tangent of the adjoint. (Faa di Bruno; see EngdChannel.)

    h_c  = s' a_c + s'' q_c,   q_c = sum_{(i,j)} a_i a_j          (q_c = 0 for first-order channels)
    dh_c = s' da_c + s'' (a_c da_0 + sum (a_i da_j + a_j da_i)) + s''' q_c da_0
    ga_0 = s' gh_0 + sum_c (s'' a_c + s''' q_c) gh_c,  ga_c = s' gh_c,  ga_i += s'' a_j gh_c,  ga_j += s'' a_i gh_c
    dga  = the derivative of the last line along da and dgh, ds^(k) = s^(k+1) da_0

  One pass over memory: all channels of a strip of entries that stays in the first-level cache. Compiled with
  -ffast-math, so that sums and products vectorise.
*/
#include <engd/private.h>

#define STRIP          64
#define FOR_EACH_ENTRY for (PetscInt e = 0; e < n; e++)

/* q = sum over the pairs of this channel of a_i a_j */
static void ProductSum(const EngdChannel *channel, PetscInt count, PetscInt n, const PetscReal a[],
                       PetscReal *restrict q)
{
  FOR_EACH_ENTRY q[e] = 0;
  for (PetscInt k = 0; k < channel->npairs; k++) {
    const PetscReal *restrict ai = a + ENGD_COUNT(channel->pair[2 * k], count);
    const PetscReal *restrict aj = a + ENGD_COUNT(channel->pair[2 * k + 1], count);

    FOR_EACH_ENTRY q[e] += ai[e] * aj[e];
  }
}

/* dq = sum over the pairs of a_i da_j + a_j da_i, and q with it */
static void ProductSumTangent(const EngdChannel *channel, PetscInt count, PetscInt n, const PetscReal a[],
                              const PetscReal da[], PetscReal *restrict q, PetscReal *restrict dq)
{
  FOR_EACH_ENTRY q[e] = dq[e] = 0;
  for (PetscInt k = 0; k < channel->npairs; k++) {
    const PetscInt i = channel->pair[2 * k], j = channel->pair[2 * k + 1];
    const PetscReal *restrict ai  = a + ENGD_COUNT(i, count);
    const PetscReal *restrict aj  = a + ENGD_COUNT(j, count);
    const PetscReal *restrict dai = da + ENGD_COUNT(i, count);
    const PetscReal *restrict daj = da + ENGD_COUNT(j, count);

    if (i == j) {
      FOR_EACH_ENTRY
      {
        q[e] += ai[e] * ai[e];
        dq[e] += 2 * ai[e] * dai[e];
      }
    } else {
      FOR_EACH_ENTRY
      {
        q[e] += ai[e] * aj[e];
        dq[e] += ai[e] * daj[e] + aj[e] * dai[e];
      }
    }
  }
}

/* ga_i += a_j w, ga_j += a_i w over the pairs, w = s'' gh_c; and q */
static void ProductSumAdjoint(const EngdChannel *channel, PetscInt count, PetscInt n, const PetscReal a[],
                              const PetscReal *restrict w, PetscReal ga[], PetscReal *restrict q)
{
  FOR_EACH_ENTRY q[e] = 0;
  for (PetscInt k = 0; k < channel->npairs; k++) {
    const PetscInt i = channel->pair[2 * k], j = channel->pair[2 * k + 1];
    const PetscReal *restrict ai = a + ENGD_COUNT(i, count);
    const PetscReal *restrict aj = a + ENGD_COUNT(j, count);
    PetscReal *restrict gai      = ga + ENGD_COUNT(i, count);
    PetscReal *restrict gaj      = ga + ENGD_COUNT(j, count);

    if (i == j) {
      FOR_EACH_ENTRY
      {
        q[e] += ai[e] * ai[e];
        gai[e] += 2 * ai[e] * w[e];
      }
    } else {
      FOR_EACH_ENTRY
      {
        q[e] += ai[e] * aj[e];
        gai[e] += aj[e] * w[e];
        gaj[e] += ai[e] * w[e];
      }
    }
  }
}

void EngdActivationForward(EngdJetLayout layout, PetscInt count, const PetscReal a[], PetscReal *const s[],
                           PetscReal h[])
{
  PetscReal q[STRIP];

  for (PetscInt start = 0; start < count; start += STRIP) {
    const PetscInt n             = PetscMin(STRIP, count - start);
    const PetscReal *restrict s1 = s[1] + start;
    const PetscReal *restrict s2 = s[2] + start;

    for (PetscInt c = 1; c < layout->nchannels; c++) {
      const PetscReal *restrict ac = a + ENGD_COUNT(c, count) + start;
      PetscReal *restrict hc       = h + ENGD_COUNT(c, count) + start;

      if (layout->channel[c].npairs) {
        ProductSum(&layout->channel[c], count, n, a + start, q);
        FOR_EACH_ENTRY hc[e] = s1[e] * ac[e] + s2[e] * q[e];
      } else {
        FOR_EACH_ENTRY hc[e] = s1[e] * ac[e];
      }
    }
  }
}

/* Channels from the last to the first: a channel reads only itself and those before it, so da may become dh. */
void EngdActivationTangent(EngdJetLayout layout, const PetscBool used[], PetscInt count, const PetscReal a[],
                           PetscReal *const s[], PetscReal da[])
{
  PetscReal q[STRIP], dq[STRIP];

  for (PetscInt start = 0; start < count; start += STRIP) {
    const PetscInt n             = PetscMin(STRIP, count - start);
    const PetscReal *restrict s1 = s[1] + start;
    const PetscReal *restrict s2 = s[2] + start;
    const PetscReal *restrict s3 = s[3] + start;
    PetscReal *restrict da0      = da + start;

    for (PetscInt c = layout->nchannels - 1; c > 0; c--) {
      const PetscReal *restrict ac = a + ENGD_COUNT(c, count) + start;
      PetscReal *restrict dac      = da + ENGD_COUNT(c, count) + start;

      if (used && !used[c]) continue;
      if (layout->channel[c].npairs) {
        ProductSumTangent(&layout->channel[c], count, n, a + start, da + start, q, dq);
        FOR_EACH_ENTRY dac[e] = s1[e] * dac[e] + s2[e] * (ac[e] * da0[e] + dq[e]) + s3[e] * q[e] * da0[e];
      } else {
        FOR_EACH_ENTRY dac[e] = s1[e] * dac[e] + s2[e] * ac[e] * da0[e];
      }
    }
    if (!used || used[0]) FOR_EACH_ENTRY da0[e] *= s1[e];
  }
}

/* Channels from the first to the last: what is added to earlier channels needs only this one's cotangent. */
void EngdActivationAdjoint(EngdJetLayout layout, const PetscBool used[], PetscInt count, const PetscReal a[],
                           PetscReal *const s[], PetscReal ga[])
{
  PetscReal q[STRIP], w[STRIP], g0[STRIP];

  for (PetscInt start = 0; start < count; start += STRIP) {
    const PetscInt n             = PetscMin(STRIP, count - start);
    const PetscReal *restrict s1 = s[1] + start;
    const PetscReal *restrict s2 = s[2] + start;
    const PetscReal *restrict s3 = s[3] + start;
    PetscReal *restrict ga0      = ga + start;

    if (!used || used[0])
      FOR_EACH_ENTRY g0[e] = s1[e] * ga0[e];
    else
      FOR_EACH_ENTRY g0[e] = 0;
    for (PetscInt c = 1; c < layout->nchannels; c++) {
      const PetscReal *restrict ac = a + ENGD_COUNT(c, count) + start;
      PetscReal *restrict gac      = ga + ENGD_COUNT(c, count) + start;

      if (used && !used[c]) {
        FOR_EACH_ENTRY gac[e] = 0;
        continue;
      }
      if (layout->channel[c].npairs) {
        FOR_EACH_ENTRY w[e] = s2[e] * gac[e];
        ProductSumAdjoint(&layout->channel[c], count, n, a + start, w, ga + start, q);
        FOR_EACH_ENTRY g0[e] += ac[e] * w[e] + s3[e] * q[e] * gac[e];
      } else {
        FOR_EACH_ENTRY g0[e] += s2[e] * ac[e] * gac[e];
      }
      FOR_EACH_ENTRY gac[e] *= s1[e];
    }
    FOR_EACH_ENTRY ga0[e] = g0[e];
  }
}

/* ga_i += a_j w and dga_i += a_j dw + da_j w over the pairs, likewise with i and j changed; q and dq as above */
static void ProductSumAdjointTangent(const EngdChannel *channel, PetscInt count, PetscInt n, const PetscReal a[],
                                     const PetscReal da[], const PetscReal *restrict w, const PetscReal *restrict dw,
                                     PetscReal ga[], PetscReal dga[])
{
  for (PetscInt k = 0; k < channel->npairs; k++) {
    const PetscInt i = channel->pair[2 * k], j = channel->pair[2 * k + 1];
    const PetscReal *restrict ai  = a + ENGD_COUNT(i, count);
    const PetscReal *restrict aj  = a + ENGD_COUNT(j, count);
    const PetscReal *restrict dai = da + ENGD_COUNT(i, count);
    const PetscReal *restrict daj = da + ENGD_COUNT(j, count);
    PetscReal *restrict gai       = ga + ENGD_COUNT(i, count);
    PetscReal *restrict gaj       = ga + ENGD_COUNT(j, count);
    PetscReal *restrict dgai      = dga + ENGD_COUNT(i, count);
    PetscReal *restrict dgaj      = dga + ENGD_COUNT(j, count);

    if (i == j) {
      FOR_EACH_ENTRY
      {
        gai[e] += 2 * ai[e] * w[e];
        dgai[e] += 2 * (ai[e] * dw[e] + dai[e] * w[e]);
      }
    } else {
      FOR_EACH_ENTRY
      {
        gai[e] += aj[e] * w[e];
        gaj[e] += ai[e] * w[e];
        dgai[e] += aj[e] * dw[e] + daj[e] * w[e];
        dgaj[e] += ai[e] * dw[e] + dai[e] * w[e];
      }
    }
  }
}

/* Channels in the order of the adjoint */
void EngdActivationAdjointTangent(EngdJetLayout layout, const PetscBool used[], PetscInt count, const PetscReal a[],
                                  const PetscReal da[], PetscReal *const s[], PetscReal ga[], PetscReal dga[])
{
  PetscReal q[STRIP], dq[STRIP], w[STRIP], dw[STRIP], g0[STRIP], dg0[STRIP];

  for (PetscInt start = 0; start < count; start += STRIP) {
    const PetscInt n              = PetscMin(STRIP, count - start);
    const PetscReal *restrict s1  = s[1] + start;
    const PetscReal *restrict s2  = s[2] + start;
    const PetscReal *restrict s3  = s[3] + start;
    const PetscReal *restrict s4  = s[4] + start;
    const PetscReal *restrict da0 = da + start;
    PetscReal *restrict ga0       = ga + start;
    PetscReal *restrict dga0      = dga + start;

    FOR_EACH_ENTRY g0[e] = dg0[e] = 0;
    if (!used || used[0]) {
      FOR_EACH_ENTRY
      {
        g0[e]  = s1[e] * ga0[e];
        dg0[e] = s1[e] * dga0[e] + s2[e] * da0[e] * ga0[e];
      }
    }
    for (PetscInt c = 1; c < layout->nchannels; c++) {
      const PetscReal *restrict ac  = a + ENGD_COUNT(c, count) + start;
      const PetscReal *restrict dac = da + ENGD_COUNT(c, count) + start;
      PetscReal *restrict gac       = ga + ENGD_COUNT(c, count) + start;
      PetscReal *restrict dgac      = dga + ENGD_COUNT(c, count) + start;

      if (used && !used[c]) {
        FOR_EACH_ENTRY gac[e] = dgac[e] = 0;
        continue;
      }
      FOR_EACH_ENTRY
      {
        w[e]  = s2[e] * gac[e];
        dw[e] = s2[e] * dgac[e] + s3[e] * da0[e] * gac[e];
        g0[e] += ac[e] * w[e];
        dg0[e] += ac[e] * dw[e] + dac[e] * w[e];
      }
      if (layout->channel[c].npairs) {
        ProductSumTangent(&layout->channel[c], count, n, a + start, da + start, q, dq);
        ProductSumAdjointTangent(&layout->channel[c], count, n, a + start, da + start, w, dw, ga + start,
                                 dga + start);
        FOR_EACH_ENTRY
        {
          g0[e] += s3[e] * q[e] * gac[e];
          dg0[e] += s3[e] * (q[e] * dgac[e] + dq[e] * gac[e]) + s4[e] * da0[e] * q[e] * gac[e];
        }
      }
      FOR_EACH_ENTRY
      {
        dgac[e] = s1[e] * dgac[e] + s2[e] * da0[e] * gac[e];
        gac[e] *= s1[e];
      }
    }
    FOR_EACH_ENTRY
    {
      ga0[e]  = g0[e];
      dga0[e] = dg0[e];
    }
  }
}
