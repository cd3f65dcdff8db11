/*
  The command line as PETSc is to see it: every `-options_file NAME` replaced by the words of that file.

  A file is words, `-key value` pairs in any number a line; "..." or '...' quotes a value with blanks, # starts a comment,
  -options_file nests. NAME is looked for in the working directory, in options/ beside the program (share/engd/options of an
  installed one), and in the directories of $ENGD_OPTIONS_PATH. What PETSc would accept in silence or misread is said here: -key=value, a word that belongs to no
  option; a value such as "-lap(u) - 1" is kept from being taken for a key. YAML files are found here and read by PETSc. The summary of
  a run (-engd_summary run.json) stands for the options of that run, without its outputs.

  This runs on rank 0 before PETSc is up, hence plain C; the words are then broadcast. Aliases of options are not supported.
*/
#define _GNU_SOURCE /* readlink, strcasecmp */
#include <engd/private.h>
#include <engd/output.h>
#include <engd/options_text.h>
#include <engd/json.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEEPEST_NESTING 16

/* What the word before this one asks for */
typedef enum { NOTHING, VALUE, OPTIONS_FILE } Expected;

typedef struct {
  char     *text; /* the words so far, each with its terminating zero */
  size_t    length, capacity;
  Expected  expected;
  int       depth;       /* of nested files */
  PetscBool named;       /* has the problem got its name */
  char      key[256];    /* the option of a pending value */
  char      place[4096]; /* "file, line 3: ", or nothing on the command line */
  char     *message;     /* the first mistake, or empty */
  size_t    size;
} Words;

/* The files that were read: of the process, as its arguments are */
static struct {
  PetscInt n;
  char   **path;
} files_read;

static PetscBool ReadOptionsFile(Words *, const char[]);

const char *EngdOptionsFile(PetscInt k)
{
  return k < files_read.n ? files_read.path[k] : NULL;
}

void EngdOptionsForgetFiles(void)
{
  while (files_read.n) free(files_read.path[--files_read.n]);
  free(files_read.path);
  files_read.path = NULL;
}

/* one more file that was read; without memory for its name it is only not protected */
static void KeepFile(const char path[])
{
  char **grown = realloc(files_read.path, (size_t)(files_read.n + 1) * sizeof(*grown));

  if (!grown) return;
  files_read.path                 = grown;
  files_read.path[files_read.n++] = strdup(path);
  if (!files_read.path[files_read.n - 1]) files_read.n--;
}

/* message <- the place and the sentence; false, for the caller to return */
static PetscBool Mistake(Words *words, const char format[], ...)
{
  va_list arguments;
  size_t  n;

  snprintf(words->message, words->size, "%s", words->place);
  n = strlen(words->message);
  va_start(arguments, format);
  vsnprintf(words->message + n, words->size - n, format, arguments);
  va_end(arguments);
  return PETSC_FALSE;
}

/* words <- words, prefix + text */
static PetscBool Append(Words *words, const char prefix[], const char text[])
{
  const size_t n = strlen(prefix) + strlen(text) + 1;

  if (words->length + n > words->capacity) {
    char        *grown;
    const size_t capacity = 2 * (words->length + n);

    grown = realloc(words->text, capacity);
    if (!grown) return Mistake(words, "no memory for %zu characters of options", capacity);
    words->text     = grown;
    words->capacity = capacity;
  }
  snprintf(words->text + words->length, n, "%s%s", prefix, text);
  words->length += n;
  return PETSC_TRUE;
}

/* text <- the sentence, cut where the space ends */
static void Compose(size_t size, char text[], const char format[], ...)
{
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(text, size, format, arguments);
  va_end(arguments);
}

