/*
  In place of libFuzzer: the inputs of a corpus, or others that once broke something, one after the other. replay FOLDER
*/
#include "fuzz.h"
#include <dirent.h>
#include <sys/stat.h>

/* one input; false if it is no file */
static int Replay(const char path[])
{
  struct stat status;
  FILE       *file;
  uint8_t    *data;
  size_t      size;

  if (stat(path, &status) || !S_ISREG(status.st_mode)) return 0;
  size = (size_t)status.st_size;
  data = malloc(size + 1);
  file = fopen(path, "r");
  if (!data || !file || fread(data, 1, size, file) != size) abort();
  fclose(file);
  (void)LLVMFuzzerTestOneInput(data, size);
  free(data);
  return 1;
}

int main(int argc, char **argv)
{
  DIR           *folder = argc > 1 ? opendir(argv[1]) : NULL;
  struct dirent *entry;
  char           path[PETSC_MAX_PATH_LEN];
  int            n = 0;

  if (!folder || LLVMFuzzerInitialize(&argc, &argv)) return 1;
  while ((entry = readdir(folder))) {
    snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
    n += Replay(path);
  }
  closedir(folder);
  printf("%d inputs\n", n);
  if (PetscPopErrorHandler() || EngdFinalize()) return 1;
  return n ? 0 : 1;
}
