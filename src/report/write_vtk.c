/*
  The solution for ParaView: VTK's XML files with their numbers appended as they are in memory.

    .vts   a structured grid of up to three axes; points outside of the domain are hidden (vtkGhostType)
    .vtu   lines, quadrilaterals or hexahedra between points of a grid that are all in the domain; of a list each point is a cell

  Positions are the axes of the grid, whatever they are called, time included; of lists and lines the first three coordinates.
  Format: VTK File Formats, Kitware, XML and appended raw data, each array behind its length.
*/
#include <engd/private.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

enum { VERTEX = 1, LINE = 3, QUADRILATERAL = 9, HEXAHEDRON = 12 };

/* text as the value of an attribute */
void EngdWriteXML(const char text[], FILE *file)
{
  for (const char *c = text; *c; c++) {
    if (strchr("<>&\"", *c))
      fprintf(file, "&#%d;", *c);
    else
      fputc(*c, file);
  }
}

/* Cells, and which points of the table are written */
typedef struct {
  PetscInt  npoints, ncells, corners; /* corners of each cell */
  int       kind;
  PetscInt *point;        /* [npoints] rows */
  int64_t  *connectivity; /* [ncells][corners] */
  uint64_t  offset;       /* of the array that is declared next */
} Mesh;

static PetscBool IsInside(const EngdTable *table, PetscInt i)
{
  return (PetscBool)(table->row[ENGD_COUNT(i, table->stride) + table->stride - 1] > 0);
}

static const char *ByteOrder(void)
{
  const uint16_t one = 1;

  return *(const unsigned char *)&one ? "LittleEndian" : "BigEndian";
}

static void DeclareFile(const char type[], FILE *file)
{
  fprintf(file,
          "<?xml version=\"1.0\"?>\n<VTKFile type=\"%s\" version=\"1.0\" byte_order=\"%s\" header_type=\"UInt64\">\n",
          type, ByteOrder());
}

/* an array of so many bytes that is appended in its turn */
static void DeclareArray(Mesh *mesh, const char type[], const char name[], int components, size_t bytes, FILE *file)
{
  fprintf(file, "<DataArray type=\"%s\" Name=\"", type);
  EngdWriteXML(name, file);
  fprintf(file, "\" NumberOfComponents=\"%d\" format=\"appended\" offset=\"%llu\"/>\n", components,
          (unsigned long long)mesh->offset);
  mesh->offset += 8 + bytes;
}

static void Append(const void *data, size_t bytes, FILE *file)
{
  const uint64_t n = bytes;

  fwrite(&n, 8, 1, file);
  if (bytes) fwrite(data, 1, bytes, file);
}

/* values and positions of the points */
static void DeclarePoints(const EngdTable *table, Mesh *mesh, PetscBool hides, FILE *file)
{
  const size_t n = (size_t)mesh->npoints;

  fprintf(file, "<PointData>\n");
  for (PetscInt k = 0; k < table->nvalues; k++)
    DeclareArray(mesh, "Float64", table->name[table->dim + k], 1, 8 * n, file);
  if (hides) DeclareArray(mesh, "UInt8", "vtkGhostType", 1, n, file);
  fprintf(file, "</PointData>\n<Points>\n");
  DeclareArray(mesh, "Float64", "Points", 3, 24 * n, file);
  fprintf(file, "</Points>\n");
}

/* one value at the points, through scratch (npoints) */
static void AppendValue(const EngdTable *table, const Mesh *mesh, PetscInt column, double scratch[], FILE *file)
{
  for (PetscInt i = 0; i < mesh->npoints; i++)
    scratch[i] = (double)table->row[ENGD_COUNT(mesh->point[i], table->stride) + column];
  Append(scratch, 8 * (size_t)mesh->npoints, file);
}

/* in the order of DeclarePoints(); 0 or an errno */
static int AppendPoints(const EngdTable *table, const Mesh *mesh, PetscBool hides, FILE *file)
{
  const PetscBool grid    = (PetscBool)(table->naxes && table->axis[0] >= 0);
  const PetscInt  ncoords = PetscMin(3, grid ? table->naxes : table->dim);
  double         *scratch = malloc(24 * (size_t)mesh->npoints + 1);
  unsigned char  *ghost   = (unsigned char *)scratch;

  if (!scratch) return ENOMEM;
  fprintf(file, "<AppendedData encoding=\"raw\">\n_");
  for (PetscInt k = 0; k < table->nvalues; k++) AppendValue(table, mesh, table->dim + k, scratch, file);
  for (PetscInt i = 0; hides && i < mesh->npoints; i++) ghost[i] = IsInside(table, mesh->point[i]) ? 0 : 2;
  if (hides) Append(ghost, (size_t)mesh->npoints, file);
  for (PetscInt i = 0; i < mesh->npoints; i++) {
    const PetscReal *x = table->row + ENGD_COUNT(mesh->point[i], table->stride);

    for (PetscInt c = 0; c < 3; c++) scratch[3 * i + c] = c < ncoords ? (double)x[grid ? table->axis[c] : c] : 0;
  }
  Append(scratch, 24 * (size_t)mesh->npoints, file);
  free(scratch);
  return 0;
}

static void EndFile(FILE *file)
{
  fprintf(file, "\n</AppendedData>\n</VTKFile>\n");
}

