/*
  Files of results: each is written under a name that nobody has, NAME.tmp, NAME.tmp1, ..., and renamed when it is whole.

  What is the user's stays the user's: another file called NAME.tmp, a symbolic link, whose target is replaced and not the link,
  the permissions of a file that is replaced, and a file that is read-only, which is not replaced. Devices and pipes, which a
  rename would destroy, are written as they are.
*/
#define _GNU_SOURCE /* realpath, strdup, readlink */
#include <engd/private.h>
#include <engd/output.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX    40 /* one after the other, as the kernel has it */
#define SUFFIXES_MAX 1000
#define PROBE        4096 /* bytes, a block of most file systems */

/* the name that a symbolic link stands for, relative ones from the directory of the link; free() it */
static char *ReadLink(const char name[])
{
  const char  *slash = strrchr(name, '/');
  const size_t start = slash ? (size_t)(slash - name) + 1 : 0;
  char         text[PETSC_MAX_PATH_LEN], *target;
  ssize_t      n = readlink(name, text, sizeof(text) - 1);

  if (n < 0) return NULL;
  text[n] = 0;
  if (text[0] == '/') return strdup(text);
  target = malloc(start + (size_t)n + 1);
  if (target) snprintf(target, start + (size_t)n + 1, "%.*s%s", (int)start, name, text);
  return target;
}

char *EngdFollowLinks(const char name[])
{
  char *at = strdup(name);

  for (int k = 0; at && k < LINKS_MAX; k++) {
    char *next = ReadLink(at);

    if (!next) return at;
    free(at);
    at = next;
  }
  free(at);
  errno = ELOOP;
  return NULL;
}

/* creates a file beside the target, with a name that is new and the permissions of the one to be replaced; 0 or errno */
static int CreateBeside(EngdOutput *output, int exists, mode_t mode)
{
  const size_t size       = strlen(output->target) + 16;
  int          descriptor = -1;

  output->writing = malloc(size);
  if (!output->writing) return ENOMEM;
  for (int k = 0; descriptor < 0 && k < SUFFIXES_MAX; k++) {
    if (k)
      snprintf(output->writing, size, "%s.tmp%d", output->target, k);
    else
      snprintf(output->writing, size, "%s.tmp", output->target);
    descriptor = open(output->writing, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (descriptor < 0 && errno != EEXIST) break;
  }
  if (descriptor < 0) return errno;
  if (exists) (void)fchmod(descriptor, mode & 0777);
  return close(descriptor) ? errno : 0;
}

static int Forget(EngdOutput *output, int failure)
{
  free(output->target);
  free(output->writing);
  *output = (EngdOutput){NULL, NULL};
  return failure;
}

int EngdOutputBegin(EngdOutput *output, const char name[])
{
  struct stat status;
  int         exists, failure;

  *output = (EngdOutput){EngdFollowLinks(name), NULL};
  if (!output->target) return errno ? errno : ENOMEM;
  exists = !stat(output->target, &status);
  if (exists && S_ISDIR(status.st_mode)) return Forget(output, EISDIR);
  if (exists && (access(output->target, W_OK) || !(status.st_mode & 0222))) return Forget(output, EACCES);
  if (exists && !S_ISREG(status.st_mode)) {
    output->writing = strdup(output->target);
    return output->writing ? 0 : Forget(output, ENOMEM);
  }
  failure = CreateBeside(output, exists, status.st_mode);
  return failure ? Forget(output, failure) : 0;
}

int EngdOutputIsStream(const EngdOutput *output)
{
  return !strcmp(output->target, output->writing);
}

int EngdOutputEnd(EngdOutput *output, int good)
{
  int failure = 0;

  if (EngdOutputIsStream(output)) return Forget(output, 0);
  if (good && rename(output->writing, output->target)) failure = errno;
  if (!good || failure) (void)remove(output->writing);
  return Forget(output, failure);
}

int EngdOutputOpenFile(EngdOutput *output, const char name[], FILE **file)
{
  int failure = EngdOutputBegin(output, name);

  *file = NULL;
  if (failure) return failure;
  *file = fopen(output->writing, "w");
  if (*file) return 0;
  failure = errno;
  (void)EngdOutputEnd(output, 0);
  return failure;
}

int EngdOutputCloseFile(EngdOutput *output, FILE **file)
{
  int failure = 0, last;

  if (ferror(*file))
    failure = errno ? errno : EIO; /* of a write before this one, whose errno nothing has changed since */
  errno = 0;
  if (!failure && fflush(*file)) failure = errno ? errno : EIO;
  errno = 0;
  if (fclose(*file) && !failure) failure = errno ? errno : EIO;
  *file = NULL;
  last  = EngdOutputEnd(output, !failure);
  return failure ? failure : last;
}

/* can a line be written there: a full disk is met before a training, and not after it; a pipe and a terminal would show the line */
static int TryWriting(const EngdOutput *output)
{
  char        line[PROBE];
  struct stat status;
  ssize_t     done;
  int         descriptor, failure = 0;

  if (stat(output->writing, &status) || !(S_ISREG(status.st_mode) || S_ISCHR(status.st_mode))) return 0;
  descriptor = open(output->writing, O_WRONLY | O_NOCTTY);
  if (descriptor < 0) return errno;
  if (!isatty(descriptor)) {
    memset(line, '\n', sizeof(line));
    for (size_t left = S_ISREG(status.st_mode) ? sizeof(line) : 1; left && !failure;
         left -= (size_t)PetscMax(done, 0)) {
      done = write(descriptor, line, left);
      if (done <= 0) failure = done ? errno : EIO;
    }
  }
  if (close(descriptor) && !failure) failure = errno;
  return failure;
}

PetscErrorCode EngdOutputCheck(MPI_Comm comm, const char option[], const char name[], int failure)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(&failure, 1, MPI_INT, 0, comm));
  PetscCheck(!failure, comm, PETSC_ERR_FILE_WRITE, "%s %s could not be written: %s", option, name, strerror(failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdFileCheck(MPI_Comm comm, const char option[], const char name[])
{
  int         failure = 0;
  PetscMPIInt rank;
  EngdOutput  output;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) failure = EngdOutputBegin(&output, name);
  if (rank == 0 && !failure) {
    failure = TryWriting(&output);
    (void)EngdOutputEnd(&output, 0);
  }
  PetscCallMPI(MPI_Bcast(&failure, 1, MPI_INT, 0, comm));
  PetscCheck(!failure, comm, PETSC_ERR_FILE_OPEN, "%s %s cannot be written: %s", option, name, strerror(failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}
