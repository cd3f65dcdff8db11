/*
  What methods that are not chosen would read, so that they can be exchanged on the command line and yet no option be misspelt.

  Method: an optimiser is created with the other type and a database of those options that nobody has read; PETSc knows
  afterwards which have been. A type that refuses the problem, or a value, may not have come to all of its options, so all are let
  through then. For hints this is done with -help, of which the name nearest to the misspelt one is kept, and with a prefix, since
  PETSc says the same help only once; inner objects of its types that have prefixes of their own give none. Nothing is solved,
  nothing kept.
*/
#include <engd/private.h>
#include <stdarg.h>

#define DISTANCE_MAX 3 /* letters between a misspelt name and the one that was meant */

/* what -help says has no other way to us */
static struct {
  const char *name;
  char        prefix[32], nearest[128];
  PetscInt    distance;
} heard;

/* in place of PetscVFPrintf(), "  -prefix_name: <value> sentence" */
static PetscErrorCode HearLine(FILE *file, const char format[], va_list arguments)
{
  const size_t n = strlen(heard.prefix);
  char         line[1024], *name = line + 3;
  size_t       full;
  PetscInt     distance;

  PetscFunctionBeginUser;
  (void)file;
  PetscCall(PetscVSNPrintf(line, sizeof(line), format, &full, arguments));
  if (strncmp(line, "  -", 3)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!strncmp(name, heard.prefix, n)) name += n;
  name[strcspn(name, ": <[\n")] = 0;
  distance                      = EngdEditDistance(heard.name, name);
  if (distance < heard.distance) {
    heard.distance = distance;
    PetscCall(PetscStrncpy(heard.nearest, name, sizeof(heard.nearest)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* in place of PetscHelpPrintf(), which prints all but lists of types, and on rank 0 alone */
static PetscErrorCode Hear(MPI_Comm comm, const char format[], ...)
{
  va_list arguments;

  PetscFunctionBeginUser;
  (void)comm;
  va_start(arguments, format);
  PetscCall(HearLine(NULL, format, arguments));
  va_end(arguments);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what nobody has read, and option type over it; for help with a prefix */
static PetscErrorCode CreateDatabase(const char option[], const char type[], PetscBool help, PetscOptions *database)
{
  static unsigned number = 0;
  PetscInt        n;
  char          **names, **values, name[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(heard.prefix, sizeof(heard.prefix), "rehearsal%u_", number++));
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  PetscCall(PetscOptionsCreate(database));
  for (PetscInt i = 0; i < n && !help; i++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "-%s", names[i]));
    PetscCall(PetscOptionsSetValue(*database, name, values[i]));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  if (help) PetscCall(PetscOptionsSetValue(*database, "-help", NULL));
  for (PetscInt k = 0; k < 2 && option; k++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "-%s%s", k ? heard.prefix : "", option));
    PetscCall(PetscOptionsSetValue(*database, name, type));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does an optimiser of this type of something read the name, or fail */
static PetscErrorCode Rehearse(EngdFunctional F, const char option[], const char type[], const char name[],
                               PetscBool help, PetscBool *reads)
{
  PetscErrorCode (*help_print)(MPI_Comm, const char[], ...) = PetscHelpPrintf;
  PetscErrorCode (*print)(FILE *, const char[], va_list)    = PetscVFPrintf;
  PetscErrorCode ierr;
  PetscOptions   database;
  Tao            tao = NULL;

  PetscFunctionBeginUser;
  PetscCall(CreateDatabase(option, type, help, &database));
  PetscCall(PetscOptionsPush(database));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  PetscHelpPrintf = Hear;
  PetscVFPrintf   = HearLine;
  ierr            = EngdSolverCreatePrefixed(F, help ? heard.prefix : NULL, &tao);
  PetscHelpPrintf = help_print;
  PetscVFPrintf   = print;
  PetscCall(PetscPopErrorHandler());
  PetscCall(PetscOptionsPop());
  if (!ierr) PetscCall(TaoDestroy(&tao));
  PetscCall(PetscOptionsUsed(database, name, reads));
  if (ierr && !help) *reads = PETSC_TRUE;
  PetscCall(PetscOptionsDestroy(&database));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the types whose options begin as the name does, prefix type_ */
static PetscErrorCode RehearseTypes(EngdFunctional F, const char prefix[], const char option[],
                                    PetscFunctionList list, const char name[], PetscBool help, PetscBool *reads)
{
  const size_t n = strlen(prefix);
  const char **types;
  int          ntypes;

  PetscFunctionBeginUser;
  if (strncmp(name, prefix, n)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFunctionListGet(list, &types, &ntypes));
  for (int k = 0; k < ntypes && types[k] && !*reads; k++) {
    const size_t length = strlen(types[k]);

    if (!strncmp(name + n, types[k], length) && name[n + length] == '_')
      PetscCall(Rehearse(F, option, types[k], name, help, reads));
  }
  PetscCall(PetscFree(types));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdOptionsRehearse - Would any method read this option of TAO, KSP, PC, directions or steps that nobody has read.

  Collective

  Input Parameters:
+ functional - set up
- name       - of the option, without the dash

  Output Parameters:
+ reads   - does one, as far as can be known
- nearest - if not NULL this alone is found, the name of an option that is most like it, or NULL; until the next call

  Source: src/run/rehearsal.c
*/
PetscErrorCode EngdOptionsRehearse(EngdFunctional F, const char name[], PetscBool *reads, const char **nearest)
{
  const PetscBool   help = nearest ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionList directions, steps;

  PetscFunctionBeginUser;
  heard.name     = name;
  heard.distance = DISTANCE_MAX + 1;
  *reads         = PETSC_FALSE;
  PetscCall(EngdRegistryGetList(&engd_directions, &directions));
  PetscCall(EngdRegistryGetList(&engd_steps, &steps));
  PetscCall(RehearseTypes(F, "tao_engd_", "tao_engd_direction", directions, name, help, reads));
  PetscCall(RehearseTypes(F, "tao_engd_", "tao_engd_step", steps, name, help, reads));
  PetscCall(RehearseTypes(F, "tao_", "tao_type", TaoList, name, help, reads));
  PetscCall(RehearseTypes(F, "ksp_", "ksp_type", KSPList, name, help, reads));
  PetscCall(RehearseTypes(F, "pc_", "pc_type", PCList, name, help, reads));
  if (!*reads) PetscCall(Rehearse(F, NULL, NULL, name, help, reads));
  if (help) *nearest = heard.distance <= DISTANCE_MAX ? heard.nearest : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
