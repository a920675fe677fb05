/**
 * The shim of one container, a process of its own that outlives the agent: it runs the container by the OCI
 * runtime, writes what the container says into the console's log, and stays when the container has ended,
 * until it is halted. Argument: the container's directory.
 *
 * SIGUSR1 is the reset button, SIGUSR2 the power button. It must never read more from a container than its
 * console may have, nor believe anything that a container says.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { Cgroup } from "./cgroup.ts";
import { ConsoleWriter } from "./console-log.ts";
import { guestFiles } from "./guest-files.ts";
import { findHierarchies } from "./hierarchies.ts";
import { hideUnified, type LaunchOrder } from "./launch.ts";
import { containerLimits } from "./limits.ts";
import { type ContainerState, currentBootId, parentOf, startTicksOf, writeRecord } from "./shim-record.ts";

/** Joins the cgroups and then becomes the runtime: a container is inside from the first moment on. */
const enter = `while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done
shift
exec unshare --mount --propagation private -- /bin/sh -c '${hideUnified}
exec "$@"' sh "$@"`;

const watchMs = 1_000;

interface Running {
  readonly child: ChildProcess;
  readonly pipe: Socket;
}

class Shim {
  readonly #directory: string;
  readonly #order: LaunchOrder;
  readonly #cgroup: Cgroup;
  readonly #console: ConsoleWriter;
  readonly #identity = {
    pid: process.pid,
    startTicks: startTicksOf(process.pid) ?? 0,
    bootId: currentBootId(),
    startedAtMs: Date.now(),
  };
  #running: Running | undefined;
  #state: ContainerState = "starting";
  #message = "";
  #boots = 0;
  #presses = 0;
  #resetting = false;
  #kills = 0;
  #refusals = 0;
  /** The power button was pressed since the last boot: an end by its signal is no fault. */
  #pressed = false;

  constructor(directory: string) {
    this.#directory = directory;
    this.#order = JSON.parse(readFileSync(join(directory, guestFiles.launch), "utf8"));
    const hierarchies = findHierarchies();
    if (typeof hierarchies === "string") throw new Error(hierarchies);
    this.#cgroup = new Cgroup(hierarchies, this.#order.cgroup.parent, this.#order.cgroup.name);
    this.#console = new ConsoleWriter(directory);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  /** A shim that cannot write who it is ends: it is then seen to be lost. */
  #record(state: ContainerState, message = ""): void {
    this.#state = state;
    this.#message = message;
    const { instanceId, ownerEpoch } = this.#order;
    const counts = { boots: this.#boots, presses: this.#presses };
    writeRecord(this.#directory, {
      ...{ instanceId, ownerEpoch, state, message },
      ...this.#identity,
      ...counts,
    });
  }

  async boot(): Promise<void> {
    this.#pressed = false;
    this.#record("starting");
    await this.#cgroup.kill();
    await this.#cgroup.freeze(false);
    for (const name of [guestFiles.runtime, guestFiles.initPid, guestFiles.runtimeLog])
      rmSync(this.#path(name), { recursive: true, force: true });
    const { runtime, instanceId } = this.#order;
    const argv = [
      ...[runtime, "--root", this.#path(guestFiles.runtime), "--cgroup-manager=disabled"],
      ...["--log", this.#path(guestFiles.runtimeLog), "run", "--bundle", this.#path(guestFiles.bundle)],
      ...["--pid-file", this.#path(guestFiles.initPid), instanceId],
    ];
    const pipe = openPipe(this.#path(guestFiles.pipes));
    const child = spawn("/bin/sh", ["-c", enter, "sh", ...this.#cgroup.directories, "--", ...argv], {
      cwd: "/",
      stdio: ["ignore", pipe.write, pipe.write],
      env: { PATH: process.env.PATH ?? "" },
    });
    closeSync(pipe.write);
    const running = { child, pipe: pipe.read };
    this.#running = running;
    const awaited = setInterval(() => this.#look(running, awaited), containerLimits.proofPeriodMs);
    child.once("exit", (code, signal) => {
      clearInterval(awaited);
      void this.#ended(running, code ?? (signal === "SIGKILL" ? 137 : 255));
    });
  }

  /** It runs once its first process is another program than the runtime. */
  #look(running: Running, awaited: NodeJS.Timeout): void {
    const init = this.#initPid(running.child);
    if (init === undefined || isSameProgram(init, running.child.pid ?? 0)) return;
    clearInterval(awaited);
    this.#runs(running);
  }

  /** From now on, and not before, what comes through the pipe is the container's and not the runtime's. */
  #runs({ pipe }: Running): void {
    this.#log(pipe);
    this.#boots += 1;
    this.#record("running");
  }

  /** The first process, while it is the runtime's child: its number cannot be another's then. */
  #initPid(child: ChildProcess): number | undefined {
    try {
      const pid = Number(readFileSync(this.#path(guestFiles.initPid), "utf8"));
      return parentOf(pid) === child.pid ? pid : undefined;
    } catch {
      // It is not written yet.
      return undefined;
    }
  }

  async #ended(running: Running, code: number): Promise<void> {
    await this.#cgroup.kill();
    const fault = this.#state === "running" ? "" : this.#runtimeSaid();
    // It may have run and ended between two looks.
    if (this.#state !== "running" && fault === "") this.#runs(running);
    if (fault === "") await said(running);
    else running.pipe.destroy();
    this.#watch();
    if (this.#resetting) {
      this.#resetting = false;
      return this.boot();
    }
    if (fault !== "") return this.#record("failed", fault);
    const isKilled = code > 128 && code < 160 && !this.#pressed;
    const why = isKilled ? `was ended by signal ${code - 128}` : `has ended with exit code ${code}`;
    this.#say(`the first process ${why}`);
    this.#record(isKilled ? "panicked" : "ended", `The container's first process ${why}.`);
  }

  /** The runtime's last line about its failure; empty: it has started the container. */
  #runtimeSaid(): string {
    const path = this.#path(guestFiles.runtimeLog);
    if (!existsSync(path))
      return existsSync(this.#path(guestFiles.initPid)) ? "" : "The runtime did not start.";
    return (readFileSync(path, "utf8").trim().split("\n").at(-1) ?? "").slice(0, 500);
  }

  /** What a container wants to write faster than it may waits in the pipe, and the container with it. */
  #log(pipe: Socket): void {
    pipe.on("data", (bytes: Buffer) => {
      this.#write(bytes);
      pipe.pause();
      setTimeout(() => pipe.resume(), (1_000 * bytes.length) / containerLimits.consoleBytesPerSecondMax);
    });
  }

  #write(bytes: Buffer): void {
    try {
      this.#console.write(bytes);
    } catch (error) {
      // A full disk loses text of the console, and must not end the container.
      console.error(`The console's log could not be written: ${String(error)}`);
    }
  }

  #say(text: string): void {
    this.#write(Buffer.from(`\n[novact] ${text}\n`));
  }

  /** Tells the owner, on the console, of the bounds that the container has met. */
  #watch(): void {
    const [kills, refusals] = [this.#cgroup.memoryKills(), this.#cgroup.processRefusals()];
    const { memoryMib, processesMax } = this.#order;
    if (kills > this.#kills)
      this.#say(`the memory of ${memoryMib} MiB was used up, and a process was ended for it`);
    if (refusals > this.#refusals) this.#say(`no more than ${processesMax} processes were allowed at once`);
    this.#kills = kills;
    this.#refusals = refusals;
  }

  /** Whoever waits for the end boots it again: a second blow would hit the container that follows. */
  reset(): void {
    if (this.#state === "ended" || this.#state === "panicked") void this.boot();
    if (this.#state !== "running" || this.#resetting) return;
    this.#resetting = true;
    this.#cgroup.strike();
  }

  press(): void {
    const init = this.#running === undefined ? undefined : this.#initPid(this.#running.child);
    if (init !== undefined) process.kill(init, this.#order.powerSignal);
    this.#presses += 1;
    this.#pressed = true;
    this.#record(this.#state, this.#message);
  }

  serve(): void {
    setInterval(() => this.#watch(), watchMs);
    process.on("SIGUSR1", () => this.reset());
    process.on("SIGUSR2", () => this.press());
  }
}

/**
 * A named pipe, because Node's own are sockets, which no program can open as /dev/stdout. It is on a file
 * system that is no longer mounted when the container begins: its links in /proc show no path of the host's.
 * Opened for reading first: an opening for writing waits for a reader.
 */
function openPipe(directory: string): { readonly read: Socket; readonly write: number } {
  const path = join(directory, "console");
  execFileSync("mount", ["-t", "tmpfs", "-o", "nosuid,nodev,noexec,size=16k,mode=0700", "pipes", directory]);
  execFileSync("mkfifo", ["--mode=0600", path]);
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const write = openSync(path, constants.O_WRONLY);
  execFileSync("umount", ["--lazy", directory]);
  return { read: new Socket({ fd: read, readable: true, writable: false }), write };
}

/** Resolves when all that the container has written into its pipe is in the log. */
async function said({ pipe }: Running): Promise<void> {
  if (!pipe.destroyed) await new Promise((resolve) => pipe.once("close", resolve));
}

function isSameProgram(one: number, other: number): boolean {
  try {
    const [left, right] = [one, other].map((pid) => statSync(`/proc/${pid}/exe`, { bigint: true }));
    return left?.ino === right?.ino && left?.dev === right?.dev;
  } catch {
    // One of them has just ended: the runtime tells.
    return true;
  }
}

process.umask(0o077);
const shim = new Shim(process.argv[2] ?? "");
shim.serve();
void shim.boot();
