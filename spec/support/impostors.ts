/**
 * Processes that look like guests and are none: perl under the name of QEMU, in a guest's directory, with its
 * arguments, run by any user. For specs that show who is taken for a guest; they end with the spec.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestName } from "../../nodes/drivers/qemu/guest-tag.ts";

const perl = "/usr/bin/perl";
const nobody = 65_534;

/** Why impostors cannot be made here; undefined: they can. */
export function missingForImpostors(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can start a process as another user";
  return existsSync(perl) ? undefined : "perl is not installed, under whose program an impostor hides";
}

export interface Impostor {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  /** The guest's directory. */
  readonly directory: string;
  /** Name of the program. Absent: QEMU's. */
  readonly program?: "qemu-system-x86_64" | "setpriv";
  /** True: it asks not to be dumped, so that its files in /proc belong to root. Absent: false. */
  readonly undumpable?: boolean;
  /** Absent: nobody. */
  readonly uid?: number;
}

export class Impostors {
  readonly #directory = realpathSync(mkdtempSync(join(tmpdir(), "novact-impostor-")));
  readonly #processes: ChildProcess[] = [];

  constructor() {
    chmodSync(this.#directory, 0o755);
    for (const name of ["qemu-system-x86_64", "setpriv"]) {
      copyFileSync(perl, join(this.#directory, name));
      chmodSync(join(this.#directory, name), 0o755);
    }
  }

  /** Starts an impostor; answers its pid when the disguise is complete. */
  async start(given: Impostor): Promise<number> {
    const { instanceId, ownerEpoch, directory, program = "qemu-system-x86_64", uid = nobody } = given;
    // 157 is prctl, 4 PR_SET_DUMPABLE.
    const script = `${given.undumpable === true ? "syscall(157, 4, 0);" : ""} $| = 1; print "up\n"; sleep 600;`;
    const name = guestName({ instanceId, ownerEpoch, fence: true });
    const argv = ["-e", script, "--", "-name", name, "-uuid", instanceId];
    const child = spawn(join(this.#directory, program), argv, {
      ...{ cwd: directory, uid, gid: uid, env: {}, stdio: ["ignore", "pipe", "inherit"] },
    });
    this.#processes.push(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once("data", () => resolve());
      child.once("exit", () => reject(new Error("The impostor did not start.")));
    });
    return child.pid ?? Number.NaN;
  }

  async close(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
