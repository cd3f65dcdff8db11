/*
  Activation functions sigma and their derivatives up to sixth order, and the registry of them.

  A type fills s[k][i] = sigma^(k)(a[i]) for k = 0..order, the lower ones first, since the higher ones are polynomials in
  them. Loops are one derivative each, so that the compiler turns the transcendental one into vector calls; this
  file is compiled with -ffast-math for that reason alone (libmvec, error below 2 ulp).
*/
#include <engd/private.h>

#define FOR_EACH_ENTRY for (PetscInt i = 0; i < n; i++)

/* t = tanh a:  s' = 1 - t^2,  s'' = -2 t s',  s''' = s' (6 t^2 - 2),  s'''' = s' t (16 - 24 t^2),
   s^(5) = s' (16 - 120 t^2 + 120 t^4),  s^(6) = s' t (-272 + 960 t^2 - 720 t^4) */
ENGD_REGISTER_ACTIVATION("tanh", EngdActivation_Tanh);
void EngdActivation_Tanh(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  FOR_EACH_ENTRY s[0][i] = PetscTanhReal(a[i]);
  if (order >= 1) FOR_EACH_ENTRY s[1][i] = 1 - s[0][i] * s[0][i];
  if (order >= 2) FOR_EACH_ENTRY s[2][i] = -2 * s[0][i] * s[1][i];
  if (order >= 3) FOR_EACH_ENTRY s[3][i] = s[1][i] * (6 * s[0][i] * s[0][i] - 2);
  if (order >= 4) FOR_EACH_ENTRY s[4][i] = s[1][i] * s[0][i] * (16 - 24 * s[0][i] * s[0][i]);
  if (order >= 5) {
    FOR_EACH_ENTRY s[5][i] = s[1][i] * (16 + s[0][i] * s[0][i] * (120 * s[0][i] * s[0][i] - 120));
  }
  if (order >= 6) {
    FOR_EACH_ENTRY s[6][i] = s[1][i] * s[0][i] * (-272 + s[0][i] * s[0][i] * (960 - 720 * s[0][i] * s[0][i]));
  }
}

/* sin, cos, -sin, -cos, sin */
ENGD_REGISTER_ACTIVATION("sin", EngdActivation_Sin);
void EngdActivation_Sin(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  FOR_EACH_ENTRY s[0][i] = PetscSinReal(a[i]);
  if (order >= 1) FOR_EACH_ENTRY s[1][i] = PetscCosReal(a[i]);
  for (PetscInt k = 2; k <= order; k++) FOR_EACH_ENTRY s[k][i] = -s[k - 2][i];
}

/* s = 1/(1 + e^-a):  s' = s (1 - s),  s'' = s' (1 - 2 s),  s''' = s' (1 - 6 s'),  s'''' = s'' (1 - 12 s'),
   s^(5) = s' (1 - 30 s' + 120 s'^2),  s^(6) = s'' (1 - 60 s' + 360 s'^2) */
ENGD_REGISTER_ACTIVATION("sigmoid", EngdActivation_Sigmoid);
void EngdActivation_Sigmoid(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  FOR_EACH_ENTRY s[0][i] = 0.5 + 0.5 * PetscTanhReal(0.5 * a[i]); /* never overflows */
  if (order >= 1) FOR_EACH_ENTRY s[1][i] = s[0][i] * (1 - s[0][i]);
  if (order >= 2) FOR_EACH_ENTRY s[2][i] = s[1][i] * (1 - 2 * s[0][i]);
  if (order >= 3) FOR_EACH_ENTRY s[3][i] = s[1][i] * (1 - 6 * s[1][i]);
  if (order >= 4) FOR_EACH_ENTRY s[4][i] = s[2][i] * (1 - 12 * s[1][i]);
  if (order >= 5) FOR_EACH_ENTRY s[5][i] = s[1][i] * (1 + s[1][i] * (120 * s[1][i] - 30));
  if (order >= 6) FOR_EACH_ENTRY s[6][i] = s[2][i] * (1 + s[1][i] * (360 * s[1][i] - 60));
}

