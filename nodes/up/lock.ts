/**
 * One `up` per state directory: a lock that a dead process cannot hold, because it identifies its process by
 * a proof (owned-process.ts).
 */
import { linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { findProved, type ProcessProof, proofOf, writeProof } from "../process/owned-process.ts";

export class LockedError extends Error {
  override readonly name = "LockedError";
  readonly code = "FAILED_PRECONDITION";
}

/**
 * Takes the lock; answers the function that releases it. @throws LockedError naming the process that holds
 * the lock
 */
export function takeLock(file: string, ownArgument: string): () => void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o711 });
  const proof = proofOf(process.pid, ownArgument);
  if (proof === undefined) throw new Error("/proc does not know this process.");
  const mine = `${file}.${process.pid}`;
  writeProof(mine, proof);
  try {
    // Making a link is atomic: of two starts at once only one succeeds.
    while (!linked(mine, file)) {
      const holder = findProved(file);
      if (holder !== undefined) throw new LockedError(taken(holder, file));
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(file, { force: true });
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

const taken = ({ pid }: ProcessProof, file: string): string =>
  `This cluster is up already: process ${pid} runs it (${file}). End that one first (kill ${pid}, or Ctrl-C where it ` +
  "runs), or use another stateDirectory.";
