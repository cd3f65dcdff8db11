/*
  What the options of a problem are made of: texts of any length, lists, numbers, names.

  A list is split at the commas outside parentheses and brackets; a number is a constant expression (2*pi), so that bounds and
  parameters are written as in the residuals; names are identifiers, and x1..x10 stands for ten of them.
  Does not read options outside PetscOptionsBegin and End: every option is declared with its sentence.
*/
#include <engd/private.h>
#include <engd/values.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

/* In a list: names are compared with each other, and beyond this nothing ends in a reasonable time */
#define NAMES_MAX 5000

/*
  EngdOptionsText - Declares and reads an option whose value is a text of any length.

  Collective

  Input Parameters:
+ PetscOptionsObject - between PetscOptionsBegin() and PetscOptionsEnd()
. option             - its name, with the dash
. sentence           - for -help
. manual             - name of the setter
. standard           - the value when it is not given, or NULL
- example            - NULL; or a value to show, and the option is required, but for -help, where this value stands in

  Output Parameter:
. text - for PetscFree(); NULL where there is neither value nor standard

  Errors: PETSC_ERR_USER_INPUT for a required option that is missing, or for one without a value

  Source: src/problem/lists.c
*/
PetscErrorCode EngdOptionsText(EngdOptionItems PetscOptionsObject, const char option[], const char sentence[],
                               const char manual[], const char standard[], const char example[], char **text)
{
  const MPI_Comm comm   = PetscOptionsObject->comm;
  const char    *prefix = PetscOptionsObject->prefix ? PetscOptionsObject->prefix : "";
  const char    *value  = NULL;
  char           shown[PETSC_MAX_PATH_LEN];
  PetscBool      set, help;

  PetscFunctionBeginUser;
  *text = NULL;
  PetscCall(PetscOptionsString(option, sentence, manual, example ? "required" : (standard ? standard : "none"), shown,
                               sizeof(shown), NULL));
  PetscCall(PetscOptionsFindPair(PetscOptionsObject->options, prefix, option, &value, &set));
  PetscCall(PetscOptionsHasHelp(PetscOptionsObject->options, &help));
  if (set && !help)
    PetscCheck(value && *value && !EngdOptionsIsMissing(value), comm, PETSC_ERR_USER_INPUT,
               "-%s%s has no value (one that begins with a minus sign is put in parentheses: (-u))", prefix,
               option + 1);
  if (example && !help)
    PetscCheck(set, comm, PETSC_ERR_USER_INPUT, "-%s%s is missing: give it, for example -%s%s %s", prefix, option + 1,
               prefix, option + 1, example);
  if (set && value && *value)
    PetscCall(PetscStrallocpy(value, text));
  else
    PetscCall(PetscStrallocpy(example ? example : standard, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdTextPrint - A new text of the length that it needs; reals as %.17g.
*/
PetscErrorCode EngdTextPrint(char **text, const char format[], ...)
{
  va_list arguments;
  int     length;

  PetscFunctionBeginUser;
  va_start(arguments, format);
  length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  PetscCheck(length >= 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "vsnprintf() fails for %s", format);
  PetscCall(PetscMalloc1((size_t)length + 1, text));
  va_start(arguments, format);
  (void)vsnprintf(*text, (size_t)length + 1, format, arguments);
  va_end(arguments);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The end of the item that begins at s: a comma outside parentheses and brackets, or the end of the text */
static const char *ItemEnd(const char *s)
{
  PetscInt depth = 0;

  for (; *s && (*s != ',' || depth > 0); s++) depth += (*s == '(' || *s == '[') - (*s == ')' || *s == ']');
  return s;
}

/*
  EngdParseList - Takes a list apart at the commas outside of parentheses.

  Not collective

  Input Parameters:
+ option - its name, for messages
- text   - the list

  Output Parameters:
+ n     - how many items
- items - [n] without the blanks around them, for EngdListDestroy()

  Errors: PETSC_ERR_USER_INPUT, naming option and text, for an item that is empty

  Source: src/problem/lists.c
*/
PetscErrorCode EngdParseList(const char option[], const char text[], PetscInt *n, char ***items)
{
  PetscInt    count = 1;
  const char *s, *end;

  PetscFunctionBeginUser;
  for (s = ItemEnd(text); *s; s = ItemEnd(s + 1)) count++;
  PetscCall(PetscCalloc1(count, items));
  s = text;
  for (PetscInt i = 0; i < count; i++, s = end + 1) {
    const char *last = end = ItemEnd(s);

    while (s < last && isspace((unsigned char)*s)) s++;
    while (last > s && isspace((unsigned char)last[-1])) last--;
    if (last <= s) PetscCall(EngdListDestroy(i, items));
    PetscCheck(last > s, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "%s \"%s\": item %" PetscInt_FMT " of the list is empty", option, text, i + 1);
    PetscCall(PetscCalloc1((size_t)(last - s) + 1, &(*items)[i]));
    PetscCall(PetscMemcpy((*items)[i], s, (size_t)(last - s)));
  }
  *n = count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdListDestroy - Frees the items of a list.

  Not collective

  Input Parameters:
+ n     - how many
- items - [n] or NULL; NULL afterwards

  Source: src/problem/lists.c
*/
PetscErrorCode EngdListDestroy(PetscInt n, char ***items)
{
  PetscFunctionBeginUser;
  if (*items)
    for (PetscInt i = 0; i < n; i++) PetscCall(PetscFree((*items)[i]));
  PetscCall(PetscFree(*items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdParseReal - Reads a number, given as an expression.

  Not collective

  Input Parameters:
+ option  - its name, for messages
. text    - such as "2*pi*nu"
- symbols - names that it may use, or NULL

  Output Parameter:
. value - finite

  Errors: PETSC_ERR_USER_INPUT, naming option and text, for what is no finite number

  Source: src/problem/lists.c
*/
PetscErrorCode EngdParseReal(const char option[], const char text[], const EngdSymbols *symbols, PetscReal *value)
{
  const EngdSymbols none = {0};
  EngdExpression    expression;
  PetscInt          n;
  char             *end;

  PetscFunctionBeginUser;
  *value = strtod(text, &end);
  if (end == text || *end) {
    PetscCall(EngdExpressionCreate(symbols ? symbols : &none, &expression));
    PetscCall(EngdExpressionAppend(expression, option, text));
    PetscCall(EngdExpressionCompile(expression, 0));
    n = expression->ncomponents;
    PetscCheck(n == 1, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s \"%s\" must be one number, not %" PetscInt_FMT,
               option, text, n);
    PetscCall(EngdExpressionEvaluate(expression, 1, NULL, NULL, NULL, value, NULL, NULL));
    PetscCall(EngdExpressionDestroy(&expression));
  }
  PetscCheck(!PetscIsInfOrNanReal(*value), PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s %s: must be a finite number",
             option, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdParseWhole - Reads a whole number.

  Not collective

  Input Parameters:
+ option - its name, for messages
. text   - such as "2^10"
- least  - the smallest that is allowed; the largest is PETSC_MAX_INT

  Output Parameter:
. value - the number

  Errors: PETSC_ERR_USER_INPUT, naming option and text and the range

  Source: src/problem/lists.c
*/
PetscErrorCode EngdParseWhole(const char option[], const char text[], PetscInt least, PetscInt *value)
{
  PetscReal real;

  PetscFunctionBeginUser;
  PetscCall(EngdParseReal(option, text, NULL, &real));
  PetscCheck(real == PetscFloorReal(real) && real >= (PetscReal)least && real < (PetscReal)PETSC_MAX_INT + 1.0,
             PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "%s %s: must be a whole number from %" PetscInt_FMT " to %" PetscInt_FMT, option, text, least,
             PETSC_MAX_INT);
  *value = (PetscInt)real;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdOptionsWhole - Declares and reads an option whose value is a whole number; PetscOptionsInt() takes a number that is too
  large for another.

  Collective

  Input Parameters:
+ PetscOptionsObject - between PetscOptionsBegin() and PetscOptionsEnd()
. option             - its name, with the dash
. sentence           - for -help
. manual             - name of the setter
- least              - the smallest that is allowed

  Input/Output Parameter:
. value - its default, then what the option says

  Errors: those of EngdParseWhole()

  Source: src/problem/lists.c
*/
PetscErrorCode EngdOptionsWhole(EngdOptionItems PetscOptionsObject, const char option[], const char sentence[],
                                const char manual[], PetscInt least, PetscInt *value)
{
  char standard[32], name[256], *text;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(standard, sizeof(standard), "%" PetscInt_FMT, *value));
  PetscCall(PetscSNPrintf(name, sizeof(name), "-%s%s", PetscOptionsObject->prefix ? PetscOptionsObject->prefix : "",
                          option + 1));
  PetscCall(EngdOptionsText(PetscOptionsObject, option, sentence, manual, standard, NULL, &text));
  PetscCall(EngdParseWhole(name, text, least, value));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdParseReals - Reads a list of numbers.

  Not collective

  Input Parameters:
+ option  - its name, for messages
. text    - such as "0, pi/2"
- symbols - names that they may use, or NULL

  Output Parameters:
+ n      - how many
- values - [n] for PetscFree()

  Errors: PETSC_ERR_USER_INPUT, naming option and text, for an item that is no finite number

  Source: src/problem/lists.c
*/
PetscErrorCode EngdParseReals(const char option[], const char text[], const EngdSymbols *symbols, PetscInt *n,
                              PetscReal **values)
{
  char **items;

  PetscFunctionBeginUser;
  PetscCall(EngdParseList(option, text, n, &items));
  PetscCall(PetscMalloc1(*n, values));
  for (PetscInt i = 0; i < *n; i++) PetscCall(EngdParseReal(option, items[i], symbols, &(*values)[i]));
  PetscCall(EngdListDestroy(*n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A letter, then letters, digits and underscores */
static PetscBool IsName(const char *s)
{
  if (!isalpha((unsigned char)*s)) return PETSC_FALSE;
  while (isalnum((unsigned char)*s) || *s == '_') s++;
  return *s ? PETSC_FALSE : PETSC_TRUE;
}

/* Is s "x1..x10": how long the stem "x" is, and the first and last numbers; otherwise 1..0 */
static void FindRange(const char *s, PetscInt *stem, long *first, long *last)
{
  char    *dots, *end;
  PetscInt n = 0;

  *first = 1;
  *last  = 0;
  while (isalpha((unsigned char)s[n]) || s[n] == '_') n++;
  *stem = n;
  if (!n || !isdigit((unsigned char)s[n])) return;
  *first = strtol(s + n, &dots, 10);
  if (strncmp(dots, "..", 2) || strncmp(dots + 2, s, (size_t)n) || !isdigit((unsigned char)dots[2 + n])) return;
  *last = strtol(dots + 2 + n, &end, 10);
  if (*end) *last = *first - 1;
}

/* Replaces item i of the list by the names of its range, if it is one */
static PetscErrorCode ExpandRange(const char option[], PetscInt i, PetscInt *n, char ***names)
{
  char   **longer;
  PetscInt stem, m;
  long     first, last;
  size_t   size;

  PetscFunctionBeginUser;
  FindRange((*names)[i], &stem, &first, &last);
  if (last < first) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(last - first < NAMES_MAX && *n + last - first <= NAMES_MAX, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "%s: %s and what else the list has are more than %d names, the most that there can be", option,
             (*names)[i], NAMES_MAX);
  m = (PetscInt)(last - first);
  PetscCall(PetscStrlen((*names)[i], &size));
  PetscCall(PetscCalloc1(*n + m, &longer));
  for (PetscInt j = 0; j < i; j++) longer[j] = (*names)[j];
  for (PetscInt j = i + 1; j < *n; j++) longer[j + m] = (*names)[j];
  for (PetscInt j = 0; j <= m; j++) {
    PetscCall(PetscMalloc1(size + 1, &longer[i + j]));
    PetscCall(PetscSNPrintf(longer[i + j], size + 1, "%.*s%ld", (int)stem, (*names)[i], first + j));
  }
  PetscCall(PetscFree((*names)[i]));
  PetscCall(PetscFree(*names));
  *names = longer;
  *n += m;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the items as names, ranges expanded */
static PetscErrorCode TakeNames(const char option[], const char text[], PetscInt *n, char ***names)
{
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCheck(*n <= NAMES_MAX, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "%s: %" PetscInt_FMT " names, the most that there can be is %d", option, *n, NAMES_MAX);
  for (PetscInt i = *n - 1; i >= 0; i--) PetscCall(ExpandRange(option, i, n, names));
  for (PetscInt i = 0; i < *n; i++) {
    PetscCheck(IsName((*names)[i]), PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "%s \"%s\": %s is not a name (a letter, then letters, digits, underscores)", option, text,
               (*names)[i]);
    for (PetscInt j = 0; j < i; j++) {
      PetscCall(PetscStrcasecmp((*names)[j], (*names)[i], &same));
      PetscCheck(!same, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
                 "%s \"%s\": %s and %s differ at most in upper and lower case", option, text, (*names)[j],
                 (*names)[i]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdParseNames - Reads a list of names, identifiers that differ also without regard to case, as options do not tell it;
  x1..x10 are ten.

  Not collective

  Input Parameters:
+ option - its name, for messages
- text   - such as "x,y"

  Output Parameters:
+ n     - how many
- names - [n] for EngdListDestroy()

  Errors: PETSC_ERR_USER_INPUT, naming option and text and name

  Source: src/problem/lists.c
*/
PetscErrorCode EngdParseNames(const char option[], const char text[], PetscInt *n, char ***names)
{
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(EngdParseList(option, text, n, names));
  ierr = TakeNames(option, text, n, names);
  if (ierr) PetscCall(EngdListDestroy(*n, names));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}
