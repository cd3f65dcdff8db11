/*
  Jets of the network: forward against differences of plain network values (above second order of the channel of one or two
  derivatives less), tangent by Taylor remainders, adjoint by the dot-product identity, rows. Over 1 to 10 dimensions with and
  without time, 0 to 3 hidden layers, 1 to 3 outputs; all types of networks, with and without factors of the activations; one
  hidden layer in closed form, for every activation, and each type at one point by its formula.

  What nobody may read (channels not used, scratch, a jet before its forward pass) is NaN before each pass. ranks: 1
*/
#include <engd/private.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), PETSC_SUCCESS)
#define MAX_ENTRIES 128
#define NKINDS      9 /* of sets of entries, see Choose() */

static void Close(const char what[], PetscReal a, PetscReal b, PetscReal tolerance)
{
  if (!(PetscAbsReal(a - b) <= tolerance)) fail_msg("%s: %.17g is not %.17g", what, (double)a, (double)b);
}

/* entry k of sequence `stream` of random numbers in (-1, 1) */
static PetscReal Random(PetscInt stream, PetscInt k)
{
  return 2 * EngdRandomUniform(7, stream, k, 0, 0) - 1;
}

static PetscReal *NewRandom(size_t n, PetscInt stream, PetscReal scale)
{
  PetscReal *v;

  CHECK(PetscMalloc1(n, &v));
  for (size_t k = 0; k < n; k++) v[k] = scale * Random(stream, (PetscInt)k);
  return v;
}

static void FillNaN(size_t n, PetscReal v[])
{
  for (size_t k = 0; k < n; k++) v[k] = NAN;
}

/* A network and a layout with random parameters and points; a jet that has once held more points, and scratch */
typedef struct {
  PetscInt      nspace, dim, depth, noutputs, n, p, S;
  const char   *type;
  EngdNetwork   net;
  EngdJetLayout layout;
  PetscReal    *theta, *x;
  EngdJet       jet, plain; /* plain: values only, of 9 points */
  EngdJetWork   work;
} Setting;

static const EngdJetEntry value     = {.coordinate = {-1, -1}};
static const EngdJetEntry laplacian = {.order = 2, .laplacian = PETSC_TRUE, .coordinate = {-1, -1}};

/* third and fourth derivatives drawn by lot, the first always lap lap, and some others */
static PetscInt ChooseHigh(PetscInt lot, PetscInt nspace, PetscInt dim, EngdJetEntry entry[])
{
  PetscInt n = 0, k = 0;

  for (PetscInt e = 0; e < 6; e++) {
    const PetscInt order = e < 4 ? 3 + e % 2 : e % 3, most = order / 2;
    EngdJetEntry   drawn = {.order = order, .laplacian = (PetscInt)(0.5 * (1 + Random(lot, k++)) * (most + 1))};
    PetscInt       last  = 0, same;

    if (e == 1) drawn.laplacian = 2;
    for (PetscInt j = 0; j < order - 2 * drawn.laplacian; j++) {
      last += (PetscInt)(0.5 * (1 + Random(lot, k++)) * PetscMin(3, dim - last));
      drawn.coordinate[j] = last;
    }
    for (same = 0; same < n && memcmp(&entry[same], &drawn, sizeof(drawn)); same++) continue;
    if (same == n && nspace) entry[n++] = drawn;
  }
  return n;
}

