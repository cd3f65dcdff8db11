/*
  The registry of domain types and what all domains have in common: names of the coordinates, the time interval.

  A domain is Omega x (a,b), or Omega alone without -domain_time; time, named t, is the last coordinate. The type
  (-domain_type) reads its own shape and places points on its regions.
*/
#include <engd/private.h>

EngdRegistry engd_domains = {.kind = "domain"};

/*@C
  EngdDomainRegister - Adds a type of domain, or replaces one

  Not collective

  Input Parameters:
+ name   - what `-domain_type` calls it
- create - sets ops and data of the domain

  Options Database Keys:
. -domain_type name - chooses it

.seealso: `EngdDomainCreateFromOptions()`
@*/
PetscErrorCode EngdDomainRegister(const char name[], PetscErrorCode (*create)(EngdDomain))
{
  PetscFunctionBeginUser;
  PetscCall(EngdRegistryAdd(&engd_domains, name, (EngdRegistryFn)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Runs the creator of a type */
static PetscErrorCode DomainSetType(EngdDomain domain, const char type[])
{
  EngdRegistryFn create;

  PetscFunctionBeginUser;
  PetscCall(EngdRegistryFind(&engd_domains, "-domain_type", type, &create));
  PetscCall(PetscStrallocpy(type, &domain->type));
  PetscCall(((PetscErrorCode(*)(EngdDomain))create)(domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -domain_time a,b */
static PetscErrorCode DomainSetTime(EngdDomain domain, const char text[])
{
  PetscReal *interval;
  PetscInt   n;

  PetscFunctionBeginUser;
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdParseReals("-domain_time", text, &domain->words, &n, &interval));
  PetscCheck(n == 2 && interval[0] < interval[1], domain->comm, PETSC_ERR_USER_INPUT,
             "-domain_time %s: must be two numbers a,b with a < b", text);
  domain->time        = PETSC_TRUE;
  domain->interval[0] = interval[0];
  domain->interval[1] = interval[1];
  PetscCall(PetscFree(interval));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Completes the names: x1 .. xd unless the user named the space coordinates, then t */
static PetscErrorCode DomainSetNames(EngdDomain domain, PetscInt n, char **names)
{
  PetscBool same;

  PetscFunctionBeginUser;
  domain->dim = domain->nspace + (domain->time ? 1 : 0);
  PetscCall(PetscCalloc1(domain->dim, &domain->coordinate));
  for (PetscInt i = 0; i < domain->nspace; i++) {
    char numbered[32];

    PetscCall(PetscSNPrintf(numbered, sizeof(numbered), "x%" PetscInt_FMT, i + 1));
    PetscCall(PetscStrallocpy(n ? names[i] : numbered, &domain->coordinate[i]));
    PetscCall(PetscStrcmp(domain->coordinate[i], "t", &same));
    PetscCheck(!same || !domain->time, domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_coordinates: the name t is taken by the time of -domain_time");
  }
  if (domain->time) PetscCall(PetscStrallocpy("t", &domain->coordinate[domain->nspace]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -domain_periodic: coordinates in which the type says what a period is */
static PetscErrorCode DomainSetPeriodic(EngdDomain domain, const char text[])
{
  char   **names;
  PetscInt n, c;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(domain->dim, &domain->periodic));
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EngdParseNames("-domain_periodic", text, &n, &names));
  for (PetscInt i = 0; i < n; i++) {
    for (c = 0; c < domain->dim && strcmp(names[i], domain->coordinate[c]); c++) continue;
    PetscCheck(c < domain->dim, domain->comm, PETSC_ERR_USER_INPUT, "-domain_periodic %s: %s is no coordinate", text,
               names[i]);
    PetscCheck(c == domain->nspace || domain->ops->bounds, domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_periodic %s: a domain of -domain_type %s has no opposite faces; only a box is periodic", text,
               domain->type);
    PetscCheck(c < domain->nspace || domain->nwindows == 1, domain->comm, PETSC_ERR_USER_INPUT,
               "-domain_periodic %s: what is periodic in time has no beginning, and -engd_windows %" PetscInt_FMT
               " begins there",
               text, domain->nwindows);
    domain->periodic[c] = PETSC_TRUE;
  }
  PetscCall(EngdListDestroy(n, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainGetSymbols - What a text about points of the domain may name; the strings stay the domain's.
*/
PetscErrorCode EngdDomainGetSymbols(EngdDomain domain, EngdSymbols *symbols)
{
  PetscFunctionBeginUser;
  *symbols            = domain->words;
  symbols->nspace     = domain->nspace;
  symbols->dim        = domain->dim;
  symbols->coordinate = (const char *const *)domain->coordinate;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainGetBounds - The interval of a coordinate in which the domain is periodic.
*/
PetscErrorCode EngdDomainGetBounds(EngdDomain domain, PetscInt coordinate, PetscReal *lower, PetscReal *upper)
{
  PetscFunctionBeginUser;
  if (coordinate == domain->nspace) {
    *lower = domain->interval[0];
    *upper = domain->interval[1];
  } else {
    PetscCall((*domain->ops->bounds)(domain, coordinate, lower, upper));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainCreateFromOptions - The domain that the options describe

  Collective

  Options Database Keys:
+ -domain_type type          - box, ball, annulus, polygon, level_set, compound, or a registered one
. -domain_coordinates x,y    - names of the space coordinates, default x1,x2,..; x1..x10 stands for ten
. -domain_periodic x         - of a box: these faces are no boundary, and what the network sees of x is periodic
. -domain_time a,b           - adds the coordinate t in (a,b)
- -engd_windows n            - cuts it into n equal parts, solved one after the other

  words: parameters and functions that its texts may use, no coordinates; or NULL. What they name must outlive the domain.
*/
PetscErrorCode EngdDomainCreateFromOptions(MPI_Comm comm, const EngdSymbols *words, EngdDomain *domain)
{
  EngdDomain d;
  char       type[64] = "box", sentence[640], *time, *text, *periodic, **names = NULL;
  PetscInt   n = 0, nwindows = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  d->comm = comm;
  if (words) d->words = *words;
  PetscOptionsBegin(comm, NULL, "Domain of the problem", "EngdDomain");
  PetscCall(EngdRegistryDescribe(&engd_domains, "Shape of the domain", sizeof(sentence), sentence));
  PetscCall(PetscOptionsString("-domain_type", sentence, "EngdProblemSetDomainType", type, type, sizeof(type), NULL));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_coordinates",
                            "Names of the space coordinates, such as x,y or x1..x10; x1,x2,.. when not given",
                            "EngdProblemSetCoordinates", NULL, NULL, &text));
  PetscCall(EngdOptionsText(PetscOptionsObject, "-domain_time",
                            "Two numbers a,b with a < b: adds the time t in (a,b) as the last coordinate",
                            "EngdProblemSetTime", NULL, NULL, &time));
  PetscCall(
      EngdOptionsText(PetscOptionsObject, "-domain_periodic",
                      "Coordinates in which the box is periodic, such as x: u with all derivatives, by what the "
                      "network sees of them",
                      "EngdProblemSetPeriodic", NULL, NULL, &periodic));
  PetscCall(EngdOptionsWhole(PetscOptionsObject, "-engd_windows",
                             "Parts of time that are solved one after the other, each from the end of the one before",
                             "EngdProblemSetWindows", 1, &nwindows));
  if (text) PetscCall(EngdParseNames("-domain_coordinates", text, &n, &names));
  PetscCall(DomainSetTime(d, time));
  PetscCheck(nwindows == 1 || d->time, comm, PETSC_ERR_USER_INPUT,
             "-engd_windows %" PetscInt_FMT ": there is no time; give it, for example -domain_time 0,1", nwindows);
  d->nwindows = nwindows;
  EngdDomainSetWindow(d, -1);
  d->nspace = n;
  PetscCall(DomainSetType(d, type));
  PetscCall((*d->ops->setfromoptions)(d, PetscOptionsObject));
  PetscOptionsEnd();
  PetscCall(DomainSetNames(d, n, names));
  PetscCall(DomainSetPeriodic(d, periodic));
  if (d->ops->setup) PetscCall((*d->ops->setup)(d));
  PetscCall(EngdListDestroy(n, &names));
  PetscCall(PetscFree(text));
  PetscCall(PetscFree(periodic));
  PetscCall(PetscFree(time));
  *domain = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdDomainGetDistance - The distance to the boundary as a text of the coordinates, empty if the type has none.
*/
PetscErrorCode EngdDomainGetDistance(EngdDomain domain, const char **text)
{
  PetscFunctionBeginUser;
  if (!domain->distance) {
    if (domain->ops->distance)
      PetscCall((*domain->ops->distance)(domain, &domain->distance));
    else
      PetscCall(PetscStrallocpy("", &domain->distance));
  }
  *text = domain->distance;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDomainView(EngdDomain domain, PetscViewer viewer)
{
  PetscFunctionBeginUser;
  PetscCall(PetscViewerASCIIPrintf(viewer, "domain: %s, coordinates", domain->type));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  for (PetscInt i = 0; i < domain->dim; i++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s%s%s", i ? "," : " ", domain->coordinate[i],
                                     domain->periodic[i] ? " (periodic)" : ""));
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  if (domain->ops->view) PetscCall((*domain->ops->view)(domain, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdDomainDestroy(EngdDomain *domain)
{
  EngdDomain d = *domain;

  PetscFunctionBeginUser;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  if (d->ops->destroy) PetscCall((*d->ops->destroy)(d));
  PetscCall(EngdListDestroy(d->dim, &d->coordinate));
  PetscCall(PetscFree(d->type));
  PetscCall(PetscFree(d->distance));
  PetscCall(PetscFree(d->periodic));
  PetscCall(PetscFree(*domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}
