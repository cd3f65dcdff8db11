/*
  -tables "k=file.csv, g=other.csv": functions of one to three numbers from files of their values.

    x, y, k            a first line may have names; the last column is the value, those before it are the arguments in this order
    0.0, 0.0, 1.7

  The rows are the nodes of a rectangular grid, whose lines need not be evenly spaced. What stands between them: tabulated.c.
*/
#include "tablefile.h"

/* the names of the arguments, for messages: those of the file, or argument 1, ... */
static PetscErrorCode NameArguments(const EngdTableFile *file, const char option[], PetscInt dim, char ***names)
{
  PetscInt n = 0;

  PetscFunctionBeginUser;
  if (file->names[0]) PetscCall(EngdParseNames(option, file->names, &n, names));
  if (n == dim + 1) PetscFunctionReturn(PETSC_SUCCESS);
  if (n) PetscCall(EngdListDestroy(n, names));
  PetscCall(EngdParseNames(option, "argument1,argument2,argument3,value", &n, names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* name=file */
static PetscErrorCode ReadTable(EngdProblem problem, const char option[], const char text[], char item[],
                                EngdTabulated *table)
{
  char          *name = strchr(item, '='), **names, **arguments, fault[512];
  PetscInt       n, dim;
  EngdTableFile *file;

  PetscFunctionBeginUser;
  PetscCheck(name && name[1], problem->comm, PETSC_ERR_USER_INPUT, "%s \"%s\": \"%s\" is not of the form k=file.csv",
             option, text, item);
  *name++ = 0;
  while (*name == ' ') name++;
  PetscCall(EngdParseNames(option, item, &n, &names));
  PetscCheck(n == 1, problem->comm, PETSC_ERR_USER_INPUT, "%s \"%s\": %s are several names", option, text, item);
  PetscCall(EngdTableFileRead(problem->comm, option, name, &file));
  dim = file->ncolumns - 1;
  PetscCheck(dim >= 1 && dim <= 3, problem->comm, PETSC_ERR_USER_INPUT,
             "%s %s: %" PetscInt_FMT " columns; a table has one to three columns of arguments and one of values",
             option, name, file->ncolumns);
  PetscCall(NameArguments(file, option, dim, &arguments));
  PetscCall(EngdTabulatedCreate(names[0], dim, arguments, file->nrows, file->value, sizeof(fault), fault, table));
  PetscCheck(!fault[0], problem->comm, PETSC_ERR_USER_INPUT, "%s %s: %s", option, name, fault);
  PetscCall(EngdListDestroy(file->names[0] ? dim + 1 : 4, &arguments));
  PetscCall(EngdTableFileDestroy(&file));
  PetscCall(EngdListDestroy(n, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdProblemReadTables - The tables from their list.
*/
PetscErrorCode EngdProblemReadTables(EngdProblem problem, const char text[])
{
  const char option[] = "-tables";
  char     **items;
  PetscInt   n;

  PetscFunctionBeginUser;
  PetscCall(EngdParseList(option, text, &n, &items));
  PetscCall(PetscCalloc1(n, &problem->table));
  for (; problem->ntables < n; problem->ntables++) {
    const PetscInt k = problem->ntables;

    PetscCall(ReadTable(problem, option, text, items[k], &problem->table[k]));
    for (PetscInt j = 0; j < k; j++)
      PetscCheck(strcmp(EngdTabulatedName(problem->table[j]), EngdTabulatedName(problem->table[k])), problem->comm,
                 PETSC_ERR_USER_INPUT, "%s \"%s\": %s is given twice", option, text,
                 EngdTabulatedName(problem->table[k]));
  }
  PetscCall(EngdListDestroy(n, &items));
  PetscFunctionReturn(PETSC_SUCCESS);
}