/* kind 0: value; 1: first; 2: all second; 3: Laplacian; 4: all of these; 5, 6: drawn by lot; 7 and more: of higher order */
static PetscInt Choose(PetscInt kind, PetscInt lot, PetscInt nspace, PetscInt dim, EngdJetEntry entry[])
{
  PetscInt n = 0, k = 0;

  if (kind >= 7) return ChooseHigh(lot, nspace, dim, entry);
  if (kind == 0 || kind == 4 || (kind > 4 && Random(lot, k++) > 0)) entry[n++] = value;
  for (PetscInt i = 0; i < dim; i++) {
    if (kind != 1 && kind != 4 && !(kind > 4 && Random(lot, k++) > 0.4)) continue;
    entry[n++] = (EngdJetEntry){.order = 1, .coordinate = {i, -1}};
  }
  for (PetscInt i = 0; i < dim; i++) {
    for (PetscInt j = i; j < dim; j++) {
      if (kind != 2 && kind != 4 && !(kind > 4 && Random(lot, k++) > 0.5)) continue;
      entry[n++] = (EngdJetEntry){.order = 2, .coordinate = {i, j}};
    }
  }
  if (!n || kind == 3 || kind == 4 || (kind > 4 && Random(lot, k) > 0)) entry[n++] = laplacian;
  return n;
}

static void NewJet(Setting *s, EngdJetLayout layout, PetscInt nmax, EngdJet *jet)
{
  CHECK(EngdJetCreate(s->net, layout, nmax, jet));
  FillNaN(EngdJetBytes(s->net, layout, nmax) / sizeof(PetscReal), (*jet)->memory);
}

/* type NULL: a perceptron; other networks have hidden layers of one width but for the last */
static void Begin(PetscInt nspace, PetscInt dim, PetscInt depth, PetscInt noutputs, PetscInt kind, const char type[],
                  PetscReal scale, Setting *s)
{
  const PetscInt    widths[] = {6, 4, 7}, alike[] = {5, 5, 5}, n = 3;
  const char *const activations[] = {"tanh", "tanh", "sin", "gelu"};
  EngdJetEntry      entry[MAX_ENTRIES];
  const PetscInt    lot = 1000 * kind + 100 * depth + 10 * dim + noutputs;
  EngdJetLayout     values;

  *s = (Setting){.nspace = nspace, .dim = dim, .depth = depth, .noutputs = noutputs, .n = n, .type = type};
  CHECK(EngdNetworkCreate(PETSC_COMM_SELF, &s->net));
  CHECK(EngdNetworkSetSizes(s->net, dim, noutputs));
  CHECK(EngdNetworkSetLayers(s->net, depth, type ? alike : widths));
  if (type) CHECK(EngdNetworkSetType(s->net, type));
  CHECK(EngdNetworkSetActivationScale(s->net, scale));
  CHECK(EngdNetworkSetActivation(s->net, activations[depth]));
  CHECK(EngdNetworkGetParameterCount(s->net, &s->p));
  CHECK(EngdJetLayoutCreate(nspace, dim, Choose(kind, lot, nspace, dim, entry), entry, &s->layout));
  s->S     = s->layout->nchannels;
  s->theta = NewRandom(s->p, 1, 0.8);
  s->x     = NewRandom(ENGD_COUNT(n + 2, dim), 2, 1);
  CHECK(EngdJetWorkCreate(s->net, s->S * n, &s->work));
  NewJet(s, s->layout, n + 2, &s->jet);
  CHECK(EngdJetForward(s->jet, s->theta, n + 2, s->x));
  CHECK(EngdJetForward(s->jet, s->theta, n, s->x));
  CHECK(EngdJetLayoutCreate(nspace, dim, 1, &value, &values));
  NewJet(s, values, 9, &s->plain);
}

static void End(Setting *s)
{
  CHECK(EngdJetLayoutDestroy(&s->plain->layout));
  CHECK(EngdJetDestroy(&s->plain));
  CHECK(EngdJetDestroy(&s->jet));
  CHECK(EngdJetWorkDestroy(&s->work));
  CHECK(EngdJetLayoutDestroy(&s->layout));
  CHECK(EngdNetworkDestroy(&s->net));
  CHECK(PetscFree(s->theta));
  CHECK(PetscFree(s->x));
}

