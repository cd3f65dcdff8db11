/*
  A plug-in of engd: the direction "conjugate" and the domain "ellipse". With an installed engd,

    cc -shared -fPIC -o libplugin.so *.c $(pkg-config --cflags engd)
    mpirun -n 2 engd -dll_append ./libplugin.so -options_file torsion.opts

  The library is not linked with libengd: its functions are those of the program that loads it. The files of the types are as they
  would be in the tree of engd, where they need no file such as this one.
*/
#include <engd/extend.h>

PETSC_INTERN PetscErrorCode EngdDirectionCreate_Conjugate(EngdDirection);
PETSC_INTERN PetscErrorCode EngdDomainCreate_Ellipse(EngdDomain);
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_plugin(void);

/* PETSc calls it when it has loaded libplugin.so */
PetscErrorCode PetscDLLibraryRegister_plugin(void)
{
  PetscFunctionBeginUser;
  PetscCall(EngdExtendCheckVersion("plugin", ENGD_VERSION, ENGD_ABI));
  PetscCall(EngdDirectionRegister("conjugate", EngdDirectionCreate_Conjugate));
  PetscCall(EngdDomainRegister("ellipse", EngdDomainCreate_Ellipse));
  PetscFunctionReturn(PETSC_SUCCESS);
}
