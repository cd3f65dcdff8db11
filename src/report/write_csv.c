/*
  The solution as CSV (RFC 4180): a row of names, then a row a point with 17 digits; nan where a grid leaves the domain.
*/
#include <engd/private.h>

/* a name, in quotes where it has what separates fields */
static void PrintName(const char name[], FILE *file)
{
  if (!strpbrk(name, ",\"\n")) {
    fprintf(file, "%s", name);
    return;
  }
  fputc('"', file);
  for (const char *c = name; *c; c++) fprintf(file, *c == '"' ? "\"\"" : "%c", *c);
  fputc('"', file);
}

int EngdWriteCSV(const EngdTable *table, FILE *file)
{
  const PetscInt ncolumns = table->dim + table->nvalues;

  for (PetscInt k = 0; k < ncolumns; k++) {
    if (k) fputc(',', file);
    PrintName(table->name[k], file);
  }
  fputc('\n', file);
  for (PetscInt i = 0; i < table->n; i++) {
    const PetscReal *row = table->row + ENGD_COUNT(i, table->stride);

    for (PetscInt k = 0; k < ncolumns; k++) {
      if (PetscIsNanReal(row[k]))
        fprintf(file, "%snan", k ? "," : ""); /* without the sign that some have */
      else
        fprintf(file, "%s%.17g", k ? "," : "", (double)row[k]);
    }
    fputc('\n', file);
  }
  return 0;
}
