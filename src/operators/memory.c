/*
  The memory that a functional takes of a rank, and what it does where -engd_memory_limit is less than it would like, a ladder:

    all activations are kept from one product to the next
    they are computed again, a block of each term at a time
    blocks have half the points, and half of these, down to one, on all ranks alike

  One point and the vectors of parameters there must be, whatever the limit; -engd_block_points is taken as it is. What directions and
  preconditioners take they measure against the limit themselves, and refuse in one line.
*/
#include <engd/private.h>
#include <ctype.h>

#define TEXTS   3e7 /* bytes of the terms' texts that there may be whatever the limit, as there is the program */
#define COLUMNS 512 /* of a layer's matrices in a block: GEMM's full rate, and within the second-level cache */

/* bytes, with a suffix k, M, G or T for powers of 1024, and after it B or iB; false where the text is none */
static PetscBool ParseBytes(const char text[], PetscReal *bytes)
{
  static const char suffixes[] = "kmgt";
  const char       *found;
  char             *end;

  *bytes = (PetscReal)strtod(text, &end);
  if (end == text) return PETSC_FALSE;
  found = *end ? strchr(suffixes, tolower((unsigned char)*end)) : NULL;
  for (const char *s = suffixes; found && s <= found; s++) *bytes *= 1024;
  if (found) end++;
  if (found && *end == 'i' && end[1] == 'B') end++;
  if (*end == 'B') end++;
  return (PetscBool)(*end == 0);
}

