/*
  What setters have said that are options too: under those of the database, which win. (src/system/settings.c)
*/
#ifndef ENGD_SETTINGS_H
#define ENGD_SETTINGS_H

#include <engd/base.h>

typedef struct _n_EngdSettings *EngdSettings;

/* Set: the latest value of an option counts; the list begins as NULL. Name: option <- -<first>_<second>. Close: what is set from now on
   is an error that names the reader. Push: into the database go those that are not there. Pop: out they go. Not collective, but to
   be called alike on all ranks */
PETSC_INTERN PetscErrorCode EngdSettingsSet(EngdSettings *, const char option[], const char value[]);
PETSC_INTERN PetscErrorCode EngdSettingsSetWhole(EngdSettings *, const char option[], PetscInt);
PETSC_INTERN PetscErrorCode EngdSettingsSetReals(EngdSettings *, const char option[], PetscInt n, const PetscReal[]);
PETSC_INTERN PetscErrorCode EngdSettingsName(const char first[], const char second[], size_t size, char option[]);
PETSC_INTERN PetscErrorCode EngdSettingsClose(EngdSettings *, const char reader[]);
PETSC_INTERN PetscErrorCode EngdSettingsPush(EngdSettings);
PETSC_INTERN PetscErrorCode EngdSettingsPop(EngdSettings);
PETSC_INTERN PetscErrorCode EngdSettingsDestroy(EngdSettings *);

/* *text <- a copy of value, which may be NULL, in place of what it was. Not collective */
PETSC_INTERN PetscErrorCode EngdTextReplace(char **text, const char value[]);

#endif
