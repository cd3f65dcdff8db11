/*
  The options of the database as names and values, in the order of their names.

  Method: PetscOptionsView(), one option a line: the only account of them that keeps values with blanks apart.
*/
#define _GNU_SOURCE /* open_memstream */
#include <engd/private.h>
#include <engd/values.h>
#include <stdlib.h>

/* text <- what PetscOptionsView() prints. free() it */
static PetscErrorCode PrintOptions(char **text)
{
  size_t      size;
  FILE       *memory;
  PetscViewer viewer;

  PetscFunctionBeginUser;
  memory = open_memstream(text, &size);
  PetscCheck(memory, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the list of options");
  PetscCall(PetscViewerASCIIOpenWithFILE(PETSC_COMM_SELF, memory, &viewer));
  PetscCall(PetscOptionsView(NULL, viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  (void)fclose(memory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the end of the option that begins at s: the end of its line, and of further lines that its value may have */
static char *OptionEnd(char *s)
{
  for (s = strchr(s, '\n'); s && s[1] && s[1] != '-' && s[1] != '#'; s = strchr(s + 1, '\n')) continue;
  return s;
}

/* EngdOptionsVisit - Calls visit with the name, without its dash, and the value, or NULL, of each option. Not collective */
PetscErrorCode EngdOptionsVisit(EngdOptionVisitor visit, void *data)
{
  char *text, *end;

  PetscFunctionBeginUser;
  PetscCall(PrintOptions(&text));
  for (char *line = text; line && *line; line = end ? end + 1 : NULL) {
    char *value, *source;

    end = OptionEnd(line);
    if (line[0] != '-') continue;
    if (end) *end = 0;
    source = strstr(line, " # (source: "); /* newer versions say where an option is from */
    if (source) *source = 0;
    if (!strcmp(line, "-options_left no")) continue; /* set by EngdInitialize() */
    value = strchr(line, ' ');
    if (value) *value++ = 0;
    while (value && *value == ' ') value++;
    PetscCall((*visit)(line + 1, EngdOptionsIsMissing(value) ? NULL : value, data));
  }
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}
