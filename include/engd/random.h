/*
  Random numbers as functions of (seed, stream, index, epoch, component): the same on any number of ranks. (src/system/random.c)
*/
#ifndef ENGD_RANDOM_H
#define ENGD_RANDOM_H

#include <engd/base.h>

/* Streams keep the uses of randomness apart: same seed, different numbers */
typedef enum {
  ENGD_STREAM_SPECTRUM = -1, /* probes and starting vectors */
  ENGD_STREAM_PARAMETERS,
  ENGD_STREAM_TEST_POINTS,
  ENGD_STREAM_SCRAMBLE,
  ENGD_STREAM_TERMS,                /* term t draws from stream ENGD_STREAM_TERMS + t */
  ENGD_STREAM_SKETCH = 1 << 24,     /* beyond all terms */
  ENGD_STREAM_INTEGRALS,            /* integral k draws from stream ENGD_STREAM_INTEGRALS + k */
  ENGD_STREAM_CANDIDATES = 1 << 25, /* those of the points of stream s draw from stream ENGD_STREAM_CANDIDATES + s */
  ENGD_STREAM_WALK       = 1 << 26, /* and the steps of its walkers from ENGD_STREAM_WALK + s, */
  ENGD_STREAM_DIMENSIONS = 1 << 28, /* random dimensions of the points of stream s: ENGD_STREAM_DIMENSIONS + s */
  ENGD_STREAM_MEASURE    = 1 << 27  /* or ENGD_STREAM_MEASURE + s in the measurement at the end */
} EngdStream;

/* Counter-based random numbers (Philox 4x32-10): a pure function of the arguments, on any rank.
   Uniform in (0,1) and standard normal; component = which number of those that belong to `index`. */
PETSC_EXTERN PetscReal EngdRandomUniform(PetscInt64 seed, PetscInt stream, PetscInt64 index, PetscInt epoch,
                                         PetscInt component);
PETSC_EXTERN PetscReal EngdRandomNormal(PetscInt64 seed, PetscInt stream, PetscInt64 index, PetscInt epoch,
                                        PetscInt component);
PETSC_EXTERN unsigned  EngdRandomBits(PetscInt64 seed, PetscInt stream, PetscInt64 index, PetscInt epoch,
                                      PetscInt component);

#endif
