/*
  Domain ellipse: (x/a)^2 + (y/b)^2 < 1 in the plane, without time; regions interior and boundary.

    interior   (x, y) = sqrt(q_1) (a cos 2 pi q_2, b sin 2 pi q_2) with q of a sampler: uniform, weights pi a b / n
    boundary   n angles at equal distances, weights those of the trapezoidal rule for the arc length, which converges
               exponentially for periodic integrands; the unit normal along (b cos, a sin)

  Options: -domain_ellipse_axes a,b.
*/
#include <engd/extend.h>

typedef struct {
  PetscReal axis[2]; /* a, b */
} Ellipse;

static PetscErrorCode SetFromOptions_Ellipse(EngdDomain domain, EngdOptionItems PetscOptionsObject)
{
  Ellipse  *ellipse = (Ellipse *)domain->data;
  PetscInt  n       = 2;
  PetscBool set;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsRealArray("-domain_ellipse_axes", "Half axes a,b of the ellipse, positive",
                                  "EngdDomainRegister", ellipse->axis, &n, &set));
  if (!domain->nspace) domain->nspace = 2;
  PetscCheck(!set || n == 2, domain->comm, PETSC_ERR_USER_INPUT, "-domain_ellipse_axes: give two numbers a,b");
  PetscCheck(ellipse->axis[0] > 0 && ellipse->axis[1] > 0, domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_ellipse_axes %g,%g: give positive numbers", (double)ellipse->axis[0], (double)ellipse->axis[1]);
  PetscCheck(domain->nspace == 2 && !domain->time, domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_type ellipse has two space coordinates and no time");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Ellipse(EngdDomain domain, PetscViewer viewer)
{
  Ellipse *ellipse = (Ellipse *)domain->data;

  PetscFunctionBeginUser;
  PetscCall(
      PetscViewerASCIIPrintf(viewer, "half axes %g and %g\n", (double)ellipse->axis[0], (double)ellipse->axis[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x and normal at the angle 2 pi q of the boundary, and the length that an angle of 2 pi / n stands for */
static PetscReal BoundaryPoint(const Ellipse *ellipse, PetscReal q, PetscInt n, PetscReal x[], PetscReal normal[])
{
  const PetscReal a = ellipse->axis[0], b = ellipse->axis[1];
  const PetscReal c = PetscCosReal(2 * PETSC_PI * q), s = PetscSinReal(2 * PETSC_PI * q);
  const PetscReal speed = PetscSqrtReal(a * a * s * s + b * b * c * c);

  x[0]      = a * c;
  x[1]      = b * s;
  normal[0] = b * c / speed;
  normal[1] = a * s / speed;
  return 2 * PETSC_PI * speed / n;
}

/* how many points, their measure, and the sampler */
static PetscErrorCode SetUpPoints_Ellipse(EngdDomain domain, EngdPoints points, PetscInt ncounts,
                                          const PetscInt counts[], PetscBool *normal)
{
  const Ellipse *ellipse = (const Ellipse *)domain->data;
  PetscBool      interior, boundary, automatic, quasi;
  PetscReal      x[2], outward[2];
  EngdSamplerFn  sampler;
  char           option[128];

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(points->region, "interior", &interior));
  PetscCall(PetscStrcmp(points->region, "boundary", &boundary));
  PetscCheck(interior || boundary, domain->comm, PETSC_ERR_USER_INPUT,
             "%s_region %s: an ellipse has an interior and a boundary", points->prefix, points->region);
  PetscCheck(ncounts == 1, domain->comm, PETSC_ERR_USER_INPUT, "%s_points: one number is wanted", points->prefix);
  points->nglobal  = counts[0];
  points->interior = interior;
  *normal          = boundary;
  points->measure  = interior ? PETSC_PI * ellipse->axis[0] * ellipse->axis[1] : 0;
  for (PetscInt i = 0; boundary && i < counts[0]; i++)
    points->measure += BoundaryPoint(ellipse, (PetscReal)i / counts[0], counts[0], x, outward);
  PetscCall(PetscStrcmp(points->sampler, "auto", &automatic));
  PetscCall(PetscStrcmp(points->sampler, "quasi", &quasi));
  if (automatic || quasi || boundary) {
    PetscCall(PetscFree(points->sampler));
    PetscCall(PetscStrallocpy(boundary ? "angles" : "sobol", &points->sampler));
  }
  PetscCall(PetscSNPrintf(option, sizeof(option), "%s_sampler", points->prefix));
  if (interior) PetscCall(EngdSamplerFind(option, points->sampler, &sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* the points of this rank: number start + i of all is a function of its number alone */
static PetscErrorCode SamplePoints_Ellipse(EngdDomain domain, EngdPoints points)
{
  const Ellipse *ellipse = (const Ellipse *)domain->data;
  const PetscInt n       = points->nglobal;
  EngdSamplerFn  sampler = NULL;
  PetscReal      q[2];

  PetscFunctionBeginUser;
  if (points->interior) PetscCall(EngdSamplerFind("-sampler", points->sampler, &sampler));
  for (PetscInt i = 0; i < points->nlocal; i++) {
    const PetscInt number = points->start + i;
    PetscReal     *x      = points->x + 2 * i;

    if (sampler) {
      PetscCall((*sampler)(2, n, points->seed, points->stream, points->epoch, number, q));
      x[0]              = PetscSqrtReal(q[0]) * ellipse->axis[0] * PetscCosReal(2 * PETSC_PI * q[1]);
      x[1]              = PetscSqrtReal(q[0]) * ellipse->axis[1] * PetscSinReal(2 * PETSC_PI * q[1]);
      points->weight[i] = points->measure / n;
    } else
      points->weight[i] = BoundaryPoint(ellipse, (PetscReal)number / n, n, x, points->normal + 2 * i);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Contains_Ellipse(EngdDomain domain, const PetscReal x[], PetscBool *inside)
{
  const Ellipse  *ellipse = (const Ellipse *)domain->data;
  const PetscReal X = x[0] / ellipse->axis[0], Y = x[1] / ellipse->axis[1];

  PetscFunctionBeginUser;
  *inside = X * X + Y * Y <= 1 + 1e-12 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Ellipse(EngdDomain domain)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(domain->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

ENGD_REGISTER_DOMAIN("ellipse", EngdDomainCreate_Ellipse);
PetscErrorCode EngdDomainCreate_Ellipse(EngdDomain domain)
{
  Ellipse *ellipse;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&ellipse));
  ellipse->axis[0]            = 2;
  ellipse->axis[1]            = 1;
  domain->data                = ellipse;
  domain->ops->setfromoptions = SetFromOptions_Ellipse;
  domain->ops->view           = View_Ellipse;
  domain->ops->pointssetup    = SetUpPoints_Ellipse;
  domain->ops->pointssample   = SamplePoints_Ellipse;
  domain->ops->contains       = Contains_Ellipse;
  domain->ops->destroy        = Destroy_Ellipse;
  PetscFunctionReturn(PETSC_SUCCESS);
}
