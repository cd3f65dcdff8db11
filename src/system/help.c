/*
  -help for people: what a user of engd sets, in groups, with values and sentences that fit a terminal of 100 columns.

  PETSc prints every option of every object as it meets it, some hundred of them viewers. Here its lines "  -name <now value :
  formerly default>: sentence (manual page)" are read as they come, those of this program and the few of PETSc's that most runs
  set are kept, and all is printed by EngdHelpEnd(). `-help all` is PETSc's own help. PETSc prints on rank 0, lists of types
  by PetscVFPrintf and all else by PetscHelpPrintf.
*/
#define _GNU_SOURCE /* open_memstream */
#include <engd/private.h>
#include <engd/output.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS    100 /* of the screen */
#define TEXT       32  /* the column where sentences begin */
#define LONGEST    64  /* characters of a value that are shown */
#define MOST_GROUP 96
#define TERM       "Term " /* how the titles of terms begin */

typedef struct {
  char     *title, *text;
  size_t    size;
  FILE     *stream;  /* into text; NULL until there is an option to show */
  PetscBool repeats; /* the sentences of these options have been shown: what differs from its default is enough */
} Group;

static struct {
  PetscBool active;
  int       ngroups, present, hidden;
  Group     group[MOST_GROUP];
  char      line[8192]; /* what has come of a line that has not ended */
  PetscErrorCode (*print)(FILE *, const char[], va_list);
  PetscErrorCode (*help_print)(MPI_Comm, const char[], ...);
} help;

/* PETSc's options that most runs set */
static const char *const chosen[] = {
    "tao_type", "tao_max_it", "tao_gatol", "tao_view",   "tao_lmm_vectors", "tao_bqnls_mat_lmvm_hist_size",
    "ksp_type", "ksp_rtol",   "ksp_atol",  "ksp_max_it", "pc_type",         "eps_nev",
    "eps_tol",  "eps_max_it", "eps_ncv",   "svd_nsv",    "svd_tol",         "options_file",
    "log_view", "dll_append"};
/* Prefixes of PETSc's and SLEPc's objects; those of engd's own PCs and TAO types are in the table of built-in types */
static const char *const foreign[] = {
    "tao_", "ksp_", "pc_",  "eps_",    "svd_",           "st_",         "bv_",  "ds_",   "fn_", "rg_",
    "sf_",  "mat_", "vec_", "device_", "default_device", "root_device", "all_", "snes_", "ts_"};
/* Parts of names of options that qualify others and are seldom set: `-help all` has them */
static const char *const details[] = {"_adapt_",
                                      "_random_dimensions",
                                      "domain_measure",
                                      "_causal_slabs",
                                      "engd_block_points",
                                      "engd_blas_kernels",
                                      "engd_traceback",
                                      "damping_min",
                                      "damping_decrease",
                                      "damping_increase",
                                      "engd_time_rcond",
                                      "engd_time_last_layer",
                                      "retry_step",
                                      "preconditioner_from",
                                      "max_rejections",
                                      "_walk_",
                                      "_denominator",
                                      "_local",
                                      "_bound",
                                      "_maximise",
                                      "engd_projection_",
                                      "spectrum_density_",
                                      "lanczos_steps",
                                      "activation_scale",
                                      "engd_output_times",
                                      "spectrum_tolerance",
                                      "spectrum_layers",
                                      "dual_directions"};
/* Options that PETSc prints in the midst of other groups */
static const struct {
  const char *prefix, *title;
} gathered[] = {{"tao_", "Optimiser"},
                {"ksp_", "Krylov method of direction krylov"},
                {"pc_", "Preconditioner of the Krylov method"},
                {"eps_", "Eigenvalues of spectra"},
                {"svd_", "Singular values of spectra"}};

