/*
  The activation of one layer on a jet: forward, tangent, adjoint, tangent of the adjoint. (Faa di Bruno; see EngdChannel.)

    h_c  = s' a_c + s'' q_c,   q_c = sum_{(i,j)} a_i a_j          (q_c = 0 for first-order channels)
    dh_c = s' da_c + s'' (a_c da_0 + sum (a_i da_j + a_j da_i)) + s''' q_c da_0
    ga_0 = s' gh_0 + sum_c (s'' a_c + s''' q_c) gh_c,  ga_c = s' gh_c,  ga_i += s'' a_j gh_c,  ga_j += s'' a_i gh_c
    dga  = the derivative of the last line along da and dgh, ds^(k) = s^(k+1) da_0

  Above second order s'' q_c is sum_k s^(k) q_ck, with q_ck the sum of the channel's monomials of degree k, and s''' q_c likewise
  sum_k s^(k+1) q_ck. One pass over memory: all channels of a strip of entries that stays in the first-level cache. Compiled
  with -ffast-math, so that sums and products vectorise.
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

/* r = product of the channels in factor */
static void Multiply(PetscInt degree, const PetscInt factor[], PetscInt count, PetscInt n, const PetscReal a[],
                     PetscReal *restrict r)
{
  const PetscReal *restrict first  = a + ENGD_COUNT(factor[0], count);
  const PetscReal *restrict second = a + ENGD_COUNT(factor[degree > 1], count);

  if (degree == 1)
    FOR_EACH_ENTRY r[e] = first[e];
  else
    FOR_EACH_ENTRY r[e] = first[e] * second[e];
  for (PetscInt f = 2; f < degree; f++) {
    const PetscReal *restrict next = a + ENGD_COUNT(factor[f], count);

    FOR_EACH_ENTRY r[e] *= next[e];
  }
}

/* r and its derivative dr along da */
static void MultiplyTangent(PetscInt degree, const PetscInt factor[], PetscInt count, PetscInt n, const PetscReal a[],
                            const PetscReal da[], PetscReal *restrict r, PetscReal *restrict dr)
{
  const PetscReal *restrict first  = a + ENGD_COUNT(factor[0], count);
  const PetscReal *restrict dfirst = da + ENGD_COUNT(factor[0], count);

  FOR_EACH_ENTRY r[e]  = first[e];
  FOR_EACH_ENTRY dr[e] = dfirst[e];
  for (PetscInt f = 1; f < degree; f++) {
    const PetscReal *restrict next  = a + ENGD_COUNT(factor[f], count);
    const PetscReal *restrict dnext = da + ENGD_COUNT(factor[f], count);

    FOR_EACH_ENTRY
    {
      dr[e] = dr[e] * next[e] + r[e] * dnext[e];
      r[e] *= next[e];
    }
  }
}

/* q0 += sum_k s^(k) q_k over the monomials; s from `start` on */
static void MonomialSum(const EngdChannel *channel, PetscInt count, PetscInt n, const PetscReal a[],
                        PetscReal *const s[], PetscInt start, PetscReal *restrict q0)
{
  PetscReal r[STRIP];

  for (PetscInt k = 0; k < channel->nmonomials; k++) {
    const EngdMonomial *m        = &channel->monomial[k];
    const PetscReal *restrict sk = s[m->degree] + start;
    const PetscReal coefficient  = m->coefficient;

    Multiply(m->degree, m->factor, count, n, a, r);
    FOR_EACH_ENTRY q0[e] += coefficient * sk[e] * r[e];
  }
}

/* q0 += the derivative of that along da: sum_k s^(k) dq_k + s^(k+1) da_0 q_k */
static void MonomialSumTangent(const EngdChannel *channel, PetscInt count, PetscInt n, const PetscReal a[],
                               const PetscReal da[], PetscReal *const s[], PetscInt start, PetscReal *restrict q0)
{
  PetscReal r[STRIP], dr[STRIP];

  for (PetscInt k = 0; k < channel->nmonomials; k++) {
    const EngdMonomial *m         = &channel->monomial[k];
    const PetscReal *restrict sk  = s[m->degree] + start;
    const PetscReal *restrict up  = s[m->degree + 1] + start;
    const PetscReal *restrict da0 = da;
    const PetscReal coefficient   = m->coefficient;

    MultiplyTangent(m->degree, m->factor, count, n, a, da, r, dr);
    FOR_EACH_ENTRY q0[e] += coefficient * (sk[e] * dr[e] + up[e] * da0[e] * r[e]);
  }
}