static void ForEachSetting(void (*test)(Setting *))
{
  const char *const types[] = {"mlp", "residual", "gated", "modified"};

  for (PetscInt k = 0; k < 10 * 2 * 4 * 3 * NKINDS; k++) {
    const PetscInt nspace = 1 + k % 10, dim = nspace + k / 10 % 2, depth = k / 20 % 4, noutputs = 1 + k / 80 % 3;
    Setting        s;

    Begin(nspace, dim, depth, noutputs, k / 240, NULL, 0, &s);
    test(&s);
    End(&s);
  }
  for (PetscInt k = 0; k < 4 * 2 * 2 * NKINDS; k++) {
    const PetscInt nspace = 1 + (k + k / 16) % 3, depth = 2 + k / 8 % 2, noutputs = 1 + k / 4 % 2;
    Setting        s;

    Begin(nspace, nspace + k / 4 % 2, depth, noutputs, k / 16, types[k % 4], k / 4 % 2 ? 0 : 1.5, &s);
    test(&s);
    End(&s);
  }
}

/* entry of output o of channel c at point i in a matrix (noutputs, S n) */
static size_t Index(const Setting *s, PetscInt c, PetscInt i, PetscInt o)
{
  return ENGD_COUNT(c * s->n + i, s->noutputs) + o;
}

static size_t JetSize(const Setting *s)
{
  return ENGD_COUNT(s->noutputs, s->S * s->n);
}

/* derivative of this order, along v at point i, of output o of a channel of `jet`: differences of order 8 */
static PetscReal Difference(Setting *s, EngdJet jet, PetscInt c, PetscInt i, PetscInt o, PetscInt order,
                            const PetscReal v[])
{
  const PetscReal weight[3][5] = {
      {1, 0, 0, 0, 0}, {0, 4. / 5, -1. / 5, 4. / 105, -1. / 280}, {-205. / 72, 8. / 5, -1. / 5, 8. / 315, -1. / 560}};
  const PetscReal h = 0.01, odd = order == 1 ? -1 : 1;
  PetscReal       x[9 * 11], sum;

  for (PetscInt k = 0; k < 9; k++) {
    for (PetscInt j = 0; j < s->dim; j++) x[k * s->dim + j] = s->x[i * s->dim + j] + (k - 4) * h * v[j];
  }
  CHECK(EngdJetForward(jet, s->theta, 9, x));
  sum = weight[order][0] * jet->u[(9 * c + 4) * s->noutputs + o];
  for (PetscInt k = 1; k <= 4; k++) {
    const PetscReal plus  = jet->u[(9 * c + 4 + k) * s->noutputs + o],
                    minus = jet->u[(9 * c + 4 - k) * s->noutputs + o];

    sum += weight[order][k] * (plus + odd * minus);
  }
  return sum / PetscPowRealInt(h, order);
}

/* sum of the second differences over space */
static PetscReal LaplacianOf(Setting *s, EngdJet jet, PetscInt c, PetscInt i, PetscInt o)
{
  PetscReal along[11] = {0}, sum = 0;

  for (PetscInt k = 0; k < s->nspace; k++) {
    along[k] = 1;
    sum += Difference(s, jet, c, i, o, 2, along);
    along[k] = 0;
  }
  return sum;
}

/* channel of order 3 or 4 from its last derivative, by differences of what it is without */
static PetscReal ExpectedHigh(Setting *s, const EngdChannel *channel, PetscInt i, PetscInt o)
{
  const PetscInt last      = channel->order - 2 * channel->laplacian - 1;
  EngdJetEntry   lower     = {.order = channel->order - 1, .laplacian = channel->laplacian};
  PetscReal      along[11] = {0}, found;
  EngdJetLayout  layout;
  EngdJet        jet;
  PetscInt       c;

  if (last < 0) lower = (EngdJetEntry){.order = channel->order - 2, .laplacian = channel->laplacian - 1};
  for (PetscInt k = 0; k < last; k++) lower.coordinate[k] = channel->coordinate[k];
  CHECK(EngdJetLayoutCreate(s->nspace, s->dim, 1, &lower, &layout));
  CHECK(EngdJetLayoutFind(layout, &lower, &c));
  NewJet(s, layout, 9, &jet);
  if (last < 0)
    found = LaplacianOf(s, jet, c, i, o);
  else {
    along[channel->coordinate[last]] = 1;
    found                            = Difference(s, jet, c, i, o, 1, along);
  }
  CHECK(EngdJetDestroy(&jet));
  CHECK(EngdJetLayoutDestroy(&layout));
  return found;
}