static PetscBool BeginsWithOne(const char name[], const char *const list[], size_t n)
{
  for (size_t k = 0; k < n; k++)
    if (!strncmp(name, list[k], strlen(list[k]))) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* is it an option of a PC or a TAO type of engd, "kind_type_...", and not of an object of PETSc in it, as in tao_flow_ts_dt */
static PetscBool IsOfOwnType(const char name[])
{
  for (const EngdRegistered *entry = engd_registered; entry->kind; entry++) {
    const size_t kind = strlen(entry->kind), type = strlen(entry->name);

    if (strcmp(entry->kind, "pc") && strcmp(entry->kind, "tao")) continue;
    if (!strncmp(name, entry->kind, kind) && name[kind] == '_' && !strncmp(name + kind + 1, entry->name, type) &&
        name[kind + 1 + type] == '_')
      return (PetscBool)!BeginsWithOne(name + kind + type + 2, foreign, PETSC_STATIC_ARRAY_LENGTH(foreign));
  }
  return PETSC_FALSE;
}

static PetscBool IsShown(const char name[])
{
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(chosen); k++)
    if (!strcmp(name, chosen[k])) return PETSC_TRUE;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(details); k++)
    if (strstr(name, details[k])) return PETSC_FALSE;
  if (IsOfOwnType(name)) return PETSC_TRUE;
  return (PetscBool)!BeginsWithOne(name, foreign, PETSC_STATIC_ARRAY_LENGTH(foreign));
}

/* is this a term, and another one has been met */
static PetscBool RepeatsTerm(const char title[])
{
  for (int g = 0; g < help.ngroups && !strncmp(title, TERM, strlen(TERM)); g++)
    if (!strncmp(help.group[g].title, TERM, strlen(TERM))) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* the group of this title, a new one if there is none; the last one takes what has no room */
static int FindGroup(const char title[])
{
  int g = 0;

  while (g < help.ngroups && strcmp(help.group[g].title, title)) g++;
  if (g == MOST_GROUP) return MOST_GROUP - 1;
  if (g < help.ngroups) return g;
  help.group[g] = (Group){.title = strdup(title), .repeats = RepeatsTerm(title)};
  help.ngroups++;
  return g;
}

/* words of a text from a column on, in further lines with an indent */
static void Wrap(FILE *out, const char text[], int column, int indent)
{
  PetscBool begun = PETSC_FALSE; /* does a word stand before, on this line */

  while (*text) {
    const int n = (int)strcspn(text, " ");

    if (begun && column + 1 + n > COLUMNS) {
      column = fprintf(out, "\n%*s", indent, "") - 1;
      begun  = PETSC_FALSE;
    }
    column += fprintf(out, "%s%.*s", begun ? " " : "", n, text);
    begun = PETSC_TRUE;
    text += n;
    while (*text == ' ') text++;
  }
  fputc('\n', out);
}

/* "<now value : formerly default>: sentence" or ": <value : default> sentence": the value, the default and the sentence */
static char *SplitValue(char *s, const char **value, const char **standard)
{
  char *end, *formerly;

  *value = *standard = "";
  if (*s == ':') s++;
  while (*s == ' ') s++;
  if (*s != '<') return s;
  if (!strncmp(s, "<now ", 5)) s += 4;
  *value   = s + 1;
  formerly = strstr(s, " : ");
  end      = strchr(formerly ? formerly : s, '>');
  if (!end) return s;
  *end = 0;
  if (formerly) {
    *formerly = 0;
    *standard = formerly + strlen(" : ");
    if (!strncmp(*standard, "formerly ", 9)) *standard += 9;
  }
  s = end + 1;
  if (*s == ':') s++;
  while (*s == ' ') s++;
  return s;
}

/* one line of PETSc's help on an option */
static void HearOption(char *line)
{
  char       *name = line + 3, *rest = name + strcspn(name, ": <[\n"), *sentence, *end;
  const char *value, *standard;
  int         g = help.present, column;
  Group      *group;

  sentence = SplitValue(rest, &value, &standard);
  *rest    = 0;
  if (!IsShown(name) || g < 0) {
    help.hidden++;
    return;
  }
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(gathered); k++)
    if (!strncmp(name, gathered[k].prefix, strlen(gathered[k].prefix))) g = FindGroup(gathered[k].title);
  group = &help.group[g];
  if (group->repeats && !strcmp(value, standard)) return;
  if (!group->stream) group->stream = open_memstream(&group->text, &group->size);
  if (!group->stream) return;
  column = fprintf(group->stream, "  -%s", name);
  if (!strcmp(value, "TRUE")) value = "true";
  if (!strcmp(value, "FALSE")) value = "false";
  if (*value) column += fprintf(group->stream, " %.*s%s", LONGEST, value, strlen(value) > LONGEST ? "..." : "");
  if (group->repeats) {
    fputc('\n', group->stream);
    return;
  }
  end = strstr(sentence, " (choose one of)"); /* our sentences name the choices */
  if (!end) end = strrchr(sentence, '(');
  if (end > sentence) *end = 0;
  if (column + 1 > TEXT) column = fprintf(group->stream, "\n") - 1;
  fprintf(group->stream, "%*s", TEXT - column, "");
  Wrap(group->stream, sentence, TEXT, TEXT);
}