/* ga_i += s^(k) gh_c dq_k/da_i, and g0 += sum_k s^(k+1) q_k gh_c */
static void MonomialSumAdjoint(const EngdChannel *channel, PetscInt count, PetscInt n, const PetscReal a[],
                               PetscReal *const s[], PetscInt start, const PetscReal *restrict gh, PetscReal ga[],
                               PetscReal *restrict g0)
{
  PetscReal r[STRIP], w[STRIP];

  for (PetscInt k = 0; k < channel->nmonomials; k++) {
    const EngdMonomial *m        = &channel->monomial[k];
    const PetscReal *restrict sk = s[m->degree] + start;
    const PetscReal *restrict up = s[m->degree + 1] + start;
    const PetscReal *restrict a0 = a + ENGD_COUNT(m->part[0].channel, count);
    const PetscReal coefficient  = m->coefficient;

    FOR_EACH_ENTRY w[e] = sk[e] * gh[e];
    for (PetscInt f = m->nparts - 1; f >= 0; f--) { /* the first part last: r then completes to the monomial */
      const PetscReal weight    = m->part[f].weight;
      PetscReal *restrict below = ga + ENGD_COUNT(m->part[f].channel, count);

      Multiply(m->degree - 1, m->part[f].rest, count, n, a, r);
      FOR_EACH_ENTRY below[e] += weight * w[e] * r[e];
    }
    FOR_EACH_ENTRY g0[e] += coefficient * up[e] * gh[e] * a0[e] * r[e];
  }
}

/* The same, and its derivative along da and dgh added to dga and dg0 */
static void MonomialSumAdjointTangent(const EngdChannel *channel, PetscInt count, PetscInt n, const PetscReal a[],
                                      const PetscReal da[], PetscReal *const s[], PetscInt                   start,
                                      const PetscReal *restrict gh, const PetscReal *restrict dgh, PetscReal ga[],
                                      PetscReal dga[], PetscReal *restrict g0, PetscReal *restrict dg0)
{
  PetscReal r[STRIP], dr[STRIP], w[STRIP], dw[STRIP];

  for (PetscInt k = 0; k < channel->nmonomials; k++) {
    const EngdMonomial *m         = &channel->monomial[k];
    const PetscReal *restrict sk  = s[m->degree] + start;
    const PetscReal *restrict up  = s[m->degree + 1] + start;
    const PetscReal *restrict top = s[m->degree + 2] + start;
    const PetscReal *restrict da0 = da;
    const PetscReal coefficient   = m->coefficient;

    FOR_EACH_ENTRY
    {
      w[e]  = sk[e] * gh[e];
      dw[e] = sk[e] * dgh[e] + up[e] * da0[e] * gh[e];
    }
    for (PetscInt f = 0; f < m->nparts; f++) {
      const PetscReal weight     = m->part[f].weight;
      PetscReal *restrict below  = ga + ENGD_COUNT(m->part[f].channel, count);
      PetscReal *restrict dbelow = dga + ENGD_COUNT(m->part[f].channel, count);

      MultiplyTangent(m->degree - 1, m->part[f].rest, count, n, a, da, r, dr);
      FOR_EACH_ENTRY
      {
        below[e] += weight * w[e] * r[e];
        dbelow[e] += weight * (dw[e] * r[e] + w[e] * dr[e]);
      }
    }
    MultiplyTangent(m->degree, m->factor, count, n, a, da, r, dr);
    FOR_EACH_ENTRY
    {
      g0[e] += coefficient * up[e] * gh[e] * r[e];
      dg0[e] += coefficient * (up[e] * (dgh[e] * r[e] + gh[e] * dr[e]) + top[e] * da0[e] * gh[e] * r[e]);
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
        if (layout->channel[c].nmonomials) MonomialSum(&layout->channel[c], count, n, a + start, s, start, hc);
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
        if (layout->channel[c].nmonomials)
          MonomialSumTangent(&layout->channel[c], count, n, a + start, da + start, s, start, dac);
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
        if (layout->channel[c].nmonomials)
          MonomialSumAdjoint(&layout->channel[c], count, n, a + start, s, start, gac, ga + start, g0);
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
      } else if (layout->channel[c].nmonomials)
        MonomialSumAdjointTangent(&layout->channel[c], count, n, a + start, da + start, s, start, gac, dgac,
                                  ga + start, dga + start, g0, dg0);
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
