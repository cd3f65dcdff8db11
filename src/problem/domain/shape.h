/*
  A shape: box, ball, annulus, polygon, {level set < 0}. It is given by patches, images of unit cubes that cover its
  interior or its boundary, by a level function (negative inside) and by its distance as text.

  Time, initial, final, apportioning, samplers, masks and weights are written once for all of them (region.c, points of
  domainpoints.c): a new shape is a function that fills this struct.
*/
#ifndef ENGD_SHAPE_H
#define ENGD_SHAPE_H

#include <engd/private.h>

typedef struct _n_EngdShape *EngdShape;

#define ENGD_THIN 1e-10 /* least width of a shape in units of its bounds: less is lost in their rounding */

#define ENGD_HITS_MAX 16 /* images of one point of the cube: a ray may meet a surface as often */

/*
  The image of the unit cube of dimension nfree under a map of constant density: z uniform gives x uniform on the patch.
  A patch of rays maps z to where a line parallel to an axis meets a surface; then x has the density that Hits says.
*/
typedef struct {
  char      name[64]; /* what regions call it, or empty */
  PetscInt  nfree;    /* space dimension of the cube */
  PetscReal measure;  /* of the image, without masks; of rays: of what they start from */
  PetscInt  number;   /* among those of the shape, for its map */
  PetscInt  fixed;    /* the coordinate that a face of a box fixes, else -1 */
  PetscReal side;     /* 0 or 1: at its lower or upper bound */
  PetscBool boundary, rays;
  PetscBool seam;     /* a face of a periodic coordinate: its own only when it is named as x=lower */
  PetscBool straight; /* is a grid on it a grid in space */
  PetscReal left;     /* which part of it the solid leaves, or -1: not known yet */
} EngdPatch;

/* The images of a point of the cube, each with its outward unit normal (boundary) and a factor of its weight */
typedef struct {
  PetscInt   n;
  PetscReal  density[ENGD_HITS_MAX];
  PetscReal *x, *normal; /* [ENGD_HITS_MAX][nspace] */
} EngdHits;

struct _n_EngdShape {
  MPI_Comm   comm;
  PetscInt   nspace;
  char       name[64];
  PetscReal *lower, *upper; /* [nspace] a box around it */
  PetscInt   npatches, patches_size;
  EngdPatch *patch;
  PetscBool  tight; /* Whether the patches cover it and nothing else. */
  void      *data;
  PetscErrorCode (*map)(EngdShape, const EngdPatch *, const PetscReal z[], EngdHits *);
  PetscErrorCode (*level)(EngdShape, const PetscReal x[], PetscReal *);
  PetscErrorCode (*distance)(EngdShape, char *const coordinate[], char **text);
  PetscErrorCode (*view)(EngdShape, char *const coordinate[], PetscViewer);
  PetscErrorCode (*destroy)(EngdShape);
};

PETSC_INTERN PetscErrorCode EngdShapeCreate(MPI_Comm, PetscInt nspace, EngdShape *);
PETSC_INTERN PetscErrorCode EngdShapeAddPatch(EngdShape, PetscInt nfree, PetscBool boundary, PetscReal measure,
                                              EngdPatch **);
PETSC_INTERN PetscErrorCode EngdShapeDestroy(EngdShape *);
PETSC_INTERN PetscErrorCode EngdShapeCreateBox(MPI_Comm, PetscInt, const PetscReal lower[], const PetscReal upper[],
                                               EngdShape *);
/* inner 0: a ball */
PETSC_INTERN PetscErrorCode EngdShapeBallSetRadial(EngdShape);
PETSC_INTERN PetscErrorCode EngdShapeCreateBall(MPI_Comm, PetscInt, const char option[], const PetscReal center[],
                                                PetscReal inner, PetscReal outer, EngdShape *);
PETSC_INTERN PetscErrorCode EngdShapeCreatePolygon(MPI_Comm, const char option[], PetscInt n, const PetscReal x[],
                                                   EngdShape *);
PETSC_INTERN PetscErrorCode EngdShapeCreateLevelSet(MPI_Comm, const char option[], const char text[],
                                                    const EngdSymbols *, const PetscReal lower[],
                                                    const PetscReal upper[], EngdShape *);
PETSC_INTERN PetscErrorCode EngdShapeCreatePoint(MPI_Comm, PetscInt, const PetscReal x[], EngdShape *);

/* Texts of R-functions, freed by the caller; a and b are freed */
PETSC_INTERN PetscErrorCode EngdTextJoin(PetscBool both, char *a, char *b, char **text);
PETSC_INTERN PetscErrorCode EngdTextJoinAll(PetscBool both, PetscInt n, char *list[], char **text);

/*
  A solid: shapes joined by | (union), & (intersection), - (difference), a tree whose leaves are the shapes.
*/
typedef struct {
  char     op; /* 0 for a leaf, the shape a */
  PetscInt a, b;
} EngdSolidNode;

typedef struct {
  PetscInt       nshapes, shapes_size, nnodes, nodes_size, root;
  EngdShape     *shape;
  PetscBool     *positive; /* [nshapes] does it add to the solid, so that every inner point is in one of these */
  EngdSolidNode *node;
  PetscReal      size;                 /* of the box around it: the longest side */
  PetscReal     *lower, *upper;        /* that box */
  PetscReal     *corner;               /* [2][nspace] Lower and upper corners of options, until they are used. */
  char          *text, *parts, *holes; /* Texts of options, until they are used. */
} EngdSolid;

