/*
  A plug-in of engd: the direction "conjugate" and the domain "ellipse". With an installed engd,

    cc -shared -fPIC -o libplugin.so *.c $(pkg-config --cflags engd)
    mpirun -n 2 engd -dll_append ./libplugin.so -options_file torsion.opts

  The library is not linked with libengd: its functions are those of the program that loads it.
*/
#include "plugin.h"

PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_plugin(void);

/* PETSc calls it when it has loaded libplugin.so */
PetscErrorCode PetscDLLibraryRegister_plugin(void)
{
  PetscFunctionBeginUser;
  PetscCall(EngdExtendCheckVersion("plugin", ENGD_VERSION));
  PetscCall(EngdDirectionRegister("conjugate", CreateConjugate));
  PetscCall(EngdDomainRegister("ellipse", CreateEllipse));
  PetscFunctionReturn(PETSC_SUCCESS);
}
