/*
  The distance of two names: the least number of letters to insert, delete or replace to make one of the other.

  Method: Wagner and Fischer's recurrence on one row of the table, d_ij = min(d_i-1,j + 1, d_i,j-1 + 1, d_i-1,j-1 + (a_i != b_j)).
*/
#include <engd/private.h>

#define LENGTH_MAX 128

PetscInt EngdEditDistance(const char a[], const char b[])
{
  PetscInt     row[LENGTH_MAX + 1];
  const size_t n = strlen(b);

  if (n > LENGTH_MAX) return PETSC_MAX_INT;
  for (size_t j = 0; j <= n; j++) row[j] = (PetscInt)j;
  for (PetscInt i = 0; a[i]; i++) {
    PetscInt diagonal = row[0];

    row[0] = i + 1;
    for (size_t j = 0; j < n; j++) {
      const PetscInt replaced = diagonal + (a[i] != b[j]);

      diagonal   = row[j + 1];
      row[j + 1] = PetscMin(replaced, 1 + PetscMin(row[j], row[j + 1]));
    }
  }
  return row[n];
}
