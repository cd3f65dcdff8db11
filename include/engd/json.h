/*
  JSON as it is written (src/report/json.c), and the options in it as they are read (src/system/options_json.c). Plain C, on one rank
*/
#ifndef ENGD_JSON_H
#define ENGD_JSON_H

#include <petscsys.h>

/* String, Number: a value, NULL and what is not finite as null. Key: the next one of the outermost object, after a comma unless it
   is the first. Text, Integer, Real: a key with its value, which is not the first */
PETSC_INTERN void EngdJSONString(const char text[], FILE *);
PETSC_INTERN void EngdJSONNumber(PetscReal, FILE *);
PETSC_INTERN void EngdJSONKey(const char comma[], const char key[], FILE *);
PETSC_INTERN void EngdJSONText(const char key[], const char text[], FILE *);
PETSC_INTERN void EngdJSONInteger(const char key[], PetscInt64, FILE *);
PETSC_INTERN void EngdJSONReal(const char key[], PetscReal, FILE *);

/* Whether this is the summary of a run: an object with an object `options`. Then visit sees each of these, value NULL where it has
   none, until it returns PETSC_FALSE */
typedef PetscBool (*EngdJSONVisitor)(void *, const char name[], const char value[]);
PETSC_INTERN PetscBool EngdIsSummary(const char text[]);
PETSC_INTERN PetscBool EngdSummaryVisit(const char text[], EngdJSONVisitor, void *);

#endif
