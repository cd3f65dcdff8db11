/*
  Complex unknowns: psi of -complex_unknowns is the pair of outputs repsi and impsi of its network.

    -network_outputs psi -complex_unknowns psi -pde_residual "i*psi_t + lap(psi)/2 + abs(psi)^2*psi" -exact_psi "exp(i*t)*f(x)"

  Texts name psi as a number (src/problem/expression/complex.c); everything else sees two real outputs. A text for psi, such as its exact
  solution, is read twice: as re(text) and im(text) for the two.
*/
#include <engd/private.h>

/*
  EngdProblemReadComplex - Which of the unknowns are complex.
*/
PetscErrorCode EngdProblemReadComplex(EngdProblem problem)
{
  char *list;

  PetscFunctionBeginUser;
  PetscOptionsBegin(problem->comm, NULL, "Complex unknowns", "EngdProblem");
  PetscCall(EngdOptionsText(PetscOptionsObject, "-complex_unknowns",
                            "Which of the unknowns are complex: psi is the pair of outputs repsi and impsi",
                            "EngdProblemSetComplexUnknowns", NULL, NULL, &list));
  PetscOptionsEnd();
  if (!list) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdParseNames("-complex_unknowns", list, &problem->ncomplex, &problem->complex_name));
  PetscCall(PetscMalloc1(problem->ncomplex, &problem->complex_output));
  for (PetscInt k = 0; k < problem->ncomplex; k++) problem->complex_output[k] = -1;
  PetscCall(PetscFree(list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the complex unknown of this name, or -1 */
static PetscInt FindComplex(EngdProblem problem, const char name[])
{
  for (PetscInt k = 0; k < problem->ncomplex; k++)
    if (!strcmp(problem->complex_name[k], name)) return k;
  return -1;
}

/*
  EngdProblemExpandComplex - Two outputs for each name of a list that is complex; the list begins with output `first` of all.
*/
PetscErrorCode EngdProblemExpandComplex(EngdProblem problem, PetscInt *n, char ***outputs, PetscInt first)
{
  char   **all;
  PetscInt count = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(2 * *n, &all));
  for (PetscInt i = 0; i < *n; i++) {
    const PetscInt k = FindComplex(problem, (*outputs)[i]);

    if (k < 0) {
      PetscCall(PetscStrallocpy((*outputs)[i], &all[count++]));
      continue;
    }
    problem->complex_output[k] = first + count;
    PetscCall(EngdTextPrint(&all[count++], "re%s", (*outputs)[i]));
    PetscCall(EngdTextPrint(&all[count++], "im%s", (*outputs)[i]));
  }
  PetscCall(EngdListDestroy(*n, outputs));
  *n       = count;
  *outputs = all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemCheckComplex - Is each complex unknown one of the unknowns?
*/
PetscErrorCode EngdProblemCheckComplex(EngdProblem problem)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->ncomplex; k++)
    PetscCheck(problem->complex_output[k] >= 0, problem->comm, PETSC_ERR_USER_INPUT,
               "-complex_unknowns %s: there is no unknown of this name; give it in -network_outputs too",
               problem->complex_name[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadComplexTexts - -<prefix>_<complex unknown>, for its two outputs as re(text) and im(text).
*/
PetscErrorCode EngdProblemReadComplexTexts(EngdProblem problem, const char prefix[], const char sentence[],
                                           const char manual[], char *text[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < problem->ncomplex; k++) {
    const PetscInt output = problem->complex_output[k];
    char           option[256], *both;

    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_%s", prefix, problem->complex_name[k]));
    PetscOptionsBegin(problem->comm, NULL, "Complex unknowns", "EngdProblem");
    PetscCall(EngdOptionsText(PetscOptionsObject, option, sentence, manual, NULL, NULL, &both));
    PetscOptionsEnd();
    if (!both) continue;
    PetscCheck(!text[output] && !text[output + 1], problem->comm, PETSC_ERR_USER_INPUT,
               "%s \"%s\" and -%s_%s \"%s\" exclude each other: give one", option, both, prefix,
               problem->output[text[output] ? output : output + 1], text[output] ? text[output] : text[output + 1]);
    PetscCall(EngdTextPrint(&text[output], "re(%s)", both));
    PetscCall(EngdTextPrint(&text[output + 1], "im(%s)", both));
    PetscCall(PetscFree(both));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