PETSC_INTERN PetscErrorCode EngdSolidCreate(EngdSolid **);
PETSC_INTERN PetscErrorCode EngdSolidAddShape(EngdSolid *, EngdShape, PetscInt *node);
PETSC_INTERN PetscErrorCode EngdSolidAddNode(EngdSolid *, char op, PetscInt a, PetscInt b, PetscInt *node);
PETSC_INTERN PetscErrorCode EngdSolidSetUp(EngdSolid *, EngdDomain);
PETSC_INTERN PetscErrorCode EngdSolidContains(const EngdSolid *, const PetscReal x[], PetscReal margin, PetscBool *);
PETSC_INTERN PetscErrorCode EngdSolidAccepts(const EngdSolid *, PetscInt shape, const EngdPatch *,
                                             const PetscReal x[], PetscReal normal[], PetscReal scratch[],
                                             PetscBool *);
PETSC_INTERN PetscErrorCode EngdSolidGetDistance(const EngdSolid *, char *const coordinate[], char **text);
PETSC_INTERN PetscErrorCode EngdSolidDestroy(EngdSolid **);
PETSC_INTERN PetscErrorCode EngdSolidReadHoles(EngdDomain, EngdOptionItems);
PETSC_INTERN PetscErrorCode EngdSolidSetUpHoles(EngdDomain);
PETSC_INTERN PetscErrorCode EngdSolidParse(EngdDomain, const char option[], const char text[], PetscInt nparts,
                                           char **names, const PetscInt nodes[], EngdSolid *);
PETSC_INTERN PetscErrorCode EngdSolidParsePart(EngdDomain, const char option[], const char text[], const char name[],
                                               const PetscReal lower[], const PetscReal upper[], EngdSolid *,
                                               PetscInt *node);

/*
  A piece of a region: a patch, over all of time or at one time. With a tensor rule it has a one-dimensional rule for each
  parameter; the first are those of the patch, the last is that of time unless it is fixed.
*/
typedef struct {
  EngdShape        shape;
  const EngdPatch *patch;
  PetscInt         number;     /* of the shape in the solid, -1: not of its boundary, such as an interface */
  PetscBool        time_fixed; /* Whether it is at one time. */
  PetscReal        time_side;  /* That time, as a part of the interval. */
  PetscInt         nfree;      /* parameters with time */
  EngdExpression   where;      /* a condition, or NULL */
  PetscBool        masked;     /* do some points of the cube give none, or several, or of different weights */
  PetscReal        candidate;  /* measure of the patch, over time */
  PetscReal        area;       /* what of it the masks leave */
  PetscInt         n;          /* its points, 0 when every point draws its piece */
  PetscInt        *count;      /* [nfree] points of the rule in each parameter, or NULL */
  PetscReal      **node;       /* [nfree][count] in [0,1] */
  PetscReal      **share;      /* [nfree][count] weights with sum 1 */
} EngdPiece;

typedef struct {
  PetscInt        npieces, pieces_size;
  EngdPiece      *piece;    /* all of the same dimension */
  PetscInt        nfree;    /* their dimension */
  EngdSamplerFn   sampler;  /* NULL for a tensor rule */
  PetscBool       selector; /* does the first number of a sample choose the piece */
  PetscBool       masked;   /* is any piece */
  PetscInt        nowned, nwhere;
  EngdShape      *owned; /* shapes that only the region has: points, interfaces */
  EngdExpression *where;
  PetscReal      *scratch; /* [2 nspace + dim] */
  EngdBatch      *batch;   /* [dim + nspace] */
  EngdHits        hits;
} EngdRegion;

PETSC_INTERN PetscErrorCode EngdRegionCreate(EngdDomain, EngdPoints, EngdRegion **);
PETSC_INTERN PetscErrorCode EngdRegionDestroy(EngdRegion **);
PETSC_INTERN PetscErrorCode EngdRegionSetTensorRule(EngdDomain, EngdPoints, PetscInt ncounts,
                                                    const PetscInt counts[]);
PETSC_INTERN PetscErrorCode EngdPieceFreeRule(EngdPiece *);
/* the node of the rule: z, and its weight with sum 1 */
PETSC_INTERN PetscReal EngdPieceNode(const EngdPiece *, PetscInt64 i, PetscReal z[]);
/* region->hits <- the accepted images of z (nfree parameters), *t <- their time */
PETSC_INTERN PetscErrorCode EngdPieceMap(EngdDomain, EngdRegion *, const EngdPiece *, const PetscReal z[],
                                         PetscReal *t);
PETSC_INTERN PetscErrorCode EngdPieceMeasure(EngdDomain, EngdRegion *, EngdPiece *);
PETSC_INTERN PetscErrorCode EngdRegionSampleMasked(EngdDomain, EngdPoints);
PETSC_INTERN PetscErrorCode EngdPieceCountNodes(EngdDomain, EngdRegion *, const EngdPiece *, PetscInt64 *);

/* the ops of all types whose data is a solid */
PETSC_INTERN PetscErrorCode EngdDomainSetSolid(EngdDomain);
PETSC_INTERN PetscErrorCode EngdPointsSetUp_Solid(EngdDomain, EngdPoints, PetscInt ncounts, const PetscInt counts[],
                                                  PetscBool *normal);

#endif
