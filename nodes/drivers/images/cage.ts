/**
 * The cage in which QEMU's own tool looks at an image of unknown origin: bounded time, memory and open files,
 * no file that it could write, and no way to new rights. Where the controller is root it is nobody, and where
 * the kernel grants namespaces no network is in them, so that no image can make it connect to anything. The
 * image is all that it is given: by a descriptor, for it may not pass through the store's directory.
 */
import { runTool, type ToolResult } from "../tool.ts";
import { imageLimits } from "./limits.ts";

/** Runs a tool in the cage; descriptor 3 is the file. @throws AbortError; Error when a program is missing */
export async function runCaged(
  tool: readonly string[],
  options: { readonly descriptor: number; readonly signal: AbortSignal },
): Promise<ToolResult> {
  const timeoutMs = imageLimits.imageInspectTimeoutMs;
  walls ??= namespaces();
  const [command = "", ...argv] = [...(await walls), ...bounds(timeoutMs), ...tool];
  return runTool(command, argv, { timeoutMs, ...options });
}

/** What the kernel grants does not change while a process lives. */
let walls: Promise<readonly string[]> | undefined;

const isRoot = (): boolean => process.getuid?.() === 0;
const nobody = 65_534;

/** The beginning of a command line that leaves our namespaces; empty: the kernel grants no others. */
async function namespaces(): Promise<readonly string[]> {
  const wall = ["unshare", ...(isRoot() ? [] : ["--user"]), "--net", "--ipc", "--uts"];
  const [command = "", ...argv] = [...wall, "true"];
  const tried = await runTool(command, argv, { timeoutMs: imageLimits.imageInspectTimeoutMs }).catch(
    () => undefined,
  );
  return tried?.exitCode === 0 ? wall : [];
}

function bounds(timeoutMs: number): readonly string[] {
  const { imageInspectMemoryBytesMax: memory, imageInspectFilesMax: files } = imageLimits;
  const limits = { as: memory, cpu: Math.ceil(timeoutMs / 1_000), core: 0, fsize: 0, nofile: files };
  const identity = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
  const rights = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"];
  return [
    ...["setpriv", ...(isRoot() ? [...identity, ...rights] : []), "--no-new-privs"],
    ...["prlimit", ...Object.entries(limits).map(([name, value]) => `--${name}=${value}:${value}`)],
  ];
}
