/**
 * Checks the disk of a counting guest: whether its file system is whole, apart from a journal that has to be
 * replayed, and whether the numbers in its file neither go back nor have gaps, and include every number that
 * was said on the console.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { builtInDrivers, usualHypervisor } from "../drivers/built-in.ts";
import { guestFiles } from "../drivers/guest-directory.ts";
import { runTool } from "../drivers/tool.ts";
import type { Boot } from "./counters.ts";
import { counterFile, fileLine } from "./counting-guest.ts";

const timeoutMs = 60_000;

export interface DiskFindings {
  readonly problems: readonly string[];
  readonly lines: number;
}

const { diskTool } = builtInDrivers.hypervisors[usualHypervisor].programs;

/** The path of an instance's only disk on the shared storage; undefined when there is none. */
export function diskOf(guests: string, instanceId: string): string | undefined {
  const names = readdirSync(guests).filter((name) => name.startsWith(`${instanceId}.e`));
  const paths = names.map((name) => join(guests, name, guestFiles.disk)).filter((path) => existsSync(path));
  return paths.at(-1);
}

/**
 * Copies the disk as it is at this moment: while nobody writes, this is what a start would find. The copy is
 * cheap; the check comes later.
 */
export async function copyDisk(disk: string, copy: string): Promise<void> {
  const argv = ["convert", "-U", "-f", "qcow2", "-O", "raw", disk, copy];
  const { exitCode, errors } = await runTool(diskTool, argv, { timeoutMs });
  if (exitCode !== 0) throw new Error(`The disk ${disk} could not be copied: ${errors}`);
}

/** Checks a copy, and removes it when all is well. `boots`: the numbers said on consoles until then. */
export async function checkCopy(copy: string, boots: readonly Boot[]): Promise<DiskFindings> {
  const problems: string[] = [];
  // The exit code tells only whether a journal was replayed; the findings of the next run count.
  await runTool("e2fsck", ["-y", "-E", "journal_only", copy], { timeoutMs });
  const checked = await runTool("e2fsck", ["-f", "-n", copy], { timeoutMs });
  if (checked.exitCode !== 0) problems.push(`e2fsck says ${checked.exitCode}: ${checked.output.trim()}`);
  const text = await contentOf(copy);
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  problems.push(...countProblems(lines), ...lostProblems(lines, boots));
  if (problems.length === 0) rmSync(copy, { force: true });
  return { problems, lines: lines.length };
}

/** Reads the whole file; a tool's output would be cut. */
function contentOf(copy: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const argv = ["-R", `cat ${counterFile}`, copy];
    execFile("debugfs", argv, { maxBuffer: 256 * 1024 ** 2, encoding: "latin1" }, (error, output) => {
      if (error === null) resolve(output);
      else reject(error);
    });
  });
}

function countProblems(lines: readonly string[]): readonly string[] {
  const problems: string[] = [];
  let before = 0;
  for (const [index, line] of lines.entries()) {
    const number = Number(fileLine.exec(line)?.[1] ?? Number.NaN);
    if (number === before + 1) {
      before = number;
      continue;
    }
    const what = JSON.stringify(line.slice(0, 80));
    problems.push(`line ${index + 1} of the counter is ${what} after ${before}`);
    if (problems.length > 5) break;
    if (Number.isFinite(number)) before = number;
  }
  return problems;
}

/** Numbers that were said on the console and are not on the disk: a said number is durable. */
function lostProblems(lines: readonly string[], boots: readonly Boot[]): readonly string[] {
  const written = new Map<string, number>();
  for (const line of lines) {
    const [, number, bootId] = fileLine.exec(line) ?? [];
    if (bootId !== undefined) written.set(bootId, Number(number));
  }
  return boots
    .filter(({ bootId, last }) => (written.get(bootId) ?? 0) < last)
    .map(
      ({ bootId, node, last }) =>
        `the guest said ${last} on ${node}, and its file ends at ${written.get(bootId) ?? "nothing"} for that boot`,
    );
}