/* channel c of output o at point i from differences: d_i d_j = (D^2 along e_i + e_j - D^2 along e_i - e_j)/4 */
static PetscReal Expected(Setting *s, PetscInt c, PetscInt i, PetscInt o)
{
  const EngdChannel *channel  = &s->layout->channel[c];
  PetscReal          plus[11] = {0}, minus[11] = {0};

  if (channel->order > 2) return ExpectedHigh(s, channel, i, o);
  if (channel->laplacian) return LaplacianOf(s, s->plain, 0, i, o);
  for (PetscInt k = 0; k < channel->order; k++) {
    plus[channel->coordinate[k]] += 1;
    minus[channel->coordinate[k]] += k ? -1 : 1;
  }
  if (channel->order < 2) return Difference(s, s->plain, 0, i, o, channel->order, plus);
  return 0.25 * (Difference(s, s->plain, 0, i, o, 2, plus) - Difference(s, s->plain, 0, i, o, 2, minus));
}

static void Forward(Setting *s)
{
  for (PetscInt c = 0; c < s->S; c++) {
    for (PetscInt k = 0; s->layout->used[c] && k < s->n * s->noutputs; k++) {
      const PetscReal u = s->jet->u[Index(s, c, k / s->noutputs, k % s->noutputs)];

      Close("jet", u, Expected(s, c, k / s->noutputs, k % s->noutputs), 2e-8 * (1 + PetscAbsReal(u)));
    }
  }
}

/* blocks of one point, and a jet made for no more points, give the same as the block of all */
static void Blocks(Setting *s)
{
  EngdJet exact, single;

  NewJet(s, s->layout, s->n, &exact);
  NewJet(s, s->layout, 1, &single);
  CHECK(EngdJetForward(exact, s->theta, s->n, s->x));
  for (PetscInt i = 0; i < s->n; i++) {
    CHECK(EngdJetForward(single, s->theta, 1, s->x + i * s->dim));
    for (PetscInt c = 0; c < s->S; c++) {
      for (PetscInt o = 0; s->layout->used[c] && o < s->noutputs; o++) {
        const PetscReal u = s->jet->u[Index(s, c, i, o)];

        Close("jet made for n", exact->u[Index(s, c, i, o)], u, 1e-13 * (1 + PetscAbsReal(u)));
        Close("block of one", single->u[c * s->noutputs + o], u, 1e-12 * (1 + PetscAbsReal(u)));
      }
    }
  }
  CHECK(EngdJetDestroy(&exact));
  CHECK(EngdJetDestroy(&single));
}

/* the Laplacian is the sum of the pure second derivatives to rounding */
static void LaplacianIsSum(Setting *s)
{
  PetscInt at;

  for (at = 0; at < s->S && !(s->layout->channel[at].laplacian && s->layout->channel[at].order == 2); at++) continue;
  if (at == s->S || !s->layout->used[at]) return;
  for (PetscInt k = 0; k < s->n * s->noutputs; k++) {
    PetscReal sum = 0, size = 0;
    PetscInt  found = 0;

    for (PetscInt c = 0; c < s->S; c++) {
      const EngdChannel *channel = &s->layout->channel[c];
      const PetscReal    u       = s->jet->u[Index(s, c, k / s->noutputs, k % s->noutputs)];

      if (channel->order != 2 || channel->laplacian || channel->coordinate[0] != channel->coordinate[1]) continue;
      if (channel->coordinate[0] >= s->nspace || !s->layout->used[c]) continue;
      sum += u;
      size += PetscAbsReal(u);
      found++;
    }
    if (found < s->nspace) return;
    Close("Laplacian", s->jet->u[Index(s, at, k / s->noutputs, k % s->noutputs)], sum, 1e-13 * (1 + size));
  }
}

