/*
  Which options an error of PETSc is of, where PETSc does not say it: "Input string abc has no integer value".

  Method: the options whose value, or an entry of it, is the word that PETSc complains of; else the numbers whose option ends in a
  word of the message, as -eps_nev in "Illegal value of nev"; else all numbers of PETSc's solvers. Numbers are of errors that begin in
  PETSc alone. Options that nobody has read yet are none of them.
*/
#define _GNU_SOURCE /* strcasestr, strtok_r */
#include <engd/private.h>
#include <engd/values.h>
#include <ctype.h>

#define TEXT 4096 /* of a message */

/* PETSc says "Input string abc has no integer value" and not where abc came from. word <- abc; false when it is not that */
static PetscBool FindComplaint(const char message[], size_t size, char word[])
{
  static const char *const before[] = {
      "Input string ", "logical value: ",  " type given: ",      " type: ",
      " type ",        "Newly set value ", "PetscViewer file: ", "dynamic library: "};

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(before); k++) {
    const char *at = strstr(message, before[k]);
    size_t      n  = at ? strcspn(at + strlen(before[k]), before[k][0] == 'I' ? " \n" : " ,;\n") : 0;

    if (n && before[k][0] == 'N' && at[strlen(before[k]) + n - 1] == '.') n--; /* PETSc prints nan as nan. */
    if (!n || n >= size) continue;
    memcpy(word, at + strlen(before[k]), n);
    word[n] = 0;
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Is word one of the comma-separated entries of value, or the file of a viewer */
static PetscBool IsEntry(const char word[], const char value[])
{
  const size_t n = strlen(word), m = strlen(value);

  if (m > n && value[m - n - 1] == ':' && !strcmp(value + m - n, word))
    return PETSC_TRUE; /* ascii:file of a viewer */
  for (const char *v = value; v; v = strchr(v, ','), v = v ? v + 1 : NULL)
    if (!strncmp(v, word, n) && (!v[n] || v[n] == ',')) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Does the message name an option itself; numbers may be negative */
static PetscBool NamesOption(const char message[])
{
  PetscBool key = PETSC_FALSE;

  for (const char *s = strstr(message, " -"); s && !key; s = strstr(s + 1, " -"))
    (void)PetscOptionsValidKey(s + 1, &key);
  return key;
}

/* message <- message (from -key value), for all options whose value, or an entry of it, is this word; false if there are none */
static PetscBool AddOptionsOf(const char word[], PetscBool whole, size_t size, char message[])
{
  char       *all   = NULL, *rest, *key, *value;
  const char *joint = " (from ";
  PetscBool   used;

  if (PetscOptionsGetAll(NULL, &all) || !all) return PETSC_FALSE;
  for (key = strtok_r(all, " ", &rest); key; key = value) {
    value = strtok_r(NULL, " ", &rest);
    if (!value || key[0] != '-' || (whole ? strcmp(word, value) : !IsEntry(word, value))) continue;
    if (strcmp(key, "-help") && (PetscOptionsUsed(NULL, key + 1, &used) || !used))
      continue; /* nobody can have complained of it */
    snprintf(message + strlen(message), size - strlen(message), "%s%s %s", joint, key, value);
    joint = ", ";
  }
  if (joint[0] == ',') snprintf(message + strlen(message), size - strlen(message), ")");
  (void)PetscFree(all);
  return (PetscBool)(joint[0] == ',');
}

/* is it a word of the text, upper or lower case */
static PetscBool HasWord(const char text[], const char word[])
{
  const size_t n = strlen(word);

  for (const char *at = text; (at = strcasestr(at, word)); at++)
    if ((at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[n])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* does an option of PETSc's linear solvers, eigensolvers and integrators have this name */
static PetscBool IsOfSolver(const char key[])
{
  static const char *const families[] = {"-ksp_", "-pc_", "-eps_", "-svd_", "-st_", "-ts_", "-mat_", "-tao_ls_"};

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(families); k++)
    if (!strncmp(key, families[k], strlen(families[k]))) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* message <- message (from -key value), for numbers whose option ends in a word of it, as -eps_nev in "Illegal value of nev", or
   for all numbers of PETSc's solvers; false if there are none */
static PetscBool AddNumbers(PetscBool worded, size_t size, char message[])
{
  char       *all   = NULL, *rest, *key, *value, text[TEXT];
  const char *joint = " (from ";
  PetscBool   used;

  if (PetscOptionsGetAll(NULL, &all) || !all) return PETSC_FALSE;
  (void)PetscStrncpy(text, message, sizeof(text));
  for (key = strtok_r(all, " ", &rest); key; key = value) {
    const char *last = strrchr(key, '_');

    value = strtok_r(NULL, " ", &rest);
    if (!value || key[0] != '-' || !last || !(isdigit((unsigned char)value[0]) || strchr("+-.", value[0]))) continue;
    if (worded ? !HasWord(text, last + 1) : !IsOfSolver(key)) continue;
    if (PetscOptionsUsed(NULL, key + 1, &used) || !used) continue;
    snprintf(message + strlen(message), size - strlen(message), "%s%s %s", joint, key, value);
    joint = ", ";
  }
  if (joint[0] == ',') snprintf(message + strlen(message), size - strlen(message), ")");
  (void)PetscFree(all);
  return (PetscBool)(joint[0] == ',');
}

void EngdOptionsTellGuilty(PetscBool solving, const char file[], size_t size, char message[])
{
  const size_t root = strlen(__FILE__) - strlen("system/options_guilty.c");
  char         word[256];

  if (NamesOption(message) || !message[0]) return;
  if (FindComplaint(message, sizeof(word), word)) { /* an entry of a list only where no option has it as its value */
    if (!AddOptionsOf(word, PETSC_TRUE, size, message)) (void)AddOptionsOf(word, PETSC_FALSE, size, message);
    return;
  }
  if (message[0] == '-' || (solving && !strstr(message, "must be"))) return;
  if (!file || !strncmp(file, __FILE__, root)) return; /* engd's own words: of a file, say, and of no number */
  if (!AddNumbers(PETSC_TRUE, size, message)) (void)AddNumbers(PETSC_FALSE, size, message);
}
