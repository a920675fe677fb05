/**
 * The cage in which tools look at an image of unknown origin, unpack it or convert it: bounded time, memory
 * and open files, no file that it could write but the one that it is given, and no way to new rights. Where
 * the controller is root it is nobody, and where the kernel grants namespaces no network is in them, so that
 * no image can make it connect to anything. The image is all that it is given: by a descriptor, for it may
 * not pass through the store's directory.
 */
import { runTool, type ToolResult } from "../tool.ts";
import { imageLimits } from "./limits.ts";

/** Bounds of a tool. */
export interface CageBounds {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Size limit of each file that the tool writes; 0: it may write none. */
  readonly fileBytes: number;
  /** Files that it may have open. Absent: as many as an inspection. */
  readonly files?: number;
  /** The group that it is in where the agent is root; root's own is never meant. */
  readonly group?: number;
  /** The user that it is where the agent is root. Absent: nobody. */
  readonly user?: number;
}

export interface CageOptions {
  /** Descriptor 3 of the tool. Absent: the tool opens files by their names. */
  readonly descriptor?: number;
  readonly outputDescriptor?: number;
  readonly signal: AbortSignal;
  /** Absent: the bounds of an inspection, which writes no file. */
  readonly bounds?: CageBounds;
}

const inspection: CageBounds = {
  timeoutMs: imageLimits.imageInspectTimeoutMs,
  memoryBytes: imageLimits.imageInspectMemoryBytesMax,
  fileBytes: 0,
};

/**
 * Runs a tool in the cage; descriptor 3 is the file. `bounds`: for a tool that does more than look.
 * @throws AbortError; Error when a program is missing
 */
export async function runCaged(tool: readonly string[], options: CageOptions): Promise<ToolResult> {
  const { bounds = inspection, ...passed } = options;
  const [command = "", ...argv] = await cagedCommand(tool, bounds);
  return runTool(command, argv, { timeoutMs: bounds.timeoutMs, ...passed });
}

/** The command line that runs a tool in the cage. */
export async function cagedCommand(tool: readonly string[], bounds: CageBounds): Promise<readonly string[]> {
  walls ??= namespaces();
  return [...(await walls), ...boundsOf(bounds), ...tool];
}

/** What the kernel grants does not change while a process lives. */
let walls: Promise<readonly string[]> | undefined;

const isRoot = (): boolean => process.getuid?.() === 0;
export const nobody = 65_534;

/** The beginning of a command line that leaves our namespaces; empty: the kernel grants no others. */
async function namespaces(): Promise<readonly string[]> {
  const wall = ["unshare", ...(isRoot() ? [] : ["--user"]), "--net", "--ipc", "--uts"];
  const [command = "", ...argv] = [...wall, "true"];
  const tried = await runTool(command, argv, { timeoutMs: imageLimits.imageInspectTimeoutMs }).catch(
    () => undefined,
  );
  return tried?.exitCode === 0 ? wall : [];
}

/**
 * One arena: glibc makes one for each thread that finds the others taken, 128 MiB of address space each while
 * it is made. How many threads QEMU has is a matter of time, and on a busy computer a conversion of 5 MiB
 * died of a bound of 1 GiB (4 of 200; QEMU 7.2, glibc 2.36).
 */
function boundsOf({ timeoutMs, memoryBytes, fileBytes, files, group, user }: CageBounds): readonly string[] {
  // At the first number a signal says what it was for; at the second the kernel kills.
  const cpuSeconds = Math.ceil(timeoutMs / 1_000);
  const nofile = files ?? imageLimits.imageInspectFilesMax;
  const limits = { as: memoryBytes, core: 0, fsize: fileBytes, nofile };
  const regid = group === undefined || group === 0 ? nobody : group;
  const reuid = user === undefined || user === 0 ? nobody : user;
  const identity = [`--reuid=${reuid}`, `--regid=${regid}`, "--clear-groups"];
  const rights = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"];
  return [
    ...["setpriv", ...(isRoot() ? [...identity, ...rights] : []), "--no-new-privs", "--pdeathsig=KILL"],
    ...["prlimit", ...Object.entries(limits).map(([name, value]) => `--${name}=${value}:${value}`)],
    ...[`--cpu=${cpuSeconds}:${cpuSeconds + 1}`, "env", "MALLOC_ARENA_MAX=1"],
  ];
}