/* One word of the command line or of a file; quoted words are values */
static PetscBool AddWord(Words *words, const char word[], PetscBool quoted)
{
  PetscBool       key      = PETSC_FALSE;
  const Expected  expected = words->expected;
  const PetscBool minus    = word[0] == '-' ? PETSC_TRUE : PETSC_FALSE;

  (void)PetscOptionsValidKey(word, &key);
  if (key && !quoted && !strpbrk(word, " ()*/^+,;<>")) {
    if (expected == OPTIONS_FILE) return Mistake(words, "%s needs the name of a file, not '%s'", words->key, word);
    if (strchr(word, '=')) {
      const int n = (int)strcspn(word, "=");

      return Mistake(words, "'%s' is not of PETSc's form: write %.*s %s", word, n, word, word + n + 1);
    }
    snprintf(words->key, sizeof(words->key), "%s", word);
    words->expected =
        !strcasecmp(word, "-options_file") || !strcasecmp(word, "-options_file_yaml") ? OPTIONS_FILE : VALUE;
    if (!strcasecmp(word, "-version")) word = "-engd_version"; /* PETSc's would print two pages and go on */
    return words->expected == VALUE ? Append(words, "", word) : PETSC_TRUE;
  }
  words->expected = NOTHING;
  if (expected == OPTIONS_FILE) return ReadOptionsFile(words, word);
  if (expected == VALUE) return Append(words, key ? " " : "", word); /* a blank keeps it from being taken for a key */
  if (minus && !key) return Mistake(words, "'%s' is no option and belongs to none", word);
  return Mistake(words, "'%s' belongs to no option: write -key value, and quote a value with blanks", word);
}

/* A word of a file: text[start .. end - 1], where it stands, was it in quotes */
typedef struct {
  char     *start, *end;
  int       line;
  PetscBool quoted;
} Token;

/* token <- the next one at *cursor, which moves to its end; *line counts the lines gone by. False at the end */
static PetscBool NextToken(char **cursor, int *line, Token *token)
{
  char *c = *cursor;

  while (*c && strchr(" \t\r\n#", *c)) {
    if (*c == '#')
      c += strcspn(c, "\n");
    else
      *line += *c++ == '\n';
  }
  token->line   = *line;
  token->quoted = *c == '"' || *c == '\'' ? PETSC_TRUE : PETSC_FALSE;
  if (token->quoted) {
    const char quote[2] = {*c, 0};

    token->start = c + 1;
    token->end   = token->start + strcspn(token->start, quote);
  } else {
    token->start = c;
    token->end   = c + strcspn(c, " \t\r\n#");
  }
  for (c = token->start; c < token->end; c++) {
    if (!strchr("\t\r\n", *c)) continue;
    *line += *c == '\n';
    *c = ' ';
  }
  *cursor = token->end;
  return *token->start || token->quoted ? PETSC_TRUE : PETSC_FALSE;
}

/* all of the file, or NULL with the mistake told */
static char *ReadText(Words *words, const char path[])
{
  char  fault[PETSC_MAX_PATH_LEN + 128];
  char *text = EngdReadText(path, sizeof(fault), fault);

  if (!text) (void)Mistake(words, "%s", fault);
  return text;
}

/* words <- words, the words of this text */
static PetscBool AddText(Words *words, const char path[], char text[])
{
  int       line   = 1;
  char     *cursor = text, before[sizeof(words->place)];
  PetscBool good   = PETSC_TRUE;
  Token     token;

  strcpy(before, words->place);
  while (good && NextToken(&cursor, &line, &token)) {
    const char delimiter = *token.end;

    Compose(sizeof(words->place), words->place, "%s, line %d: ", path, token.line);
    if (token.quoted && !delimiter) return Mistake(words, "the quote before '%.40s' is not closed", token.start);
    *token.end = 0;
    good       = AddWord(words, token.start, token.quoted);
    *token.end = delimiter;
    cursor += token.quoted;
  }
  if (good && words->expected == OPTIONS_FILE) return Mistake(words, "%s needs the name of a file", words->key);
  words->expected = NOTHING;
  strcpy(words->place, before);
  return good;
}

