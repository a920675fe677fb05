/** What becomes of the processes of a node whose computer loses its power: all of them end at once. */
import { findProcesses } from "../../nodes/drivers/process-table.ts";

/** `directory`: the node's state. `file`: the cluster.yaml that its agent was started with. */
export async function losePower(name: string, directory: string, file: string): Promise<void> {
  const inside = (path: string) => path === directory || path.startsWith(`${directory}/`);
  const isAgent = (argv: readonly string[]) =>
    argv.includes("compute") && argv.includes(name) && argv.includes(file);
  for (;;) {
    const found = await findProcesses(({ argv, cwd }) => isAgent(argv) || argv.some(inside) || inside(cwd));
    const others = found.filter(({ pid }) => pid !== process.pid);
    if (others.length === 0) return;
    for (const { pid } of others) end(pid);
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