static void Tangent(Setting *s, const PetscReal dtheta[], PetscReal du[])
{
  FillNaN(JetSize(s), du);
  FillNaN(s->work->count, s->work->memory);
  CHECK(EngdJetTangent(s->jet, s->theta, dtheta, s->work, du));
}

static void Gradient(Setting *s, const PetscReal gu[], PetscReal gradient[])
{
  for (PetscInt j = 0; j < s->p; j++) gradient[j] = 0;
  FillNaN(s->work->count, s->work->memory);
  CHECK(EngdJetGradient(s->jet, s->theta, gu, s->work, gradient));
}

/* |u(theta + t dtheta) - u(theta) - t du| of channel c */
static PetscReal Remainder(Setting *s, EngdJet trial, const PetscReal du[], PetscReal t, PetscInt c)
{
  PetscReal sum = 0;

  for (PetscInt k = 0; k < s->n * s->noutputs; k++) {
    const size_t at = ENGD_COUNT(c * s->n, s->noutputs) + k;

    sum += PetscSqr(trial->u[at] - s->jet->u[at] - t * du[at]);
  }
  return PetscSqrtReal(sum);
}

/* halving the step quarters the remainder, channel by channel; without hidden layers there is none */
static void TangentOrder(Setting *s)
{
  const PetscReal t      = 5e-4;
  PetscReal      *dtheta = NewRandom(s->p, 3, 1), *du = NewRandom(JetSize(s), 4, 1), *theta = NewRandom(s->p, 1, 0.8);
  EngdJet         whole, half;

  NewJet(s, s->layout, s->n, &whole);
  NewJet(s, s->layout, s->n, &half);
  Tangent(s, dtheta, du);
  for (PetscInt j = 0; j < s->p; j++) theta[j] = s->theta[j] + t * dtheta[j];
  CHECK(EngdJetForward(whole, theta, s->n, s->x));
  for (PetscInt j = 0; j < s->p; j++) theta[j] = s->theta[j] + 0.5 * t * dtheta[j];
  CHECK(EngdJetForward(half, theta, s->n, s->x));
  for (PetscInt c = 0; c < s->S; c++) {
    PetscReal r, r2;

    if (!s->layout->used[c]) continue;
    r  = Remainder(s, whole, du, t, c);
    r2 = Remainder(s, half, du, 0.5 * t, c);
    if (s->depth == 0)
      Close("remainder of a linear network", r, 0, 1e-13);
    else if (r > 1e-9)
      Close("order of the remainder", r / r2, 4, 0.2);
    assert_false(PetscIsInfOrNanReal(r2));
  }
  CHECK(EngdJetDestroy(&whole));
  CHECK(EngdJetDestroy(&half));
  CHECK(PetscFree(dtheta));
  CHECK(PetscFree(theta));
  CHECK(PetscFree(du));
}

/* gu: random on the channels marked used, NaN on the others */
static PetscReal *NewCotangent(Setting *s)
{
  PetscReal *gu = NewRandom(JetSize(s), 5, 1);

  for (PetscInt c = 0; c < s->S; c++) {
    if (!s->layout->used[c]) FillNaN(s->n * s->noutputs, gu + Index(s, c, 0, 0));
  }
  return gu;
}

