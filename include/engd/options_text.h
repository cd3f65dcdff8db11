/*
  Where options files are, and what they hold. (src/system/options_text.c) Plain C, on one rank
*/
#ifndef ENGD_OPTIONS_TEXT_H
#define ENGD_OPTIONS_TEXT_H

#include <petscsys.h>

/* is there such a file, or device or pipe, that is no directory; can it be read only once */
PETSC_INTERN PetscBool EngdIsFile(const char path[]);
PETSC_INTERN PetscBool EngdIsStream(const char path[]);

/* path <- where the file of this name is, false if nowhere; searched <- the directories looked through */
PETSC_INTERN PetscBool EngdFindOptionsFile(const char name[], size_t size, char path[], char searched[]);

/* is it for PETSc's YAML reader, by its name or by how its text begins */
PETSC_INTERN PetscBool EngdHasNameOfYAML(const char path[]);
PETSC_INTERN PetscBool EngdBeginsAsYAML(const char text[]);

/* all of the file, to be freed, or NULL and in fault what is wrong with it */
PETSC_INTERN char *EngdReadText(const char path[], size_t space, char fault[]);

/* text <- text with line feeds between its lines and no byte order mark; without the lines that only PETSc's own files have */
PETSC_INTERN void EngdUnifyLines(char text[]);
PETSC_INTERN void EngdHideForeignLines(char text[]);

#endif
