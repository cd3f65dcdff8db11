/*
  From nodes to a program: the nodes below the components, then those of the first, then of the second derivatives that
  are new, each an instruction on strips of ENGD_STRIP points. A strip is reused once its last reader has run, so that
  the strips in use stay in the first-level cache. The result of an instruction never overwrites its arguments: the
  kernels may promise `restrict`.
*/
#include "expressionimpl.h"

typedef struct {
  EngdGraph   graph;
  EngdProgram program;
  PetscInt   *uses;  /* [nnodes] readers of the node that have not run */
  PetscInt   *strip; /* [nnodes] where its result is */
  PetscInt   *idle;  /* strips nobody needs */
  PetscInt    nidle;
  PetscReal   flops;
} Builder;

static PetscErrorCode AppendInstruction(Builder *b, EngdInstruction instruction)
{
  EngdProgram p = b->program;

  PetscFunctionBeginUser;
  PetscCall(EngdReserve(p->ninstructions + 1, sizeof(instruction), &p->instructions_size, &p->instruction));
  p->instruction[p->ninstructions++] = instruction;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Release(Builder *b, EngdNode node)
{
  if (--b->uses[node] == 0) b->idle[b->nidle++] = b->strip[node];
}

/* The instruction of one node */
static PetscErrorCode AppendNode(Builder *b, EngdNode node)
{
  const EngdGraphNode *from        = &b->graph->node[node];
  const PetscInt       nargs       = engd_operation[from->key.op].nargs;
  EngdInstruction      instruction = {.op = from->key.op, .value = from->key.value};

  PetscFunctionBeginUser;
  instruction.arg[0] = from->key.op == ENGD_OP_JET ? from->entry : from->key.arg[0];
  for (PetscInt k = 0; k < nargs; k++) instruction.arg[k] = b->strip[from->key.arg[k]];
  instruction.out = b->nidle ? b->idle[--b->nidle] : b->program->nstrips++;
  b->strip[node]  = instruction.out;
  PetscCall(AppendInstruction(b, instruction));
  if (nargs) b->flops += 1.0;
  for (PetscInt k = 0; k < nargs; k++) Release(b, from->key.arg[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Counts (append false) or appends what the n roots need, and the copies of the roots to the output array */
static PetscErrorCode VisitRoots(Builder *b, PetscBool append, PetscInt array, PetscInt n, const EngdNode root[])
{
  EngdGraph g = b->graph;

  PetscFunctionBeginUser;
  for (PetscInt r = 0; r < n; r++) {
    PetscInt done = g->norder;

    PetscCall(EngdGraphWalk(g, PETSC_TRUE, root[r]));
    for (; done < g->norder; done++) {
      const EngdKey *key = &g->node[g->order[done]].key;

      if (append)
        PetscCall(AppendNode(b, g->order[done]));
      else
        for (PetscInt k = 0; k < engd_operation[key->op].nargs; k++) b->uses[key->arg[k]]++;
    }
    if (append) {
      PetscCall(AppendInstruction(
          b, (EngdInstruction){.op = ENGD_OP_STORE, .arg = {array, r, 0}, .out = b->strip[root[r]]}));
      Release(b, root[r]);
    } else
      b->uses[root[r]]++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProgramDestroy(EngdProgram *program)
{
  PetscFunctionBeginUser;
  if (!*program) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*program)->instruction));
  PetscCall(PetscFree((*program)->strip));
  PetscCall(PetscFree(*program));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EngdProgramCreate(EngdExpression e, const EngdNode first[], const EngdNode second[],
                                 EngdProgram *program)
{
  const EngdNode *root[3] = {e->graph->component, first, second};
  const PetscInt  n[3]    = {e->ncomponents, e->nfirst, e->nsecond};
  Builder         b       = {.graph = e->graph};

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&b.program));
  PetscCall(PetscCalloc3(b.graph->nnodes, &b.uses, b.graph->nnodes, &b.strip, b.graph->nnodes, &b.idle));
  for (PetscInt append = 0; append < 2; append++) {
    b.graph->walk++; /* a new walk, from no root yet */
    b.graph->norder = 0;
    for (PetscInt array = 0; array < 3; array++) {
      PetscCall(VisitRoots(&b, (PetscBool)append, array, n[array], root[array]));
      b.program->end[array]   = b.program->ninstructions;
      b.program->flops[array] = b.flops;
    }
  }
  PetscCall(PetscFree3(b.uses, b.strip, b.idle));
  PetscCall(PetscCalloc1(ENGD_COUNT(b.program->nstrips, ENGD_STRIP), &b.program->strip));
  *program = b.program;
  PetscFunctionReturn(PETSC_SUCCESS);
}
