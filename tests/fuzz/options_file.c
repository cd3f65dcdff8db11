/*
  Fuzzer of options files: any bytes are refused in one message, or are words.
*/
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  return FuzzBegin("");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char message[1024], name[64],
      *given[] = {(char *)(uintptr_t) "fuzz", (char *)(uintptr_t) "-options_file", name, NULL};
  char **argv  = given;
  int    argc  = 3;

  snprintf(name, sizeof(name), "%s", FuzzFile(data, size));
  EngdOptionsExpand(MPI_COMM_WORLD, &argc, &argv, sizeof(message), message);
  for (int k = 0; k < argc; k++)
    if (strlen(argv[k]) > size + sizeof(name)) abort();
  if (argv[argc]) abort();
  free(argv);
  EngdOptionsForgetFiles();
  return 0;
}