int EngdWriteVTS(const EngdTable *table, FILE *file)
{
  Mesh      mesh  = {.npoints = table->n, .point = malloc(sizeof(PetscInt) * (size_t)table->n + 1)};
  PetscInt  n[3]  = {1, 1, 1};
  PetscBool hides = PETSC_FALSE;
  char      extent[128];
  int       failure;

  if (!mesh.point) return ENOMEM;
  for (PetscInt i = 0; i < table->n; i++) {
    mesh.point[i] = i;
    if (!IsInside(table, i)) hides = PETSC_TRUE;
  }
  for (PetscInt k = 0; k < table->naxes && k < 3; k++) n[k] = table->count[k];
  snprintf(extent, sizeof(extent), "0 %" PetscInt_FMT " 0 %" PetscInt_FMT " 0 %" PetscInt_FMT, n[0] - 1, n[1] - 1,
           n[2] - 1);
  DeclareFile("StructuredGrid", file);
  fprintf(file, "<StructuredGrid WholeExtent=\"%s\">\n<Piece Extent=\"%s\">\n", extent, extent);
  DeclarePoints(table, &mesh, hides, file);
  fprintf(file, "</Piece>\n</StructuredGrid>\n");
  failure = AppendPoints(table, &mesh, hides, file);
  EndFile(file);
  free(mesh.point);
  return failure;
}

/* the corners of the cell at grid point i in VTK's order, as rows; false: it has none, or one that is outside */
static PetscBool FindCell(const EngdTable *table, const Mesh *mesh, PetscInt i, PetscInt corner[8])
{
  static const int step[8][3] = {{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0},
                                 {0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}};
  PetscInt         rest = i, stride[3], width = 1;

  for (PetscInt a = 0; a < table->naxes; a++) {
    if (rest % table->count[a] == table->count[a] - 1) return PETSC_FALSE;
    rest /= table->count[a];
    stride[a] = width;
    width *= table->count[a];
  }
  for (PetscInt k = 0; k < mesh->corners; k++) {
    corner[k] = i;
    for (PetscInt a = 0; a < table->naxes; a++) corner[k] += step[k][a] * stride[a];
    if (!IsInside(table, corner[k])) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* the cells, and the points that are inside under new numbers; 0 or an errno */
static int MakeMesh(const EngdTable *table, Mesh *mesh)
{
  static const int kinds[]   = {VERTEX, LINE, QUADRILATERAL, HEXAHEDRON};
  const size_t     n         = (size_t)table->n;
  int64_t         *number    = malloc(sizeof(*number) * n + 1);
  PetscInt         corner[8] = {0};
  int              good;

  mesh->kind         = kinds[table->naxes];
  mesh->corners      = 1 << table->naxes;
  mesh->point        = malloc(sizeof(*mesh->point) * n + 1);
  mesh->connectivity = malloc(sizeof(*mesh->connectivity) * n * (size_t)mesh->corners + 1);
  good               = number && mesh->point && mesh->connectivity;
  for (PetscInt i = 0; good && i < table->n; i++) {
    number[i] = mesh->npoints;
    if (!table->naxes || IsInside(table, i)) mesh->point[mesh->npoints++] = i;
  }
  for (PetscInt i = 0; good && i < table->n; i++) {
    int64_t *cell = mesh->connectivity + ENGD_COUNT(mesh->ncells, mesh->corners);

    corner[0] = i;
    if (table->naxes && !FindCell(table, mesh, i, corner)) continue;
    for (PetscInt k = 0; k < mesh->corners; k++) cell[k] = number[corner[k]];
    mesh->ncells++;
  }
  free(number);
  return good ? 0 : ENOMEM;
}

/* in the order of their declaration; 0 or an errno */
static int AppendCells(const Mesh *mesh, FILE *file)
{
  const size_t   n      = (size_t)mesh->ncells;
  int64_t       *offset = malloc(sizeof(*offset) * n + 1);
  unsigned char *kind   = malloc(n + 1);
  const int      good   = offset && kind;

  for (size_t i = 0; good && i < n; i++) {
    offset[i] = (int64_t)(i + 1) * mesh->corners;
    kind[i]   = (unsigned char)mesh->kind;
  }
  if (good) {
    Append(mesh->connectivity, 8 * n * (size_t)mesh->corners, file);
    Append(offset, 8 * n, file);
    Append(kind, n, file);
  }
  free(offset);
  free(kind);
  return good ? 0 : ENOMEM;
}

int EngdWriteVTU(const EngdTable *table, FILE *file)
{
  Mesh mesh    = {0};
  int  failure = table->naxes > 3 ? E2BIG : MakeMesh(table, &mesh);

  if (!failure) {
    const size_t n = (size_t)mesh.ncells;

    DeclareFile("UnstructuredGrid", file);
    fprintf(file,
            "<UnstructuredGrid>\n<Piece NumberOfPoints=\"%" PetscInt_FMT "\" NumberOfCells=\"%" PetscInt_FMT "\">\n",
            mesh.npoints, mesh.ncells);
    DeclarePoints(table, &mesh, PETSC_FALSE, file);
    fprintf(file, "<Cells>\n");
    DeclareArray(&mesh, "Int64", "connectivity", 1, 8 * n * (size_t)mesh.corners, file);
    DeclareArray(&mesh, "Int64", "offsets", 1, 8 * n, file);
    DeclareArray(&mesh, "UInt8", "types", 1, n, file);
    fprintf(file, "</Cells>\n</Piece>\n</UnstructuredGrid>\n");
    failure = AppendPoints(table, &mesh, PETSC_FALSE, file);
    if (!failure) failure = AppendCells(&mesh, file);
    EndFile(file);
  }
  free(mesh.point);
  free(mesh.connectivity);
  return failure;
}