/* <gu, du> = <gradient, dtheta>; the gradient adds */
static void AdjointIdentity(Setting *s)
{
  PetscReal *gu = NewCotangent(s), *du = NewRandom(JetSize(s), 4, 1), *dtheta = NewRandom(s->p, 6, 1);
  PetscReal *gradient = NewRandom(s->p, 8, 1), left = 0, right = 0, size = 0;

  Tangent(s, dtheta, du);
  Gradient(s, gu, gradient);
  for (PetscInt c = 0; c < s->S; c++) {
    for (PetscInt k = 0; s->layout->used[c] && k < s->n * s->noutputs; k++) {
      const size_t at = Index(s, c, 0, 0) + k;

      left += gu[at] * du[at];
      size += PetscAbsReal(gu[at] * du[at]);
    }
  }
  for (PetscInt j = 0; j < s->p; j++) right += gradient[j] * dtheta[j];
  Close("<gu, du> = <gradient, dtheta>", left, right, 1e-13 * size);
  CHECK(EngdJetGradient(s->jet, s->theta, gu, s->work, gradient));
  for (PetscInt j = 0; j < s->p; j++) right -= 0.5 * gradient[j] * dtheta[j];
  Close("the gradient is added", right, 0, 1e-13 * size);
  CHECK(PetscFree(gu));
  CHECK(PetscFree(du));
  CHECK(PetscFree(dtheta));
  CHECK(PetscFree(gradient));
}

/* row i is the gradient of point i alone, and the rows sum to the gradient, their squares to the sum of squares */
static void Rows(Setting *s)
{
  PetscReal *gu = NewCotangent(s), *one = NewRandom(JetSize(s), 5, 1), *gradient = NewRandom(s->p, 8, 1);
  PetscReal *rows = NewRandom(ENGD_COUNT(s->p, s->n), 9, 1), *sum = NewRandom(s->p, 8, 0);
  PetscReal *squares = NewRandom(s->p, 8, 0);

  FillNaN(ENGD_COUNT(s->p, s->n), rows);
  CHECK(EngdJetRows(s->jet, s->theta, gu, s->work, s->p, rows));
  CHECK(EngdJetSquaredRows(s->jet, s->theta, gu, s->work, squares));
  for (PetscInt i = 0; i < s->n; i++) {
    for (size_t k = 0; k < JetSize(s); k++) one[k] = (PetscInt)k / s->noutputs % s->n == i ? gu[k] : 0;
    Gradient(s, one, gradient);
    for (PetscInt j = 0; j < s->p; j++) {
      const PetscReal row = rows[ENGD_COUNT(i, s->p) + j];

      Close("row", row, gradient[j], 1e-12 * (1 + PetscAbsReal(row)));
      sum[j] += row;
      squares[j] -= row * row;
    }
  }
  Gradient(s, gu, gradient);
  for (PetscInt j = 0; j < s->p; j++) Close("sum of rows", sum[j], gradient[j], 1e-12 * (1 + PetscAbsReal(sum[j])));
  CHECK(PetscFree(gu));
  CHECK(PetscFree(one));
  CHECK(PetscFree(gradient));
  CHECK(PetscFree(rows));
  for (PetscInt j = 0; j < s->p; j++) Close("squares of rows", squares[j], 0, 1e-12 * (1 + PetscSqr(sum[j])));
  CHECK(PetscFree(sum));
  CHECK(PetscFree(squares));
}

/* all derivatives up to fourth order in two space coordinates and time, with up to two Laplacians */
static PetscInt ChooseAll(EngdJetEntry entry[])
{
  PetscInt n = 0;

  for (PetscInt m = 0; m <= 2; m++) {
    for (PetscInt k = 0; k < 256; k++) {
      EngdJetEntry e         = {.laplacian = m, .order = 2 * m};
      PetscBool    ascending = PETSC_TRUE;

      for (PetscInt digits = k; digits; digits /= 4) { /* digits 1, 2, 3 are x, y, t */
        const PetscInt at = e.order++ - 2 * m, coordinate = digits % 4 - 1;

        if (e.order > ENGD_JET_ORDER || coordinate < 0 || (at && coordinate < e.coordinate[at - 1])) {
          ascending = PETSC_FALSE;
          break;
        }
        e.coordinate[at] = coordinate;
      }
      if (ascending) entry[n++] = e;
    }
  }
  return n;
}