/* log(1 + e^a) = max(a, 0) + log1p(e^-|a|), whose derivative is the sigmoid */
ENGD_REGISTER_ACTIVATION("softplus", EngdActivation_Softplus);
void EngdActivation_Softplus(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  FOR_EACH_ENTRY s[0][i] = 0.5 * (a[i] + PetscAbsReal(a[i])) + log1p(PetscExpReal(-PetscAbsReal(a[i])));
  if (order >= 1) EngdActivation_Sigmoid(n, a, order - 1, s + 1);
}

/* a g(a) with g = sigmoid:  (a g)^(k) = k g^(k-1) + a g^(k), by descending k in place */
ENGD_REGISTER_ACTIVATION("silu", EngdActivation_Silu);
void EngdActivation_Silu(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  EngdActivation_Sigmoid(n, a, order, s);
  for (PetscInt k = order; k >= 1; k--) FOR_EACH_ENTRY s[k][i] = k * s[k - 1][i] + a[i] * s[k][i];
  FOR_EACH_ENTRY s[0][i] *= a[i];
}

/* a Phi(a) with the normal distribution Phi, density f:
   s' = Phi + a f,  s'' = f (2 - a^2),  s''' = f (a^3 - 4 a),  s'''' = f (-a^4 + 7 a^2 - 4),
   s^(5) = f (a^5 - 11 a^3 + 18 a),  s^(6) = f (-a^6 + 16 a^4 - 51 a^2 + 18) */
ENGD_REGISTER_ACTIVATION("gelu", EngdActivation_Gelu);
void EngdActivation_Gelu(PetscInt n, const PetscReal a[], PetscInt order, PetscReal *const s[])
{
  const PetscReal root = 1 / PetscSqrtReal(2.0), scale = 1 / PetscSqrtReal(2 * PETSC_PI);

  FOR_EACH_ENTRY s[0][i] = 0.5 * (1 + erf(root * a[i]));
  if (order >= 1) FOR_EACH_ENTRY s[1][i] = s[0][i] + a[i] * scale * PetscExpReal(-0.5 * a[i] * a[i]);
  if (order >= 2) FOR_EACH_ENTRY s[2][i] = scale * PetscExpReal(-0.5 * a[i] * a[i]) * (2 - a[i] * a[i]);
  if (order >= 3) {
    FOR_EACH_ENTRY s[3][i] = scale * PetscExpReal(-0.5 * a[i] * a[i]) * a[i] * (a[i] * a[i] - 4);
  }
  if (order >= 4) {
    FOR_EACH_ENTRY s[4][i] = scale * PetscExpReal(-0.5 * a[i] * a[i]) * (a[i] * a[i] * (7 - a[i] * a[i]) - 4);
  }
  if (order >= 5) {
    FOR_EACH_ENTRY s[5][i] =
        scale * PetscExpReal(-0.5 * a[i] * a[i]) * a[i] * (a[i] * a[i] * (a[i] * a[i] - 11) + 18);
  }
  if (order >= 6) {
    FOR_EACH_ENTRY s[6][i] =
        scale * PetscExpReal(-0.5 * a[i] * a[i]) * (a[i] * a[i] * (a[i] * a[i] * (16 - a[i] * a[i]) - 51) + 18);
  }
  FOR_EACH_ENTRY s[0][i] *= a[i];
}

EngdRegistry engd_activations = {.kind = "activation"};

/*
  EngdActivationRegister - adds an activation function that -network_activation can then name.

  Not collective

  Input Parameters:
+ name     - what the user writes
- function - fills s[k][i] = d^k sigma/da^k at a[i], 0 <= k <= order <= ENGD_ACTIVATION_ORDER; a and s do not overlap

  Note: call it from PetscDLLibraryRegister_mylib() of a library given by -dll_append, or before the options are read.
*/
PetscErrorCode EngdActivationRegister(const char name[], EngdActivationFn function)
{
  PetscFunctionBeginUser;
  PetscCall(EngdRegistryAdd(&engd_activations, name, (EngdRegistryFn)function));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdActivationFind(const char name[], EngdActivationFn *function)
{
  EngdRegistryFn found;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFind(&engd_activations, "-network_activation", name, &found));
  *function = (EngdActivationFn)found;
  PetscFunctionReturn(PETSC_SUCCESS);
}
