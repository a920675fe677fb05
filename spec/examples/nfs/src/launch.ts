/**
 * The process of a bridge, as long as the agent that launched it waits for it to listen. What must never
 * happen is that one goes on which nobody waits for: it could become the daemon of a volume that others have.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { launcher, program } from "./daemon-line.ts";
import { nfsLimits } from "./limits.ts";

export interface Launched {
  /** With what it has ended, null for a signal's work or where it never was; undefined: it runs. */
  end(): number | null | undefined;
  /** Ends it, and waits until it has: without a wait it could write its number after somebody looked. */
  stop(): Promise<void>;
}

export interface Launch {
  /** Of the bridge; its log is open. */
  readonly directory: string;
  readonly log: number;
  readonly line: readonly string[];
  /** Absent: the agent's own. */
  readonly user?: number;
}

export function launch({ directory, log, line, user }: Launch): Launched {
  const { PATH = "/usr/bin:/bin", LD_LIBRARY_PATH, QEMU_MODULE_DIR } = process.env;
  const child = spawn("sh", ["-c", launcher, join(directory, "pid"), program, ...line], {
    ...{ detached: true, cwd: "/", stdio: ["ignore", log, log] },
    env: { PATH, ...(LD_LIBRARY_PATH && { LD_LIBRARY_PATH }), ...(QEMU_MODULE_DIR && { QEMU_MODULE_DIR }) },
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  let end: number | null | undefined;
  const { promise: hasEnded, resolve } = Promise.withResolvers<void>();
  const note = (code: number | null) => {
    end = code;
    resolve();
  };
  child.on("exit", note);
  child.on("error", () => child.pid === undefined && note(null));
  child.unref();
  return {
    end: () => end,
    stop: async () => {
      child.kill("SIGKILL");
      // One that hangs in the kernel ends as soon as it leaves it, and its directory has no name by then.
      const timer = setTimeout(resolve, nfsLimits.bridgeEndMsMax);
      await hasEnded;
      clearTimeout(timer);
    },
  };
}
