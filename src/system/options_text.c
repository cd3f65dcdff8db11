/*
  Where an options file is, and its text: looked for in the working directory, in options/ beside the program, and in the directories
  of $ENGD_OPTIONS_PATH; read once, as a pipe can be, whole or not at all, with line ends of any system.

  Plain C, on one rank, before PETSc is up.
*/
#define _GNU_SOURCE /* readlink */
#include <engd/private.h>
#include <engd/options_text.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST_FILE (1 << 26) /* bytes: what is larger is a device, or no options file */

/* text <- the sentence, cut where the space ends */
static void Compose(size_t size, char text[], const char format[], ...)
{
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(text, size, format, arguments);
  va_end(arguments);
}

PetscBool EngdIsFile(const char path[])
{
  struct stat status;

  return stat(path, &status) == 0 && !S_ISDIR(status.st_mode) ? PETSC_TRUE : PETSC_FALSE;
}

/* directory <- options/ beside the program, or where `make install` puts it as seen from there */
static void GetProgramOptions(size_t size, char directory[])
{
  static const char *const places[] = {"/options", "/../share/engd/options"};
  const ssize_t            n        = readlink("/proc/self/exe", directory, size - 1);
  struct stat              status;
  char                    *slash = NULL;
  PetscBool                installed;

  if (n > 0) {
    directory[n] = 0;
    slash        = strrchr(directory, '/');
  }
  installed = slash && slash - directory >= 4 && !strncmp(slash - 4, "/bin", 4) ? PETSC_TRUE : PETSC_FALSE;
  for (size_t k = 0; slash && k < PETSC_STATIC_ARRAY_LENGTH(places); k++) {
    if ((size_t)(slash - directory) + strlen(places[k]) >= size) break;
    strcpy(slash, places[k]);
    if ((!stat(directory, &status) && S_ISDIR(status.st_mode)) || (k == 1 && installed)) return;
  }
  if (slash)
    strcpy(slash, slash - directory + sizeof("/options") <= size ? "/options" : "");
  else
    snprintf(directory, size, "options");
}

/* path <- where the file of this name is; searched <- the directories looked through */
PetscBool EngdFindOptionsFile(const char name[], size_t size, char path[], char searched[])
{
  char        directory[PETSC_MAX_PATH_LEN];
  const char *list = getenv("ENGD_OPTIONS_PATH");

  Compose(size, path, "%s", name);
  Compose(size, searched, "nowhere else, as the path is absolute");
  if (EngdIsFile(path)) return PETSC_TRUE;
  if (name[0] == '/') return PETSC_FALSE;
  GetProgramOptions(sizeof(directory), directory);
  Compose(size, path, "%s/%s", directory, name);
  Compose(size, searched, "the working directory, %s, %s%s", directory, list ? "$ENGD_OPTIONS_PATH = " : "",
          list ? list : "$ENGD_OPTIONS_PATH (not set)");
  if (EngdIsFile(path)) return PETSC_TRUE;
  while (list && *list) {
    const size_t n = strcspn(list, ":");

    Compose(size, path, "%.*s/%s", (int)n, list, name);
    if (n && EngdIsFile(path)) return PETSC_TRUE;
    list += n + (list[n] == ':');
  }
  return PETSC_FALSE;
}

/* Is this file for PETSc's YAML reader by its name */
PetscBool EngdHasNameOfYAML(const char path[])
{
  static const char *const endings[] = {".yaml", ".yml", ".json"};
  const size_t             n         = strlen(path);

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(endings); k++) {
    const size_t m = strlen(endings[k]);

    if (n > m && !strcmp(path + n - m, endings[k])) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Is it by how it begins */
PetscBool EngdBeginsAsYAML(const char text[])
{
  return !strncmp(text, "%YAML ", 6) || !strncmp(text, "---", 3) ? PETSC_TRUE : PETSC_FALSE;
}

/* Can the file be read only once, as a pipe can */
PetscBool EngdIsStream(const char path[])
{
  struct stat status;

  return stat(path, &status) == 0 && !S_ISREG(status.st_mode) ? PETSC_TRUE : PETSC_FALSE;
}

/* text <- text with \n alone between its lines, whatever editor wrote it, and no byte order mark before it */
void EngdUnifyLines(char text[])
{
  const size_t mark = strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3;
  char        *to   = text;

  for (const char *from = text + mark; *from; from++) {
    if (*from == '\r' && from[1] == '\n') continue;
    *to++ = *from == '\r' ? '\n' : *from;
  }
  *to = 0;
}

/* all of the file, to be freed, or NULL and in fault what is wrong with it */
char *EngdReadText(const char path[], size_t space, char fault[])
{
  size_t capacity = 4096, n = 0, line = 1;
  FILE  *file = fopen(path, "r");
  char  *text = file ? malloc(capacity) : NULL;

  errno = file ? 0 : errno;
  while (text && (n += fread(text + n, 1, capacity - 1 - n, file)) == capacity - 1) {
    char *grown = capacity < LARGEST_FILE ? realloc(text, capacity *= 2) : NULL;

    if (!grown) free(text);
    text = grown;
  }
  if (!text || ferror(file)) {
    snprintf(fault, space, "options file '%s' cannot be read: %s", path, strerror(errno ? errno : EFBIG));
    free(text);
    text = NULL;
  }
  if (file) (void)fclose(file);
  if (!text) return NULL;
  text[n] = 0;
  if (strlen(text) == n) return text;
  for (const char *c = text; *c; c++) line += *c == '\n';
  snprintf(fault, space, "options file '%s' is no text: there is a byte of zero in line %zu", path, line);
  free(text);
  return NULL;
}

/* blanks for the lines that PETSc's files may have besides: alias and %; its comments begin with #, too */
void EngdHideForeignLines(char text[])
{
  for (char *line = text; *line;) {
    char *end = line + strcspn(line, "\n");

    if (*line == '%' || *line == '!' || !strncmp(line, "alias", 5)) memset(line, ' ', (size_t)(end - line));
    line = end + (*end == '\n');
  }
}
