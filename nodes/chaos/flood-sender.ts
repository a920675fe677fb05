/**
 * The process that floods a cluster, as one hostile tenant could from one program: it takes a task by its
 * channel, sends for as long as the task says, and tells what it has sent. The process ends with its parent
 * and has the lowest priority (nice 19). It must never have other credentials than those of its task.
 */
import { setPriority } from "node:os";
import { attack } from "./flood-attacks.ts";
import type { FloodTask } from "./flood-kinds.ts";

setPriority(19);
const ending = new AbortController();
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches every process of a terminal: the parent ends this one when it has its report.
process.on("SIGINT", () => ending.abort());
process.on("SIGTERM", () => ending.abort());
process.once("message", async (task: FloodTask) => {
  const timer = setTimeout(() => ending.abort(), task.seconds * 1_000);
  try {
    const report = await attack(task, ending.signal);
    process.send?.({ report }, () => process.exit(0));
  } catch (error) {
    process.send?.({ failed: String(error) }, () => process.exit(1));
  } finally {
    clearTimeout(timer);
  }
});