/* a line of help: an option, the head of a group, or what PETSc tells of itself */
static void HearWhole(char *line)
{
  size_t n = strlen(line);

  while (n && isspace((unsigned char)line[n - 1])) line[--n] = 0;
  if (!strncmp(line, "  -", 3)) {
    HearOption(line);
  } else if (n && line[0] != '-' && line[0] != ' ' && line[n - 1] == ':') {
    line[n - 1]  = 0;
    help.present = FindGroup(line);
  }
}

static void HearText(const char text[])
{
  size_t n = strlen(help.line);

  for (; *text; text++) {
    if (n + 1 < sizeof(help.line)) help.line[n++] = *text;
    help.line[n] = 0;
    if (*text != '\n') continue;
    HearWhole(help.line);
    help.line[n = 0] = 0;
  }
}

/* in place of PetscHelpPrintf() */
static PetscErrorCode Hear(MPI_Comm comm, const char format[], ...)
{
  char    text[8192];
  size_t  full;
  int     rank;
  va_list arguments;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  va_start(arguments, format);
  PetscCall(PetscVSNPrintf(text, sizeof(text), format, &full, arguments));
  va_end(arguments);
  HearText(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* in place of PetscVFPrintf(): lists of types, "  -name <..>: sentence (one of) a b c (manual)\n" in pieces, and the line below
   the introduction, which stays */
static PetscErrorCode HearList(FILE *file, const char format[], va_list arguments)
{
  char    text[8192];
  size_t  full;
  va_list copy;

  PetscFunctionBeginUser;
  va_copy(copy, arguments);
  PetscCall(PetscVSNPrintf(text, sizeof(text), format, &full, copy));
  va_end(copy);
  if (file == PETSC_STDOUT && !strncmp(text, "-----", 5)) PetscFunctionReturn(PETSC_SUCCESS);
  if (file == PETSC_STDOUT && (help.line[0] || (!strncmp(text, "  -", 3) && strstr(text, "(one of)"))))
    HearText(text);
  else
    PetscCall((*help.print)(file, format, arguments));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* EngdHelpBegin - From here on -help is heard. `-help all`, which PETSc does not know, becomes -help as PETSc has it; --help and -h
   are synonyms */
void EngdHelpBegin(int *argc, char *argv[])
{
  static char name[] = "-help";
  PetscBool   all    = PETSC_FALSE;

  for (int i = 1; i < *argc; i++) {
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) argv[i] = name;
    if (strcmp(argv[i], name)) continue;
    help.active = PETSC_TRUE;
    if (i + 1 == *argc || argv[i + 1][0] == '-') continue;
    all = PETSC_TRUE;
    if (strcmp(argv[i + 1], "all")) continue;
    for (int k = i + 1; k < *argc; k++) argv[k] = argv[k + 1]; /* with the NULL at the end */
    (*argc)--;
  }
  if (all) help.active = PETSC_FALSE;
  if (!help.active) return;
  help.present    = -1;
  help.print      = PetscVFPrintf;
  help.help_print = PetscHelpPrintf;
  PetscVFPrintf   = HearList;
  PetscHelpPrintf = Hear;
}

/* EngdHelpEnd - Prints what was heard, on rank 0 */
void EngdHelpEnd(int rank)
{
  if (!help.active) return;
  PetscVFPrintf   = help.print;
  PetscHelpPrintf = help.help_print;
  help.active     = PETSC_FALSE;
  for (int g = 0; g < help.ngroups; g++) {
    if (help.group[g].stream) {
      fclose(help.group[g].stream);
      if (rank == 0) fprintf(PETSC_STDOUT, "%s\n%s\n", help.group[g].title, help.group[g].text);
      free(help.group[g].text);
    }
    free(help.group[g].title);
  }
  if (rank == 0)
    fprintf(PETSC_STDOUT,
            "-help with an options file shows what its problem and methods read; methods not chosen show theirs when "
            "chosen.\n"
            "-help all shows the %d options of PETSc and SLEPc too, and the setter of each option.\n",
            help.hidden);
  help.ngroups = help.hidden = 0;
}
