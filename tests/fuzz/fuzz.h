/*
  What the fuzzers share: PETSc without words on stderr, and the input as a file.
*/
#ifndef FUZZ_H
#define FUZZ_H

#define _GNU_SOURCE
#include <engd/private.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* an input that must not fail has failed */
static inline void Must(PetscErrorCode ierr)
{
  if (ierr) abort();
}

static inline int FuzzBegin(const char options[])
{
  char *name[] = {(char *)(uintptr_t) "fuzz", NULL}, **argv = name;
  int   argc = 1;

  Must(EngdInitialize(&argc, &argv, NULL));
  Must(PetscOptionsInsertString(NULL, options));
  Must(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  return 0;
}

/* the name of a file with this content, until the next call */
static inline const char *FuzzFile(const uint8_t *data, size_t size)
{
  static char name[64];
  FILE       *file;

  if (!name[0]) snprintf(name, sizeof(name), "/tmp/engd-fuzz.%d", (int)getpid());
  (void)unlink(name); /* some file systems wait for the disk where a file is cut to nothing and written again */
  file = fopen(name, "w");
  if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
  return name;
}

#endif