/* u = sum_k c_k s(w_k x + b_k) + b: d^alpha u = sum_k c_k w_k^alpha s^(|alpha|), a Laplacian |w_k|^2, for every activation */
static void test_one_layer(void **state)
{
  const char *const names[] = {"tanh", "sin", "sigmoid", "softplus", "silu", "gelu"};
  const PetscInt    width = 5, n = 4;

  (void)state;
  for (size_t name = 0; name < PETSC_STATIC_ARRAY_LENGTH(names); name++) {
    EngdJetEntry  entry[MAX_ENTRIES];
    PetscReal     a[5], memory[ENGD_JET_ORDER + 1][5], *s[ENGD_JET_ORDER + 1];
    PetscReal    *x = NewRandom(3 * n, 2, 1), *theta;
    EngdNetwork   net;
    EngdJetLayout layout;
    EngdJet       jet;
    PetscInt      p, nentries = ChooseAll(entry);

    assert_int_equal(nentries, 35 + 10 + 1); /* of order at most 4, 2 and 0 in three coordinates */
    CHECK(EngdNetworkCreate(PETSC_COMM_SELF, &net));
    CHECK(EngdNetworkSetSizes(net, 3, 1));
    CHECK(EngdNetworkSetLayers(net, 1, &width));
    CHECK(EngdNetworkSetActivation(net, names[name]));
    CHECK(EngdNetworkGetParameterCount(net, &p));
    theta = NewRandom(p, 1, 1.5);
    CHECK(EngdJetLayoutCreate(2, 3, nentries, entry, &layout));
    CHECK(EngdJetCreate(net, layout, n, &jet));
    CHECK(EngdJetForward(jet, theta, n, x));
    for (PetscInt k = 0; k <= ENGD_JET_ORDER; k++) s[k] = memory[k];
    for (PetscInt at = 0; at < n * nentries; at++) {
      const EngdJetEntry *e = &entry[at / n];
      const PetscReal    *b = theta + 3 * width, *last = b + width, *point = x + 3 * (at % n);
      PetscReal           sum = e->order ? 0 : last[width], size = 1;
      PetscInt            c;

      for (PetscInt k = 0; k < width; k++)
        a[k] = b[k] + theta[k] * point[0] + theta[k + width] * point[1] + theta[k + 2 * width] * point[2];
      net->activate(width, a, ENGD_JET_ORDER, s);
      for (PetscInt k = 0; k < width; k++) {
        PetscReal term = last[k] * s[e->order][k];

        for (PetscInt m = 0; m < e->laplacian; m++) term *= PetscSqr(theta[k]) + PetscSqr(theta[k + width]);
        for (PetscInt j = 0; j < e->order - 2 * e->laplacian; j++) term *= theta[k + width * e->coordinate[j]];
        sum += term;
        size += PetscAbsReal(term);
      }
      CHECK(EngdJetLayoutFind(layout, e, &c));
      Close(names[name], jet->u[c * n + at % n], sum, 1e-13 * size);
    }
    CHECK(EngdJetDestroy(&jet));
    CHECK(EngdJetLayoutDestroy(&layout));
    CHECK(EngdNetworkDestroy(&net));
    CHECK(PetscFree(theta));
    CHECK(PetscFree(x));
  }
}

/* h = sigma(n a (W z + b)), the layers from *w on; without factors n = 0 */
static void Units(PetscInt n_in, PetscReal n, const PetscReal z[], const PetscReal **w, PetscReal h[5])
{
  for (PetscInt i = 0; i < 5; i++) {
    PetscReal a = (*w)[5 * n_in + i];

    for (PetscInt j = 0; j < n_in; j++) a += (*w)[5 * j + i] * z[j];
    h[i] = PetscTanhReal(n > 0 ? n * (*w)[5 * n_in + 5] * a : a);
  }
  *w += 5 * n_in + 5 + (n > 0);
}