PetscErrorCode EngdFunctionalReadMemoryLimit(EngdFunctional F, EngdOptionItems PetscOptionsObject)
{
  char      standard[32], *text;
  PetscReal bytes;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(standard, sizeof(standard), "%.17g", (double)F->options.memory_limit));
  PetscCall(EngdOptionsText(
      PetscOptionsObject, "-engd_memory_limit",
      "Bytes that one rank may keep between products, positive: 8e9, or 8G (k, M, G, T: powers of 1024)",
      "EngdFunctionalSetMemoryLimit", standard, NULL, &text));
  PetscCheck(ParseBytes(text, &bytes), F->comm, PETSC_ERR_USER_INPUT,
             "-engd_memory_limit %s: give bytes, as 8e9, 512M or 8G (k, M, G, T are powers of 1024)", text);
  PetscCall(PetscFree(text));
  PetscCall(EngdFunctionalSetMemoryLimit(F, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the largest block needs */
EngdBlockSizes EngdFunctionalLargestSizes(EngdFunctional F)
{
  EngdBlockSizes size = {1, 1, 1, 1};

  for (PetscInt t = 0; t < F->problem->nterms; t++) {
    const EngdFunctionalTerm *term      = &F->term[t];
    const EngdPointwise       pointwise = F->problem->term[t]->pointwise;
    const PetscInt            n         = EngdFunctionalBlockSize(F, t);
    PetscInt                  nvalues = pointwise->nvalues, nentries = pointwise->nentries;

    if (term->measured) {
      nvalues  = PetscMax(nvalues, term->measured->ncomponents);
      nentries = PetscMax(nentries, term->measured->nentries);
    }
    size.columns = PetscMax(size.columns, n * term->layout->nchannels);
    size.values  = PetscMax(size.values, n * nvalues);
    size.inputs  = PetscMax(size.inputs, 2 * F->problem->domain->dim + F->problem->term[t]->points->ndata + nentries);
    size.jet     = PetscMax(size.jet, n * term->layout->nrows);
  }
  return size;
}

/* the activations of all points of this rank */
static PetscReal KeptBytes(EngdFunctional F)
{
  PetscReal bytes = 0;

  for (PetscInt t = 0; t < F->problem->nterms; t++)
    bytes += (PetscReal)EngdModelJetBytes(F->model, F->term[t].layout, F->problem->term[t]->points->nlocal);
  return bytes;
}

/* a jet for each term, and the scratch of the largest block: its buffers, each of the widest layer, and du, gu */
static PetscReal BlockBytes(EngdFunctional F)
{
  const EngdBlockSizes size  = EngdFunctionalLargestSizes(F);
  PetscReal            bytes = 0, widest = 0;

  for (PetscInt t = 0; t < F->problem->nterms; t++)
    bytes += (PetscReal)EngdModelJetBytes(F->model, F->term[t].layout, EngdFunctionalBlockSize(F, t));
  for (PetscInt k = 0; k < F->model->nparts; k++)
    widest += (PetscReal)F->model->part[k].network->nbuffers * F->model->part[k].network->widest;
  return bytes + sizeof(PetscReal) * (widest * size.columns + 2. * size.jet);
}

PetscInt EngdFunctionalBlockSize(EngdFunctional F, PetscInt t)
{
  const PetscInt fitting = PetscMax(1, COLUMNS / F->term[t].layout->nchannels);
  const PetscInt n       = F->options.block_points ? F->options.block_points : (fitting >> F->halvings);

  return PetscMax(1, PetscMin(n, F->problem->term[t]->points->nlocal));
}

/* the points of the largest block */
static PetscInt LargestBlock(EngdFunctional F)
{
  PetscInt n = 1;

  for (PetscInt t = 0; t < F->problem->nterms; t++) n = PetscMax(n, EngdFunctionalBlockSize(F, t));
  return n;
}

PetscBool EngdFunctionalKeepsJets(EngdFunctional F)
{
  return (PetscBool)(KeptBytes(F) + BlockBytes(F) <= F->options.memory_limit);
}

PetscErrorCode EngdFunctionalFitBlocks(EngdFunctional F)
{
  PetscFunctionBeginUser;
  F->halvings = 0;
  while (!F->options.block_points && BlockBytes(F) > F->options.memory_limit && LargestBlock(F) > 1) F->halvings++;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &F->halvings, 1, MPIU_INT, MPI_MAX, F->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* what the blocks keep of values and derivatives of the pointwise parts, and the weights */
static PetscReal PointwiseBytes(EngdFunctional F)
{
  PetscReal numbers = 0;

  for (PetscInt b = 0; b < F->nblocks; b++) {
    const EngdPointwise pointwise = F->problem->term[F->block[b].term]->pointwise;
    const EngdPointwise measured  = F->term[F->block[b].term].measured;

    numbers +=
        (PetscReal)F->block[b].n * (pointwise->nvalues + pointwise->nfirst + (F->twice ? pointwise->nsecond : 0) + 1 +
                                    (measured ? measured->nfirst : 0));
  }
  return sizeof(PetscReal) * numbers;
}

PetscErrorCode EngdFunctionalCheckTexts(EngdFunctional F)
{
  PetscReal bytes = 0;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < F->problem->nterms; t++) bytes += F->problem->term[t]->pointwise->bytes;
  PetscCheck(bytes <= PetscMax(F->options.memory_limit, TEXTS), F->comm, PETSC_ERR_USER_INPUT,
             "the texts of the terms and their derivatives need %.3g bytes on a rank, more than -engd_memory_limit "
             "%.3g; raise it, or name parts of them as unknowns of their own",
             (double)bytes, (double)F->options.memory_limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  EngdFunctionalGetMemory - What a functional takes of this rank, by its sizes.

  Not collective

  Input Parameter:
. functional - set up

  Output Parameter:
. memory - in bytes; `program` was measured, when the set-up began: all that was there before, points and texts included

  Source: src/operators/memory.c
*/
PetscErrorCode EngdFunctionalGetMemory(EngdFunctional F, EngdMemory *memory)
{
  const PetscReal copy = sizeof(PetscReal) * (PetscReal)F->model->nparameters;
  PetscMPIInt     sharers, rank;

  PetscFunctionBeginUser;
  PetscCall(EngdWholeCountSharers(F->work.from, &rank, &sharers));
  memory->program     = F->resident;
  memory->kept        = F->keep;
  memory->activations = F->keep ? KeptBytes(F) : 0;
  memory->blocks      = BlockBytes(F) + PointwiseBytes(F);
  memory->vectors     = copy + 2 * copy / sharers; /* sums of this rank; theta and arguments of products */
  memory->elsewhere   = rank ? 2 * copy : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
