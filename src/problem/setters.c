/*
  What the options of a problem say, said by a program: one setter an option, named as the option's manual says.

  A setter is called before EngdProblemSetFromOptions(), which checks what it has been told, and where an option of the user's
  counts more. A problem that is set altogether needs no options file; that call makes the problem all the same.
*/
#include <engd/private.h>

/*@
  EngdProblemSetName - The name of the problem in reports

  Logically collective; as of all setters here: before EngdProblemSetFromOptions(), where the option counts more

  Input Parameters:
+ problem - the problem
- name    - any text

  Options Database Key:
. -engd_problem_name name

.seealso: `EngdProblemSetFromOptions()`
@*/
PetscErrorCode EngdProblemSetName(EngdProblem problem, const char name[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-engd_problem_name", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetSeed - What points and initial parameters are a function of

  Logically collective

  Input Parameters:
+ problem - the problem
- seed    - 0 to 2147483647; 0 until it is set

  Options Database Key:
. -engd_seed n
@*/
PetscErrorCode EngdProblemSetSeed(EngdProblem problem, PetscInt seed)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSetWhole(&problem->settings, "-engd_seed", seed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTestPoints - How many points the errors are measured on, never trained on

  Logically collective

  Input Parameters:
+ problem - the problem
- n       - positive; 4000 until it is set

  Options Database Key:
. -engd_test_points n
@*/
PetscErrorCode EngdProblemSetTestPoints(EngdProblem problem, PetscInt n)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSetWhole(&problem->settings, "-engd_test_points", n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetDomainType - The shape of the domain

  Logically collective

  Input Parameters:
+ problem - the problem
- type    - box, or a registered one; what else a type reads are options of its own

  Options Database Key:
. -domain_type type

.seealso: `EngdDomainRegister()`, `EngdProblemSetBox()`
@*/
PetscErrorCode EngdProblemSetDomainType(EngdProblem problem, const char type[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-domain_type", type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetBox - The domain is the box of these corners

  Logically collective

  Input Parameters:
+ problem - the problem
. nspace  - space coordinates
. lower   - [nspace]
- upper   - [nspace], above lower

  Options Database Keys:
+ -domain_lower l1,l2,... - one number for each space coordinate, or one for all
- -domain_upper u1,u2,... - likewise
@*/
PetscErrorCode EngdProblemSetBox(EngdProblem problem, PetscInt nspace, const PetscReal lower[],
                                 const PetscReal upper[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-domain_type", "box"));
  PetscCall(EngdSettingsSetReals(&problem->settings, "-domain_lower", nspace, lower));
  PetscCall(EngdSettingsSetReals(&problem->settings, "-domain_upper", nspace, upper));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetCoordinates - The names of the space coordinates

  Logically collective

  Input Parameters:
+ problem - the problem
- names   - such as x,y or x1..x10

  Options Database Key:
. -domain_coordinates names
@*/
PetscErrorCode EngdProblemSetCoordinates(EngdProblem problem, const char names[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-domain_coordinates", names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetPeriodic - The coordinates in which the box is periodic

  Logically collective

  Input Parameters:
+ problem     - the problem
- coordinates - such as x, or x,y: u with all derivatives, by what the network sees of them; their faces are no boundary

  Options Database Key:
. -domain_periodic coordinates

.seealso: `EngdProblemSetBox()`
@*/
PetscErrorCode EngdProblemSetPeriodic(EngdProblem problem, const char coordinates[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-domain_periodic", coordinates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetFunctions - Functions for the expressions

  Logically collective

  Input Parameters:
+ problem - the problem
- list    - such as "r = sqrt(x^2 + y^2), f(a, b) = a*exp(b)"; each may use those before it

  Options Database Key:
. -functions list

.seealso: `EngdProblemSetParameters()`
@*/
PetscErrorCode EngdProblemSetFunctions(EngdProblem problem, const char list[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-functions", list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTables - Functions for the expressions from files of their values

  Logically collective

  Input Parameters:
+ problem - the problem
- list    - such as "k = conductivity.csv, g = load.csv": files whose last column has the values on a rectangular grid of one to
            three arguments, which the columns before it have; cubic splines stand between them

  Options Database Key:
. -tables list

.seealso: `EngdProblemSetFunctions()`
@*/
PetscErrorCode EngdProblemSetTables(EngdProblem problem, const char list[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-tables", list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTime - Adds the time t in (a,b) as the last coordinate

  Logically collective

  Input Parameters:
+ problem - the problem
. a       - its beginning
- b       - its end, above a

  Options Database Key:
. -domain_time a,b
@*/
PetscErrorCode EngdProblemSetTime(EngdProblem problem, PetscReal a, PetscReal b)
{
  const PetscReal interval[] = {a, b};

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSetReals(&problem->settings, "-domain_time", 2, interval));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetWindows - Cuts time into parts that are solved one after the other

  Logically collective

  Input Parameters:
+ problem - the problem, with a term at the initial time
- n       - positive; 1 until it is set: all of time at once

  Options Database Key:
. -engd_windows n

.seealso: `EngdProblemSetTime()`
@*/
PetscErrorCode EngdProblemSetWindows(EngdProblem problem, PetscInt n)
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSetWhole(&problem->settings, "-engd_windows", n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetOutputs - The names of the unknowns

  Logically collective

  Input Parameters:
+ problem - the problem
- names   - such as u,v,p; u until it is set

  Options Database Key:
. -network_outputs names
@*/
PetscErrorCode EngdProblemSetOutputs(EngdProblem problem, const char names[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-network_outputs", names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetNetworks - The names of several networks, each of which has unknowns of its own

  Logically collective

  Input Parameters:
+ problem - the problem
- names   - such as flow,pressure

  Options Database Key:
. -networks names

.seealso: `EngdProblemSetOutputsOf()`, `EngdProblemSetInputsOf()`, `EngdRunGetNetworkOf()`
@*/
PetscErrorCode EngdProblemSetNetworks(EngdProblem problem, const char names[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-networks", names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetOutputsOf - The names of the unknowns that are outputs of one of several networks

  Logically collective

  Input Parameters:
+ problem - the problem
. network - one of EngdProblemSetNetworks()
- names   - such as u,v; the name of the network until it is set

  Options Database Key:
. -<network>_outputs names
@*/
PetscErrorCode EngdProblemSetOutputsOf(EngdProblem problem, const char network[], const char names[])
{
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(network, "outputs", sizeof(option), option));
  PetscCall(EngdSettingsSet(&problem->settings, option, names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetInputsOf - What one of several networks reads in place of the coordinates

  Logically collective

  Input Parameters:
+ problem - the problem
. network - one of EngdProblemSetNetworks()
- list    - as of EngdProblemSetNetworkInputs(), which is for all networks that have none of their own

  Options Database Key:
. -<network>_inputs list
@*/
PetscErrorCode EngdProblemSetInputsOf(EngdProblem problem, const char network[], const char list[])
{
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName(network, "inputs", sizeof(option), option));
  PetscCall(EngdSettingsSet(&problem->settings, option, list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetComplexUnknowns - Which of the unknowns are complex

  Logically collective

  Input Parameters:
+ problem - the problem
- names   - such as psi, which are among the unknowns; each is a pair of outputs of its network, repsi and impsi

  Options Database Key:
. -complex_unknowns names

.seealso: `EngdProblemSetOutputs()`
@*/
PetscErrorCode EngdProblemSetComplexUnknowns(EngdProblem problem, const char names[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-complex_unknowns", names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetParameters - Named numbers that expressions may use

  Logically collective

  Input Parameters:
+ problem - the problem
- list    - such as "nu=0.01/pi, k=4"; a value may use the parameters before it

  Options Database Key:
. -parameters list
@*/
PetscErrorCode EngdProblemSetParameters(EngdProblem problem, const char list[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-parameters", list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetUnknownParameters - Named numbers of the equations that are to be found, with their first values

  Logically collective

  Input Parameters:
+ problem - the problem
- list    - such as "nu=0.1, k=2"; each is read by a term, and they are the last entries of theta

  Options Database Key:
. -unknown_parameters list

.seealso: `EngdFunctionalGetUnknownParameters()`, `EngdFunctionalInitialize()`
@*/
PetscErrorCode EngdProblemSetUnknownParameters(EngdProblem problem, const char list[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-unknown_parameters", list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetUnknownBounds - What unknown parameters stay between

  Logically collective

  Input Parameters:
+ problem - the problem
. lower   - a list such as "nu=0, k=1", or NULL
- upper   - likewise; parameters that are not in a list have no such bound

  Options Database Keys:
+ -unknown_lower lower
- -unknown_upper upper

.seealso: `EngdProblemSetUnknownParameters()`
@*/
PetscErrorCode EngdProblemSetUnknownBounds(EngdProblem problem, const char lower[], const char upper[])
{
  PetscFunctionBeginUser;
  if (lower) PetscCall(EngdSettingsSet(&problem->settings, "-unknown_lower", lower));
  if (upper) PetscCall(EngdSettingsSet(&problem->settings, "-unknown_upper", upper));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetNetworkInputs - What the network reads in place of the coordinates, or each of several networks

  Logically collective

  Input Parameters:
+ problem - the problem
- list    - expressions of coordinates and parameters, such as "sin(pi*x), cos(pi*x), t"; as many as the network has inputs

  Options Database Key:
. -network_inputs list

.seealso: `EngdNetworkSetSizes()`
@*/
PetscErrorCode EngdProblemSetNetworkInputs(EngdProblem problem, const char list[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-network_inputs", list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetAnsatz - What an unknown is in the outputs of the network

  Logically collective

  Input Parameters:
+ problem - the problem
. output  - one of EngdProblemSetOutputs()
- text    - an expression of coordinates, parameters and the network's outputs by the names of the unknowns, such as x*(1-x)*u

  Options Database Key:
. -ansatz_<output> text
@*/
PetscErrorCode EngdProblemSetAnsatz(EngdProblem problem, const char output[], const char text[])
{
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName("ansatz", output, sizeof(option), option));
  PetscCall(EngdSettingsSet(&problem->settings, option, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetTerms - The names of the terms of the functional

  Logically collective

  Input Parameters:
+ problem - the problem
- names   - such as pde,wall

  Options Database Key:
. -terms names

.seealso: `EngdProblemSetTermRegion()`, `EngdProblemSetTermPoints()`, `EngdProblemSetTermResidualText()`
@*/
PetscErrorCode EngdProblemSetTerms(EngdProblem problem, const char names[])
{
  PetscFunctionBeginUser;
  PetscCall(EngdSettingsSet(&problem->settings, "-terms", names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  EngdProblemSetExact - The exact solution of an unknown, to measure errors

  Logically collective

  Input Parameters:
+ problem - the problem
. output  - one of EngdProblemSetOutputs()
- text    - an expression of coordinates, time and parameters

  Options Database Key:
. -exact_<output> text
@*/
PetscErrorCode EngdProblemSetExact(EngdProblem problem, const char output[], const char text[])
{
  char option[256];

  PetscFunctionBeginUser;
  PetscCall(EngdSettingsName("exact", output, sizeof(option), option));
  PetscCall(EngdSettingsSet(&problem->settings, option, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
