/*
  What all benches are: a program that runs one function as engd would run, with the same kernels and the same exit codes.
*/
#ifndef BENCH_H
#define BENCH_H

#include <engd/private.h>

static inline int RunBench(int argc, char **argv, const char words[], PetscErrorCode (*run)(void))
{
  PetscErrorCode ierr, last;

  EngdChooseKernels(argv);
  ierr = EngdInitialize(&argc, &argv, words);
  if (!ierr) ierr = run();
  last = EngdFinalize();
  return EngdExitCode(ierr ? ierr : last);
}

#endif