/* The first options file names the problem, unless it or what follows says -engd_problem_name */
static PetscBool NameProblem(Words *words, const char path[])
{
  const char *slash = strrchr(path, '/');
  char        name[PETSC_MAX_PATH_LEN], *dot;

  if (words->named) return PETSC_TRUE;
  words->named = PETSC_TRUE;
  snprintf(name, sizeof(name), "%s", slash ? slash + 1 : path);
  dot = strrchr(name, '.');
  if (dot && dot != name) *dot = 0;
  return Append(words, "", "-engd_problem_name") && Append(words, "", name) ? PETSC_TRUE : PETSC_FALSE;
}

/* Options of a summary that are not repeated: its outputs, which would overwrite those of the run, and what goes with them */
static PetscBool IsOutput(const char name[], const char value[])
{
  static const char *const outputs[] = {
      "engd_summary",    "engd_history",          "engd_solution",           "engd_solution_points", "engd_output",
      "engd_checkpoint", "engd_checkpoint_every", "engd_checkpoint_seconds", "spectrum_output"};
  const size_t n = strlen(name);

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(outputs); k++)
    if (!strcmp(name, outputs[k])) return PETSC_TRUE;
  return n > 5 && !strcmp(name + n - 5, "_view") && value && strchr(value, ':') ? PETSC_TRUE : PETSC_FALSE;
}

/* words <- words, -name value */
static PetscBool AddOption(void *data, const char name[], const char value[])
{
  Words *words = (Words *)data;
  char   key[256];

  if (IsOutput(name, value)) return PETSC_TRUE;
  Compose(sizeof(key), key, "-%s", name);
  if (!AddWord(words, key, PETSC_FALSE)) return PETSC_FALSE;
  if (value && !AddWord(words, value, PETSC_TRUE)) return PETSC_FALSE;
  words->expected = NOTHING;
  return PETSC_TRUE;
}

/* words <- words, the options of the run of this summary */
static PetscBool AddSummary(Words *words, const char path[], const char text[])
{
  char before[sizeof(words->place)];

  strcpy(before, words->place);
  Compose(sizeof(words->place), words->place, "%s: ", path);
  if (!EngdSummaryVisit(text, AddOption, words))
    return words->message[0] ? PETSC_FALSE
                             : Mistake(words, "the options in this summary cannot be read: it is damaged");
  strcpy(words->place, before);
  return PETSC_TRUE;
}

/* words <- words, what the options file of this name says */
static PetscBool ReadOptionsFile(Words *words, const char name[])
{
  char      path[PETSC_MAX_PATH_LEN], searched[PETSC_MAX_PATH_LEN], *text = NULL;
  PetscBool good, yaml, stream, summary;

  if (!EngdFindOptionsFile(name, sizeof(path), path, searched))
    return Mistake(words, "options file '%s' not found; searched: %s", name, searched);
  KeepFile(path);
  yaml   = !strcasecmp(words->key, "-options_file_yaml") || EngdHasNameOfYAML(path) ? PETSC_TRUE : PETSC_FALSE;
  stream = EngdIsStream(path);
  if (!yaml || !stream) {
    text = ReadText(words, path);
    if (!text) return PETSC_FALSE;
  }
  summary = text && strcasecmp(words->key, "-options_file_yaml") && EngdIsSummary(text) ? PETSC_TRUE : PETSC_FALSE;
  /* a run that no options file has named has the name of the program, and the file that repeats it does not name it either */
  if (!NameProblem(words, summary ? "engd" : path)) {
    free(text);
    return PETSC_FALSE;
  }
  if (summary) {
    good = AddSummary(words, path, text);
    free(text);
    return good;
  }
  if (yaml || EngdBeginsAsYAML(text)) {
    free(text);
    if (!yaml && stream)
      return Mistake(words, "options file '%s' is YAML from a pipe: say so with -options_file_yaml", path);
    return Append(words, "", "-options_file_yaml") && Append(words, "", path) ? PETSC_TRUE : PETSC_FALSE;
  }
  EngdUnifyLines(text);
  words->depth++;
  good = words->depth > DEEPEST_NESTING ? Mistake(words, "options files nest without end at '%s'", name)
                                        : AddText(words, path, text);
  words->depth--;
  free(text);
  return good;
}

