/** `up` as a person runs it, for live specs: its output, its end, and the processes of a directory. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long the last words of a run that has ended may take. */
const wordsMsMax = 5_000;
const main = join(import.meta.dirname, "../../nodes/main.ts");

export interface UpRunOptions {
  /** The umask of the shell that starts it. Default: 022. */
  readonly umask?: string;
  /** Added to this process's; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The command before `up`. Default: this checkout's. */
  readonly program?: readonly string[];
}

/** One run of `up`, with its output. */
export class UpRun {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  #output = "";

  constructor(config: string, options: UpRunOptions = {}) {
    const { umask = "022", environment = {}, program = [process.execPath, main] } = options;
    // When mocha is killed, the kernel asks `up` to end, and `up` ends everything.
    const argv = ["--pdeathsig", "TERM", ...program, "up", "--config", config];
    this.child = spawn("sh", ["-c", `umask ${umask}; exec setpriv "$@"`, "sh", ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
      // As under npm start: npm passes a signal on that has come already.
      env: { ...process.env, npm_lifecycle_event: "start", ...environment },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    // Its last words come after it has ended; a process that it left behind may keep their pipe open.
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => resolve({ code, signal }));
      this.child.on("exit", (code, signal) => setTimeout(resolve, wordsMsMax, { code, signal }).unref());
    });
  }

  get output(): string {
    return this.#output;
  }

  /**
   * Waits for a text in the output. @throws Error with the whole output, when the run or the time ends before
   * the text appears
   */
  async says(text: string | RegExp, ms = 90_000): Promise<string> {
    const deadlineMs = performance.now() + ms;
    for (;;) {
      const over = this.child.exitCode !== null || performance.now() > deadlineMs;
      if (typeof text === "string" && this.#output.includes(text)) return text;
      const found = typeof text === "string" ? undefined : text.exec(this.#output)?.[0];
      if (found !== undefined) return found;
      if (over) throw new Error(`up did not say ${text}. It said:\n${this.#output}`);
      await sleep(50);
    }
  }
}

/** Every process with the text in its arguments or its directory (guests are started with relative paths). */
export function processesWith(text: string): readonly { readonly pid: number; readonly program: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const argv = readFileSync(`/proc/${name}/cmdline`, "utf8");
        return argv.includes(text) || readlinkSync(`/proc/${name}/cwd`).includes(text)
          ? [{ pid: Number(name), program: argv.split("\0")[0] ?? "" }]
          : [];
      } catch {
        return [];
      }
    });
}
