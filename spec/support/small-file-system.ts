/** A small file system in memory for specs that fill one. Only root may mount it: others skip, and say so. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skip } from "./services.ts";

export interface SmallFileSystem {
  readonly path: string;
  /** Fills what is free, to the last byte. */
  fill(): void;
  /** Gives back what `fill` has taken. */
  free(): void;
  /** Unmounts and removes it; processes may still have files open there. */
  remove(): void;
}

const fillerName = "filler";

export function mountSmall(context: Mocha.Context, sizeMib: number): SmallFileSystem {
  const path = mkdtempSync(join(tmpdir(), "novact-small-"));
  mkdirSync(path, { recursive: true });
  try {
    const options = `size=${sizeMib}m,mode=711`;
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "novact-small", path], { stdio: "ignore" });
  } catch {
    rmSync(path, { recursive: true });
    skip(context, "a small file system cannot be mounted here");
  }
  const filler = join(path, fillerName);
  return {
    path,
    fill: () => fillFile(filler, sizeMib * 1024 * 1024),
    free: () => rmSync(filler, { force: true }),
    remove: () => {
      execFileSync("umount", ["--lazy", path]);
      rmSync(path, { recursive: true });
    },
  };
}

function fillFile(path: string, bytesMax: number): void {
  const file = openSync(path, "a");
  try {
    const chunk = Buffer.alloc(64 * 1024);
    for (let written = 0; written <= bytesMax; ) written += writeSync(file, chunk);
    throw new Error("More was written than the file system holds.");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(file);
  }
}