/* what PETSc reads besides the arguments, and partly ignores in silence where it is not of its form: only looked at here */
static void CheckElsewhere(Words *words, const char name[], const char given[])
{
  Words     scratch = {.message = words->message, .size = words->size, .named = PETSC_TRUE, .depth = 1};
  PetscBool no_file = PETSC_FALSE;
  char     *text    = NULL;

  if (given) {
    text = strdup(given);
  } else if (EngdIsFile(name) && !EngdIsStream(name)) {
    text    = ReadText(words, name);
    no_file = PETSC_TRUE;
  }
  if (text) {
    EngdUnifyLines(text);
    if (no_file) EngdHideForeignLines(text);
    (void)AddText(&scratch, name, text);
  }
  free(text);
  free(scratch.text);
}

/* $PETSC_OPTIONS and the files that PETSc reads unasked */
static void CheckEnvironment(Words *words, int argc, char *const argv[])
{
  const char *home = getenv("HOME"), *given = getenv("PETSC_OPTIONS");
  char        path[PETSC_MAX_PATH_LEN];

  if (given) CheckElsewhere(words, "PETSC_OPTIONS", given);
  for (int i = 1; i < argc; i++)
    if (!strcasecmp(argv[i], "-skip_petscrc")) return;
  Compose(sizeof(path), path, "%s/.petscrc", home ? home : "");
  if (home && !words->message[0]) CheckElsewhere(words, path, NULL);
  if (!words->message[0]) CheckElsewhere(words, ".petscrc", NULL);
  if (!words->message[0]) CheckElsewhere(words, "petscrc", NULL);
}

/*
  EngdOptionsExpand - Puts the words of the options files in their places among the arguments.

  Collective

  Input Parameters:
+ comm - the ranks of the run; rank 0 reads the files, for all
- size - the space in message

  Input/Output Parameters:
. argc, argv - the arguments; replaced by the expanded ones, one piece of memory that the caller may free() after PETSc's end

  Output Parameter:
. message - the first mistake, on all ranks; empty when there is none

  Source: src/system/options_file.c
*/
void EngdOptionsExpand(MPI_Comm comm, int *argc, char ***argv, size_t size, char message[])
{
  Words     words = {.message = message, .size = size};
  PetscBool good;
  int       rank, length, n = 0;
  char     *text, **list;

  MPI_Comm_rank(comm, &rank);
  message[0] = 0;
  good       = Append(&words, "", *argc > 0 ? (*argv)[0] : "engd");
  for (int i = 1; rank == 0 && i < *argc && good; i++) good = AddWord(&words, (*argv)[i], PETSC_FALSE);
  if (rank == 0 && good && words.expected == OPTIONS_FILE)
    (void)Mistake(&words, "%s needs the name of a file", words.key);
  if (rank == 0 && !message[0]) CheckEnvironment(&words, *argc, *argv);
  length = (int)words.length;
  (void)MPI_Bcast(message, (int)size, MPI_CHAR, 0, comm);
  (void)MPI_Bcast(&length, 1, MPI_INT, 0, comm);
  text = realloc(words.text, (size_t)length);
  if (text) (void)MPI_Bcast(text, length, MPI_CHAR, 0, comm);
  for (int i = 0; text && i < length; i++) n += !text[i];
  list = malloc((size_t)(n + 1) * sizeof(*list) + (size_t)length);
  if (!text || !list) MPI_Abort(comm, ENGD_EXIT_INPUT);
  memcpy(list + n + 1, text, (size_t)length);
  free(text);
  text = (char *)(list + n + 1);
  for (int i = 0; i < n; i++, text += strlen(text) + 1) list[i] = text;
  list[n] = NULL;
  *argc   = n;
  *argv   = list;
}
