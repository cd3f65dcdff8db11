/*
  What the TAO type "engd" is made of, for its loop of iterations and for its setters.
*/
#ifndef ENGD_TAO_ENGD_H
#define ENGD_TAO_ENGD_H

#include <engd/private.h>

#define STALL_MOST 1000000 /* of -tao_engd_stall: so many losses are kept */

typedef struct {
  struct _n_EngdSolver solver[1];
  PetscReal            momentum;
  PetscInt             max_rejections;
  EngdDirection        direction; /* NULL until the options are read */
  EngdDirectionChoice  choice;    /* of it, if it is left to us */
  EngdStep             step;
  PetscReal            retry_step;  /* more cautious directions are tried after a step no longer than this */
  PetscBool            geodesic;    /* the option: are slow iterations followed by accelerated ones */
  EngdGeodesic         accelerator; /* NULL where the direction or the problem has none */
  PetscInt             stall;       /* stop after so many iterations without progress */
  EngdProgress         progress;
  Vec                  d;                   /* the direction */
  Vec                  buffer, trial, best; /* m_{k-1}, a try of m_k and the best one so far */
  PetscInt             rejections;          /* in a row, up to now */
} TAO_ENGD;

#endif
