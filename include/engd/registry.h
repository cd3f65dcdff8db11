/*
  Registries of types: name -> function, the seams that options choose from and plug-ins add to. (src/system/registry.c)
*/
#ifndef ENGD_REGISTRY_H
#define ENGD_REGISTRY_H

#include <engd/base.h>

typedef void (*EngdRegistryFn)(void);

/* The built-in types, ended by a NULL kind. The makefile makes the table of the lines ENGD_REGISTER_KIND("name", function);
   in the files of the types (src/registered.awk). */
typedef struct {
  const char    *kind, *name;
  EngdRegistryFn function;
  unsigned       features; /* of a TAO type, ENGD_TAO_... */
} EngdRegistered;
PETSC_INTERN const EngdRegistered engd_registered[];

typedef struct _n_EngdRegistry {
  const char             *kind;   /* of its types in the table, and the word for messages: activation, sampler, ... */
  const char             *others; /* names that the option takes besides the types, or NULL */
  PetscFunctionList       list;
  struct _n_EngdRegistry *next;
} EngdRegistry;
PETSC_INTERN EngdRegistry engd_activations, engd_curvatures, engd_directions, engd_domains, engd_networks,
    engd_samplers, engd_steps;

PETSC_INTERN PetscErrorCode EngdRegistryAdd(EngdRegistry *, const char name[], EngdRegistryFn);
/* The function of a name; an error that names the option and lists the known types when there is none. */
PETSC_INTERN PetscErrorCode EngdRegistryFind(EngdRegistry *, const char option[], const char name[],
                                             EngdRegistryFn *);
PETSC_INTERN PetscErrorCode EngdRegistryGetList(EngdRegistry *, PetscFunctionList *);
/* The names of the types in the order of the alphabet; the list is freed by the caller, the names are not. */
PETSC_INTERN PetscErrorCode EngdRegistryGetNames(EngdRegistry *, PetscInt *, const char ***names);
/* The sentence of an option: words, a colon, and what the option takes. */
PETSC_INTERN PetscErrorCode EngdRegistryDescribe(EngdRegistry *, const char words[], size_t, char sentence[]);

#endif
