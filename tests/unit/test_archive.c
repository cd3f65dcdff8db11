/*
  Archives: what is saved is loaded bit by bit, on any rank; forgotten values; files that are not good, and disks that are full.
  ranks: 1 3; errors leak
*/
#include "archive_case.h"
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <petscviewerhdf5.h>

/* something with a state: one of each kind of entry */
typedef struct {
  PetscBool  flag;
  PetscInt   count;
  PetscInt64 big;
  PetscReal  number;
  char       text[16];
  PetscReal  reals[3];
  PetscInt   ints[2];
  Vec        v;
  PetscInt   n; /* rows here */
  PetscReal *columns, *owned;
} Thing;

#define COLUMNS 3
#define OWNED   7

static void Create(PetscInt salt, Thing *t)
{
  const int other = salt != 0;
  int       rank, size;

  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  *t = (Thing){.flag   = salt ? PETSC_TRUE : PETSC_FALSE,
               .count  = -3 * salt,
               .big    = ((PetscInt64)1 << 40) * salt,
               .number = salt ? nextafter(0.1, 1) : 0,
               .reals  = {1. / 3 * salt, -0., salt ? 5e-324 : 0},
               .ints   = {salt, 7 * salt},
               .n      = rank + 1}; /* 1, 2, 3: unlike a vector's */
  snprintf(t->text, sizeof(t->text), "%s", other ? "a text" : "");
  CHECK(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 11, &t->v));
  CHECK(VecZeroEntries(t->v));
  if (other) FillRandom(t->v, salt);
  CHECK(PetscCalloc1(COLUMNS * (t->n + 1), &t->columns));
  if (rank == size - 1) CHECK(PetscCalloc1(OWNED, &t->owned));
  for (PetscInt k = 0; other && k < OWNED && t->owned; k++) t->owned[k] = 1. / (k + salt);
  for (PetscInt j = 0; other && j < COLUMNS; j++)
    for (PetscInt i = 0; i < t->n; i++) t->columns[j * (t->n + 1) + i] = sin(salt + 10 * rank + i + 0.1 * j);
}

static void Destroy(Thing *t)
{
  CHECK(VecDestroy(&t->v));
  CHECK(PetscFree(t->columns));
  CHECK(PetscFree(t->owned));
}

