/**
 * What a node offers to guests: what cluster.yaml says, else a share of this computer that leaves room for
 * the system and for the cluster's own processes. It looks at the computer, and changes nothing.
 */
import { statfsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import type { Static } from "@sinclair/typebox";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { counted, mebibytes } from "../../protocol/wire/wording.ts";
import { configLimits } from "./limits.ts";
import type { NodeSchema } from "./schema.ts";
import { existing } from "./state-directory.ts";

/** Not yet multiplied by the overcommit ratios. */
export interface Capacity {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

/** What the node is one of, and where. */
export interface Computer {
  /** Its guests only pretend, and take nothing of the computer. */
  readonly pretends: boolean;
  /** Nodes and controllers of the cluster on this computer. */
  readonly nodes: number;
  readonly controllers: number;
  readonly stateDirectory: string;
  /** Of its guests' disks, which other nodes share. Undefined: they are in the node's own directory. */
  readonly sharedDirectory: string | undefined;
}

/** Of a node whose guests only pretend: more than any test of scale needs. */
const pretendedCapacity: Capacity = {
  vcpus: 4_096,
  memoryMib: fieldLimits.memoryMibMax,
  diskGib: 1024 * 1024,
};

/** What is written; else the node's share of this computer. What is reserved is taken off. */
export function capacityOf(node: Static<typeof NodeSchema>, computer: Computer): Capacity {
  const has = computer.pretends ? pretendedCapacity : shareOf(computer);
  // Whoever says how much memory a node has means what is for guests.
  const kept = computer.pretends || node.memoryMib !== undefined ? 0 : reservedMemoryMib(computer);
  const { reserved = {} } = node;
  return {
    vcpus: Math.max(0, (node.vcpus ?? has.vcpus) - (reserved.vcpus ?? 0)),
    memoryMib: Math.max(0, (node.memoryMib ?? has.memoryMib) - (reserved.memoryMib ?? kept)),
    diskGib: Math.max(0, (node.diskGib ?? has.diskGib) - (reserved.diskGib ?? 0)),
  };
}

/**
 * A node's share of this computer: all its CPUs (they are shared anyhow), an equal part of the memory, and of
 * half the file system. What nodes share is counted once, so each of them says the whole half. The size of
 * the file system counts, not its free space: a capacity must not shrink by itself.
 */
function shareOf({ nodes, stateDirectory, sharedDirectory }: Computer): Capacity {
  const { blocks, bsize } = statfsSync(existing(sharedDirectory ?? stateDirectory));
  const diskGib = (blocks * bsize) / 1024 ** 3 / 2;
  return {
    vcpus: availableParallelism(),
    memoryMib: Math.max(fieldLimits.memoryMibMin, Math.floor(computerMemoryMib() / nodes)),
    diskGib: Math.max(1, Math.floor(diskGib / (sharedDirectory === undefined ? nodes : 1))),
  };
}

/** The memory of this computer, or of the container that this process is in. */
export function computerMemoryMib(): number {
  // 0 where no container bounds the process, and for some versions more than all memory.
  const bound = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.floor(Math.min(totalmem(), bound) / 1024 ** 2);
}

/**
 * The node's part of the memory that the computer needs for itself and for the cluster's own processes, in
 * MiB.
 */
export function reservedMemoryMib(
  { nodes, controllers }: Pick<Computer, "nodes" | "controllers">,
  computerMib = computerMemoryMib(),
): number {
  const { systemMemoryMib, serversMemoryMib, controllerMemoryMib, agentMemoryMib } = configLimits;
  const needed =
    systemMemoryMib + serversMemoryMib + controllers * controllerMemoryMib + nodes * agentMemoryMib;
  return Math.ceil(Math.min(needed, computerMib * configLimits.ownMemoryShareMax) / nodes);
}

/** What a person at the screen is told of it; undefined: no node's guests take anything of this computer. */
export function offerLine(
  nodes: readonly { readonly pretends: boolean; readonly capacity: Pick<Capacity, "memoryMib"> }[],
  computerMib = computerMemoryMib(),
): string | undefined {
  const real = nodes.filter(({ pretends }) => !pretends);
  if (real.length === 0) return undefined;
  const offeredMib = real.reduce((sum, { capacity }) => sum + capacity.memoryMib, 0);
  const offer = `${counted(real.length, "node")} ${real.length === 1 ? "offers" : "offer"} guests`;
  const offered = `${offer} ${mebibytes(offeredMib)} of memory`;
  return offeredMib <= computerMib
    ? `${offered}; ${mebibytes(computerMib - offeredMib)} stay with the computer (nodes[].reserved)`
    : `${offered}, more than the ${mebibytes(computerMib)} that the computer has (nodes[].memoryMib)`;
}