/* two hidden layers of five units at one point, written out */
static PetscReal Written(const char type[], PetscReal n, const PetscReal w[], const PetscReal x[])
{
  PetscReal U[5], V[5], h[5], z[5], u;

  if (type[0] == 'm' && type[1] == 'o') {
    Units(2, n, x, &w, U);
    Units(2, n, x, &w, V);
  }
  Units(2, n, x, &w, z);
  if (type[0] == 'm' && type[1] == 'o')
    for (PetscInt i = 0; i < 5; i++) z[i] = z[i] * U[i] + (1 - z[i]) * V[i];
  Units(5, n, z, &w, h);
  for (PetscInt i = 0; i < 5; i++)
    z[i] = type[0] == 'r'   ? z[i] + h[i]
           : type[0] == 'g' ? w[0] * h[i] + (1 - w[0]) * z[i]
           : type[1] == 'o' ? h[i] * U[i] + (1 - h[i]) * V[i]
                            : h[i];
  w += type[0] == 'g';
  u = w[5];
  for (PetscInt i = 0; i < 5; i++) u += w[i] * z[i];
  return u;
}

static void test_types(void **state)
{
  const char *const types[] = {"mlp", "residual", "gated", "modified"};
  const PetscInt    alike[] = {5, 5}, parameters[] = {51, 51, 52, 81};

  (void)state;
  for (PetscInt k = 0; k < 8; k++) {
    const PetscReal n = k / 4 ? 1.5 : 0;
    PetscReal      *x = NewRandom(2, 2, 1), *theta;
    EngdNetwork     net;
    EngdJetLayout   layout;
    EngdJet         jet;
    PetscInt        p;

    CHECK(EngdNetworkCreate(PETSC_COMM_SELF, &net));
    CHECK(EngdNetworkSetSizes(net, 2, 1));
    CHECK(EngdNetworkSetLayers(net, 2, alike));
    CHECK(EngdNetworkSetType(net, types[k % 4]));
    CHECK(EngdNetworkSetActivationScale(net, n));
    CHECK(EngdNetworkGetParameterCount(net, &p));
    assert_int_equal(p, parameters[k % 4] + (n > 0 ? k % 4 == 3 ? 4 : 2 : 0));
    theta = NewRandom(p, 1, 1);
    CHECK(EngdJetLayoutCreate(2, 2, 1, &value, &layout));
    CHECK(EngdJetCreate(net, layout, 1, &jet));
    CHECK(EngdJetForward(jet, theta, 1, x));
    Close(types[k % 4], jet->u[0], Written(types[k % 4], n, theta, x), 1e-14);
    CHECK(EngdJetDestroy(&jet));
    CHECK(EngdJetLayoutDestroy(&layout));
    CHECK(EngdNetworkDestroy(&net));
    CHECK(PetscFree(theta));
    CHECK(PetscFree(x));
  }
}

typedef struct {
  void (*run)(Setting *);
} Property;

static void test_settings(void **state)
{
  ForEachSetting(((const Property *)*state)->run);
}

int main(int argc, char **argv)
{
  static Property properties[] = {{Forward}, {LaplacianIsSum}, {Blocks}, {TangentOrder}, {AdjointIdentity}, {Rows}};
  const struct CMUnitTest tests[] = {{"forward against differences", test_settings, NULL, NULL, &properties[0]},
                                     {"Laplacian is the sum", test_settings, NULL, NULL, &properties[1]},
                                     {"block sizes", test_settings, NULL, NULL, &properties[2]},
                                     {"tangent, Taylor remainder", test_settings, NULL, NULL, &properties[3]},
                                     {"adjoint, dot products", test_settings, NULL, NULL, &properties[4]},
                                     {"rows", test_settings, NULL, NULL, &properties[5]},
                                     cmocka_unit_test(test_one_layer),
                                     cmocka_unit_test(test_types)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("jet", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