static PetscErrorCode State(Thing *t, EngdArchive a)
{
  int size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(EngdArchivePush(a, "thing"));
  PetscCall(EngdArchiveBool(a, "flag", &t->flag, PETSC_TRUE));
  PetscCall(EngdArchiveInt(a, "count", &t->count, 4));
  PetscCall(EngdArchivePush(a, "inner"));
  PetscCall(EngdArchiveInt64(a, "big", &t->big, 5));
  PetscCall(EngdArchiveReal(a, "number", &t->number, 6.5));
  PetscCall(EngdArchivePop(a));
  PetscCall(EngdArchiveString(a, "text", sizeof(t->text), t->text, "none"));
  PetscCall(EngdArchiveReals(a, "reals", 3, t->reals));
  PetscCall(EngdArchiveInts(a, "ints", 2, t->ints));
  PetscCall(EngdArchiveVec(a, "v", t->v));
  PetscCall(EngdArchiveColumns(a, "columns", t->n, COLUMNS, t->n + 1, t->columns));
  PetscCall(EngdArchiveOwnerReals(a, "owned", size - 1, OWNED, t->owned));
  PetscCall(EngdArchivePop(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AssertSame(const Thing *a, const Thing *b)
{
  const PetscReal *x, *y;
  PetscInt         n;

  assert_int_equal(a->flag, b->flag);
  assert_int_equal(a->count, b->count);
  assert_true(a->big == b->big);
  assert_string_equal(a->text, b->text);
  assert_memory_equal(&a->number, &b->number, sizeof(a->number));
  assert_memory_equal(a->reals, b->reals, sizeof(a->reals));
  assert_memory_equal(a->ints, b->ints, sizeof(a->ints));
  assert_memory_equal(a->columns, b->columns, sizeof(PetscReal) * COLUMNS * (size_t)(a->n + 1));
  if (a->owned) assert_memory_equal(a->owned, b->owned, sizeof(PetscReal) * OWNED);
  CHECK(VecGetLocalSize(a->v, &n));
  CHECK(VecGetArrayRead(a->v, &x));
  CHECK(VecGetArrayRead(b->v, &y));
  assert_memory_equal(x, y, sizeof(PetscReal) * (size_t)n);
  CHECK(VecRestoreArrayRead(b->v, &y));
  CHECK(VecRestoreArrayRead(a->v, &x));
}

/* walks over a thing, and commits */
static PetscErrorCode Walk(EngdArchiveMode mode, const char file[], Thing *t)
{
  EngdArchive a;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveCreate(PETSC_COMM_WORLD, mode, file, &a));
  PetscCall(State(t, a));
  PetscCall(EngdArchiveCommit(a));
  PetscCall(EngdArchiveDestroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void TestRoundTrip(void **state)
{
  char             directory[64], file[96];
  PetscObjectState before, after;
  Thing            first, second, third;

  (void)state;
  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/a.h5", directory);
  Create(1, &first);
  Create(2, &second);
  Create(0, &third);
  CHECK(PetscObjectStateGet((PetscObject)first.v, &before));
  CHECK(Walk(ENGD_ARCHIVE_SAVE, file, &first));
  CHECK(PetscObjectStateGet((PetscObject)first.v, &after));
  assert_true(before == after);
  CHECK(Walk(ENGD_ARCHIVE_LOAD, file, &second));
  AssertSame(&first, &second);
  CHECK(Walk(ENGD_ARCHIVE_SAVE, file, &third)); /* over a file that is there */
  CHECK(Walk(ENGD_ARCHIVE_LOAD, file, &second));
  AssertSame(&third, &second);
  Destroy(&first);
  Destroy(&second);
  Destroy(&third);
  RemoveDirectory(directory);
}

static void TestForget(void **state)
{
  Thing t, zero;

  (void)state;
  Create(1, &t);
  Create(0, &zero);
  zero.flag   = PETSC_TRUE;
  zero.count  = 4;
  zero.big    = 5;
  zero.number = 6.5;
  memset(zero.reals, 0, sizeof(zero.reals));
  strcpy(zero.text, "none");
  CHECK(Walk(ENGD_ARCHIVE_FORGET, NULL, &t));
  AssertSame(&zero, &t);
  Destroy(&t);
  Destroy(&zero);
}

/* what is saved on these ranks is in the global order of one */
static void TestOrder(void **state)
{
  char        directory[64], file[96];
  int         rank, size;
  PetscReal   whole[11], there[11];
  PetscInt    N = 0;
  Thing       t;
  EngdArchive a;
  Vec         alone;

  (void)state;
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/a.h5", directory);
  Create(1, &t);
  Whole(t.v, whole);
  CHECK(Walk(ENGD_ARCHIVE_SAVE, file, &t));
  N = size * (size + 1) / 2;
  if (!rank) {
    PetscReal  *columns, *found = there;
    PetscBool   same, has;
    const char *failure;

    CHECK(PetscMalloc1(COLUMNS * N, &columns));
    CHECK(VecCreateSeq(PETSC_COMM_SELF, 11, &alone));
    CHECK(EngdArchiveCreate(PETSC_COMM_SELF, ENGD_ARCHIVE_LOAD, file, &a));
    CHECK(EngdArchivePush(a, "thing"));
    CHECK(EngdArchiveVec(a, "v", alone));
    CHECK(EngdArchiveColumns(a, "columns", N, COLUMNS, N, columns));
    CHECK(EngdArchiveHas(a, "inner/number", &has));
    assert_true(has);
    CHECK(EngdArchiveHas(a, "other/number", &has));
    assert_false(has);
    CHECK(EngdArchiveSameRanks(a, &same));
    assert_int_equal(same, size == 1);
    CHECK(EngdArchiveWrite(a, &failure));
    assert_null(failure);
    CHECK(EngdArchiveDestroy(&a));
    CHECK(VecGetArray(alone, &found));
    assert_memory_equal(found, whole, sizeof(whole));
    CHECK(VecRestoreArray(alone, &found));
    for (PetscInt r = 0, row = 0; r < size; row += ++r)
      for (PetscInt j = 0; j < COLUMNS; j++)
        for (PetscInt i = 0; i <= r; i++) assert_true(columns[j * N + row + i] == sin(1 + 10 * r + i + 0.1 * j));
    CHECK(VecDestroy(&alone));
    CHECK(PetscFree(columns));
  }
  Destroy(&t);
  RemoveDirectory(directory);
}

/* rank 0 writes a file of these bytes, or cuts one; all ranks wait */
static void WriteBytes(const char file[], const char text[])
{
  int   rank;
  FILE *f;

  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) {
    f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
  }
  CHECK(MPI_Barrier(PETSC_COMM_WORLD));
}

static void Cut(const char file[], off_t size)
{
  int rank;

  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) assert_int_equal(truncate(file, size), 0);
  CHECK(MPI_Barrier(PETSC_COMM_WORLD));
}

/* rank 0 changes one bit of a file, or changes it back */
static void Flip(const char file[], off_t at)
{
  int   rank, byte;
  FILE *f;

  CHECK(MPI_Barrier(PETSC_COMM_WORLD));
  CHECK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) {
    f = fopen(file, "r+");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    byte = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(byte ^ 16, f);
    fclose(f);
  }
  CHECK(MPI_Barrier(PETSC_COMM_WORLD));
}

static off_t Size(const char file[])
{
  struct stat status;

  assert_int_equal(stat(file, &status), 0);
  CHECK(MPI_Barrier(PETSC_COMM_WORLD)); /* before one of them changes it */
  return status.st_size;
}

static void TestBadFiles(void **state)
{
  char        directory[64], file[96];
  off_t       size;
  int         ranks;
  Thing       t;
  Vec         viewed;
  PetscViewer viewer;

  (void)state;
  CHECK(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/a.h5", directory);
  Create(1, &t);
  CHECK(PetscPushErrorHandler(Hear, NULL));
  Refuses(Walk(ENGD_ARCHIVE_LOAD, file, &t), 2, file, "No such file");
  Refuses(Walk(ENGD_ARCHIVE_LOAD, directory, &t), 2, directory, "no regular file");
  WriteBytes(file, "");
  Refuses(Walk(ENGD_ARCHIVE_LOAD, file, &t), 2, file, "no HDF5 file");
  WriteBytes(file, "# points\n1 2 3\n");
  Refuses(Walk(ENGD_ARCHIVE_LOAD, file, &t), 2, file, "no HDF5 file");
  CHECK(Walk(ENGD_ARCHIVE_SAVE, file, &t));
  size = Size(file);
  for (off_t cut = size - 1; cut > 0; cut -= PetscMax(1, size / 7)) {
    Cut(file, cut);
    Refuses(Walk(ENGD_ARCHIVE_LOAD, file, &t), 2, file, cut > 1024 ? "truncated" : "");
  }
  CHECK(Walk(ENGD_ARCHIVE_SAVE, file, &t));
  for (off_t at = 0; at < size; at += PetscMax(1, size / (ranks > 1 ? 7 : 61))) {
    Flip(file, at);
    Refuses(Walk(ENGD_ARCHIVE_LOAD, file, &t), 2, file, at < 8 ? "no HDF5 file" : "truncated or damaged");
    Flip(file, at);
  }
  CHECK(Walk(ENGD_ARCHIVE_LOAD, file, &t));
  /* HDF5, but not ours: what PETSc writes */
  CHECK(VecDuplicate(t.v, &viewed));
  CHECK(PetscObjectSetName((PetscObject)viewed, "v"));
  CHECK(PetscViewerHDF5Open(PETSC_COMM_WORLD, file, FILE_MODE_WRITE, &viewer));
  CHECK(VecView(viewed, viewer));
  CHECK(PetscViewerDestroy(&viewer));
  CHECK(VecDestroy(&viewed));
  Refuses(Walk(ENGD_ARCHIVE_LOAD, file, &t), 2, file, "no checkpoint of engd");
  CHECK(PetscPopErrorHandler());
  Destroy(&t);
  RemoveDirectory(directory);
}

/* what loading meets when the object has changed: entries that are not there, of another size, of another kind */
static PetscErrorCode LoadOther(const char file[], int what)
{
  const PetscInt  layers[] = {64, 64}, others[] = {32};
  static PetscInt many[9000];
  PetscReal       number, reals[4];
  PetscInt        count = 8;
  EngdArchive     a;
  Vec             v;

  PetscFunctionBeginUser;
  PetscCall(EngdArchiveCreate(PETSC_COMM_WORLD, what ? ENGD_ARCHIVE_LOAD : ENGD_ARCHIVE_SAVE, file, &a));
  PetscCall(EngdArchiveMatchString(a, "type", "-tao_type", what == 1 ? "adam" : "engd"));
  PetscCall(EngdArchiveMatchInts(a, "layers", "-network_layers", what == 2 ? 1 : 2, what == 2 ? others : layers));
  PetscCall(EngdArchiveMatchInt(a, "outputs", "the number of unknowns", what == 3 ? 2 : 1));
  PetscCall(EngdArchiveMatchInts(a, "sizes", "the sizes", what == 13 ? 1 : 9000, many));
  if (!what) PetscCall(EngdArchiveInt(a, "many", &count, 0));
  PetscCall(EngdArchiveReals(a, "reals", what == 4 ? 4 : 3, reals));
  PetscCall(EngdArchiveReal(a, what == 5 ? "nothing/here" : "number", &number, 0));
  if (what == 6) PetscCall(EngdArchiveInt(a, "number", &count, 0));
  if (what == 9) PetscCall(EngdArchiveCount(a, "many", &count, 7));
  PetscCall(EngdArchiveExpect(a, "reals", what == 10 ? 7 : 3));
  PetscCall(EngdArchiveExpect(a, what == 12 ? "nothing" : "type", what == 11 ? 6 : 5));
  if (what == 7) PetscCall(EngdArchiveReal(a, "reals", &number, 0));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, what == 8 ? 12 : 11, &v));
  PetscCall(EngdArchiveVec(a, "theta", v));
  PetscCall(VecDestroy(&v));
  PetscCall(EngdArchiveCommit(a));
  PetscCall(EngdArchiveDestroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void TestMismatches(void **state)
{
  const char *const words[] = {"-tao_type is engd in the file and adam here",
                               "-network_layers is 64, 64 in the file and 32 here",
                               "the number of unknowns is 1 in the file and 2 here",
                               "/reals has 3 entries in the file and 4 here",
                               "has no /nothing/here",
                               "/number holds no integers",
                               "/reals has 1 dimensions in the file and 0 here",
                               "/theta has 11 entries in the file and 12 here",
                               "damaged: /many is 8, and can be 0 to 7",
                               "damaged: /reals has 3 entries, not the 7 that it says",
                               "damaged: /type has 5 entries, not the 6 that it says",
                               "damaged: it has no /nothing",
                               "the sizes: 9000 entries or letters in the file, 1 here"};
  char              directory[64], file[96];

  (void)state;
  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/a.h5", directory);
  CHECK(LoadOther(file, 0));
  CHECK(LoadOther(file, -1));
  CHECK(PetscPushErrorHandler(Hear, NULL));
  for (int k = 0; k < (int)PETSC_STATIC_ARRAY_LENGTH(words); k++) Refuses(LoadOther(file, k + 1), 2, words[k], file);
  CHECK(PetscPopErrorHandler());
  RemoveDirectory(directory);
}

/* files of this process may have so many bytes, as if the disk were full behind them */
static void LimitFiles(rlim_t bytes)
{
  struct rlimit limit;

  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* a disk that is full leaves the old file as it was, no other, and a program that goes on */
static void TestFullDisk(void **state)
{
  const rlim_t limits[] = {0, 100, 3000};
  char         directory[64], file[96], temporary[96];
  EngdArchive  a;
  const char  *failure;
  Thing        t, other, back;

  (void)state;
  MakeDirectory(directory);
  snprintf(file, sizeof(file), "%s/a.h5", directory);
  snprintf(temporary, sizeof(temporary), "%s/a.h5.tmp", directory);
  Create(1, &t);
  Create(2, &other);
  Create(0, &back);
  CHECK(Walk(ENGD_ARCHIVE_SAVE, file, &t));
  CHECK(PetscPushErrorHandler(Hear, NULL));
  signal(SIGXFSZ, SIG_IGN);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(limits); k++) {
    PetscErrorCode code;

    LimitFiles(limits[k]);
    code = Walk(ENGD_ARCHIVE_SAVE, file, &other);
    LimitFiles(RLIM_INFINITY);
    Refuses(code, 2, file, "could not be written to its end: File too large");
    assert_int_equal(access(temporary, F_OK), -1);
    CHECK(Walk(ENGD_ARCHIVE_LOAD, file, &back));
    AssertSame(&t, &back);
  }
  CHECK(EngdArchiveCreate(PETSC_COMM_WORLD, ENGD_ARCHIVE_SAVE, file, &a));
  CHECK(State(&other, a));
  LimitFiles(100);
  CHECK(EngdArchiveWrite(a, &failure));
  LimitFiles(RLIM_INFINITY);
  assert_non_null(failure);
  CHECK(EngdArchiveDestroy(&a));
  Refuses(Walk(ENGD_ARCHIVE_SAVE, "/dev/full", &other), 2, "/dev/full", "no regular file");
  Refuses(Walk(ENGD_ARCHIVE_SAVE, "/no/such/directory/a.h5", &other), 2, "/no/such/directory/a.h5", "No such file");
  CHECK(PetscPopErrorHandler());
  CHECK(Walk(ENGD_ARCHIVE_SAVE, file, &other));
  CHECK(Walk(ENGD_ARCHIVE_LOAD, file, &back));
  AssertSame(&other, &back);
  Destroy(&t);
  Destroy(&other);
  Destroy(&back);
  RemoveDirectory(directory);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestRoundTrip),  cmocka_unit_test(TestForget),
                                     cmocka_unit_test(TestOrder),      cmocka_unit_test(TestBadFiles),
                                     cmocka_unit_test(TestMismatches), cmocka_unit_test(TestFullDisk)};
  int                     failed;

  if (EngdInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests_name("archive", tests, NULL, NULL);
  return EngdFinalize() ? 1 : failed;
}
