/** Starts the process of a flood, and ends it: at its time, when asked to, and with this process. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { programFile } from "../package/program-files.ts";
import type { FloodReport, FloodTask } from "./flood-kinds.ts";

export interface RunningFlood {
  readonly pid: number;
  /** The report of the sender, at its end. @throws Error when the sender could not send anything */
  readonly ended: Promise<FloodReport>;
  /** Ends it now. Idempotent. */
  stop(): Promise<void>;
}

/** After its time, and then some for its last words, the sender is killed. */
const lastWordsMs = 10_000;

export function startFlood(task: FloodTask): RunningFlood {
  const child = fork(programFile("chaos/flood-sender"), [], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const told = new Promise<FloodReport>((resolve, reject) => {
    child.once("message", (message: { report?: FloodReport; failed?: string }) => {
      if (message.report !== undefined) resolve(message.report);
      else reject(new Error(`The flood could not be sent: ${message.failed}`));
    });
    void exited.then(() => reject(new Error("The flood's sender ended without a word.")));
  });
  // Who does not ask for the report does not hear that there is none.
  told.catch(() => undefined);
  child.send(task);
  const timer = setTimeout(() => child.kill("SIGKILL"), task.seconds * 1_000 + lastWordsMs);
  void exited.then(() => clearTimeout(timer));
  return {
    pid: child.pid ?? 0,
    ended: told,
    stop: async () => {
      child.kill("SIGTERM");
      await Promise.race([exited, sleep(lastWordsMs, undefined, { ref: false })]);
      child.kill("SIGKILL");
      await exited;
    },
  };
}
