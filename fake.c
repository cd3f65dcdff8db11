#include <stdlib.h>
char *openblas_get_corename(void) { return getenv("OPENBLAS_CORETYPE") ? "SkylakeX" : "Haswell"; }
