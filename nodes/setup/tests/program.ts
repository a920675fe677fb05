/**
 * Runs one program of the checkout for `npm test`, and bounds its time. What programs write that run side by
 * side is told line by line, each with the name of who wrote it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as elapse } from "node:timers/promises";
import { setupLimits } from "../limits.ts";
import { project } from "./spec-files.ts";

export interface ProgramOptions {
  /** Stands before each line. Absent: the program has our own output, a terminal perhaps. */
  readonly label?: string | undefined;
}

/** Whether the program of node_modules succeeded within its time. Never throws. */
export const succeeds = async (argv: readonly string[], options: ProgramOptions = {}): Promise<boolean> =>
  (await exitCodeOf(argv, options)) === 0;

/** Of the program of node_modules; null: it was killed, undefined: it could not be started. Never throws. */
export async function exitCodeOf(
  argv: readonly string[],
  { label }: ProgramOptions = {},
): Promise<number | null | undefined> {
  const [program = "", ...rest] = argv;
  const child = spawn(join(project, "node_modules", ".bin", program), rest, {
    cwd: project,
    stdio: label === undefined ? "inherit" : ["inherit", "pipe", "pipe"],
  });
  const told = label === undefined ? undefined : tell(child, label);
  const timer = setTimeout(() => {
    console.error(`${program} did not end within ${setupLimits.testProgramMsMax / 1_000} s and is killed.`);
    child.kill("SIGKILL");
  }, setupLimits.testProgramMsMax);
  const code = await new Promise<number | null | undefined>((resolve) => {
    child.on("error", (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      resolve(undefined);
    });
    child.on("exit", resolve);
  });
  clearTimeout(timer);
  await told?.(code !== undefined);
  return code;
}

/**
 * Tells each line as it comes. What is returned waits for the last one: a process that the program has left
 * behind may keep its output open, and is not waited for.
 */
function tell(child: ChildProcess, label: string): (hasRun: boolean) => Promise<void> {
  const closed = once(child, "close");
  const streams = [child.stdout, child.stderr].flatMap((stream) => (stream === null ? [] : [stream]));
  for (const stream of streams)
    createInterface({ input: stream }).on("line", (line) => console.log(`${label} | ${line}`));
  return async (hasRun) => {
    const isClosed = hasRun && closed.then(() => true);
    const patience = elapse(setupLimits.testLastWordsMsMax, false, { ref: false });
    if (await Promise.race([isClosed, patience])) return;
    for (const stream of streams) stream.destroy();
    if (hasRun) console.error(`${label} | a process that it has left behind has its output`);
  };
}
