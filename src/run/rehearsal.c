/*
  What methods that are not chosen would read, so that they can be exchanged on the command line and yet no option be misspelt.

  Method: an optimiser is created with the other type and a database of those options that nobody has read; PETSc knows
  afterwards which have been. A type that refuses the problem, or a value, may not have come to all of its options, so all are let
  through then, unless it says by PETSC_ERR_ARG_INCOMP that it has read them and does not go with the problem. For hints this is done with -help, of which the name nearest to the misspelt one is kept, and with a prefix, since
  PETSc says the same help only once; inner objects of its types that have prefixes of their own give none. Nothing is solved,
  nothing kept.
*/
#include <engd/private.h>
#include <stdarg.h>

#define DISTANCE_MAX 3 /* letters between a misspelt name and the one that was meant */

/* the rehearsals of one option */
typedef struct {
  EngdFunctional F;
  const char    *name;
  PetscBool      help;       /* Only the nearest name is wanted. */
  PetscBool      reads;      /* Some method reads it. */
  char           prefix[32]; /* Of the objects of a rehearsal for hints. */
  PetscInt       distance;   /* Of the nearest name so far. */
  size_t         size;       /* Of nearest. */
  char          *nearest;
} Rehearsal;

/* What PETSc prints has no other way to us than its function pointers, which take no context: set while they are replaced. */
static Rehearsal *listener;

/* in place of PetscVFPrintf(), "  -prefix_name: <value> sentence" */
static PetscErrorCode HearLine(FILE *file, const char format[], va_list arguments)
{
  Rehearsal   *heard = listener;
  const size_t n     = strlen(heard->prefix);
  char         line[1024], *name = line + 3;
  size_t       full;
  PetscInt     distance;

  PetscFunctionBeginUser;
  (void)file;
  PetscCall(PetscVSNPrintf(line, sizeof(line), format, &full, arguments));
  if (strncmp(line, "  -", 3)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!strncmp(name, heard->prefix, n)) name += n;
  name[strcspn(name, ": <[\n")] = 0;
  distance                      = EngdEditDistance(heard->name, name);
  if (distance < heard->distance) {
    heard->distance = distance;
    PetscCall(PetscStrncpy(heard->nearest, name, heard->size));
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

/* is it the option `stem` of a stage, -grown_stem */
static PetscBool IsOfStage(const char name[], const char stem[])
{
  const size_t n = strlen(name), m = strlen(stem);

  return (PetscBool)(n > m && name[n - m - 1] == '_' && !strcmp(name + n - m, stem));
}

/* what nobody has read, and option type over it; for help with a prefix. The option that is sought is there also where a stage to come
   has it */
static PetscErrorCode CreateDatabase(Rehearsal *r, const char option[], const char type[], PetscOptions *database)
{
  static unsigned number = 0; /* PETSc says the same help once a process, hence a prefix for each */
  PetscInt        n;
  char          **names, **values, name[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(r->prefix, sizeof(r->prefix), "rehearsal%u_", number++));
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  PetscCall(PetscOptionsCreate(database));
  for (PetscInt i = 0; i < n && !r->help; i++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "-%s", IsOfStage(names[i], r->name) ? r->name : names[i]));
    PetscCall(PetscOptionsSetValue(*database, name, values[i]));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  if (r->help) PetscCall(PetscOptionsSetValue(*database, "-help", NULL));
  for (PetscInt k = 0; k < 2 && option; k++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "-%s%s", k ? r->prefix : "", option));
    PetscCall(PetscOptionsSetValue(*database, name, type));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* does an optimiser of this type of something read the name, or fail */
static PetscErrorCode Rehearse(Rehearsal *r, const char option[], const char type[])
{
  PetscErrorCode (*help_print)(MPI_Comm, const char[], ...) = PetscHelpPrintf;
  PetscErrorCode (*print)(FILE *, const char[], va_list)    = PetscVFPrintf;
  Rehearsal     *outer                                      = listener;
  PetscErrorCode ierr;
  PetscOptions   database;
  PetscBool      reads;
  Tao            tao = NULL;

  PetscFunctionBeginUser;
  PetscCall(CreateDatabase(r, option, type, &database));
  PetscCall(PetscOptionsPush(database));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  listener        = r;
  PetscHelpPrintf = Hear;
  PetscVFPrintf   = HearLine;
  ierr            = EngdSolverCreatePrefixed(r->F, r->help ? r->prefix : NULL, &tao);
  PetscHelpPrintf = help_print;
  PetscVFPrintf   = print;
  listener        = outer;
  PetscCall(PetscPopErrorHandler());
  PetscCall(PetscOptionsPop());
  PetscCall(TaoDestroy(&tao));
  PetscCall(PetscOptionsUsed(database, r->name, &reads));
  r->reads = (PetscBool)(reads || (ierr && ierr != PETSC_ERR_ARG_INCOMP && !r->help));
  PetscCall(PetscOptionsDestroy(&database));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the types whose options begin as the name does, prefix type_ */
static PetscErrorCode RehearseTypes(Rehearsal *r, const char prefix[], const char option[], PetscFunctionList list)
{
  const size_t n = strlen(prefix);
  const char **types;
  int          ntypes;

  PetscFunctionBeginUser;
  if (strncmp(r->name, prefix, n)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFunctionListGet(list, &types, &ntypes));
  for (int k = 0; k < ntypes && types[k] && !r->reads; k++) {
    const size_t length = strlen(types[k]);

    if (!strncmp(r->name + n, types[k], length) && r->name[n + length] == '_')
      PetscCall(Rehearse(r, option, types[k]));
  }
  PetscCall(PetscFree(types));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdOptionsRehearse - Would any method read this option of TAO, KSP, PC, directions or steps that nobody has read.

  Collective

  Input Parameters:
+ functional - set up
. name       - of the option, without the dash
- size       - of nearest; if it is not zero this alone is found

  Output Parameters:
+ reads   - does one, as far as can be known
- nearest - the name of an option that is most like it, or empty

  Source: src/run/rehearsal.c
*/
PetscErrorCode EngdOptionsRehearse(EngdFunctional F, const char name[], PetscBool *reads, size_t size, char nearest[])
{
  Rehearsal         r = {.F = F, .name = name, .distance = DISTANCE_MAX + 1, .size = size, .nearest = nearest};
  PetscFunctionList directions, steps;

  PetscFunctionBeginUser;
  r.help = (PetscBool)(size > 0);
  if (size) nearest[0] = 0;
  PetscCall(EngdRegistryGetList(&engd_directions, &directions));
  PetscCall(EngdRegistryGetList(&engd_steps, &steps));
  PetscCall(RehearseTypes(&r, "tao_engd_", "tao_engd_direction", directions));
  PetscCall(RehearseTypes(&r, "tao_engd_", "tao_engd_step", steps));
  PetscCall(RehearseTypes(&r, "tao_", "tao_type", TaoList));
  PetscCall(RehearseTypes(&r, "ksp_", "ksp_type", KSPList));
  PetscCall(RehearseTypes(&r, "pc_", "pc_type", PCList));
  if (!r.reads) PetscCall(Rehearse(&r, NULL, NULL));
  *reads = r.reads;
  PetscFunctionReturn(PETSC_SUCCESS);
}
