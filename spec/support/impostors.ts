/**
 * Processes that look like guests and are none: perl under the name of QEMU, in a guest's directory, with its
 * arguments, run by any user. For specs that show who is taken for a guest; they end with the spec.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestName } from "../../nodes/drivers/qemu/guest-tag.ts";

const perl = "/usr/bin/perl";
const nobody = 65_534;
const leave = ["/usr/bin/unshare", "--user", "--net"];

/** Why impostors cannot be made here; undefined: they can. */
export function missingForImpostors(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can start a process as another user";
  return existsSync(perl) ? undefined : "perl is not installed, under whose program an impostor hides";
}

/** Why no user can leave its network here, as a guest that was broken out of would; undefined: one can. */
export function missingForEscape(): string | undefined {
  const [command = "", ...argv] = [...asUser(nobody), ...leave, "/bin/true"];
  const { status } = spawnSync(command, argv, { stdio: "ignore" });
  return status === 0
    ? undefined
    : "the kernel lets no user make a namespace of users here (a chroot, or sysctl)";
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
  /** What the running process overwrites, as broken-out code can: the name alone, or the arguments too. */
  readonly renames?: "name" | "arguments";
  /** A file of which it maps a page, to hang with it when it is told to. */
  readonly page?: string;
  /**
   * A network namespace of its own, made by root, or by its user in a namespace of users of its own; or that
   * of another process. Absent: that of the spec.
   */
  readonly network?: "new" | "escaped" | number;
}

/** 157 is prctl; 4 PR_SET_DUMPABLE, 15 PR_SET_NAME. */
const renaming = {
  name: 'my $name = "kworker/0:1"; syscall(157, 15, $name);',
  arguments: '$0 = "kworker/0:1";',
} as const;

/**
 * Holds the lock of its memory (and no file, which perl would look at when a thread begins). One thread reads
 * that memory (17 is pread64) at a page of the file (9 is mmap), and waits for the file's server; another one
 * wants to change the memory, and waits for the first. Whoever reads the arguments waits for both.
 */
const hanging = (page: string) =>
  `use threads; open(my $file, "<", "${page}") or die; open(my $memory, "<", "/proc/self/mem") or die;` +
  ` my $at = syscall(9, 0, 4096, 1, 1, fileno($file), 0); close($file); my $bytes = "x" x 8;` +
  ` $hang = sub { <STDIN>;` +
  ` threads->create(sub { syscall(17, fileno($memory), $bytes, 8, $at) })->detach; select(undef, undef, undef, 0.3);` +
  ` syscall(9, 0, 4096, 1, 34, -1, 0); };`;

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
    const script = [
      "my $hang = sub {};",
      given.page === undefined ? "" : hanging(given.page),
      given.undumpable === true ? "syscall(157, 4, 0);" : "",
      given.renames === undefined ? "" : renaming[given.renames],
      '$| = 1; print "up\n"; $hang->(); sleep 600;',
    ].join(" ");
    const name = guestName({ instanceId, ownerEpoch, fence: true });
    const argv = [join(this.#directory, program), "-e", script, "--", "-name", name, "-uuid", instanceId];
    const [command = "", ...rest] = [
      ...inNetwork(given.network),
      ...asUser(uid),
      ...(given.network === "escaped" ? leave : []),
      ...argv,
    ];
    const child = spawn(command, rest, { cwd: directory, env: {}, stdio: ["pipe", "pipe", "inherit"] });
    this.#processes.push(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once("data", () => resolve());
      child.once("exit", () => reject(new Error("The impostor did not start.")));
    });
    return child.pid ?? Number.NaN;
  }

  /** Makes one hang that has a page; resolves when its arguments cannot be read. The page's server hangs. */
  async hang(pid: number): Promise<void> {
    this.#processes.find((one) => one.pid === pid)?.stdin?.write("hang\n");
    for (let asked = 0; await isReadable(pid); asked += 1) {
      if (asked === 200) throw new Error(`Process ${pid} does not hang.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
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

const asUser = (uid: number) => ["/usr/bin/setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];

function inNetwork(network: Impostor["network"]): readonly string[] {
  if (network === undefined || network === "escaped") return [];
  return network === "new"
    ? ["/usr/bin/unshare", "--net"]
    : ["/usr/bin/nsenter", `--net=/proc/${network}/ns/net`];
}

/**
 * Asked by another process, which can be killed while it waits. A process that has ended does not hang.
 * @throws Error when there is no such process
 */
function isReadable(pid: number): Promise<boolean> {
  const asking = spawn("/usr/bin/timeout", ["--signal=KILL", "1", "cat", `/proc/${pid}/cmdline`], {
    stdio: "ignore",
  });
  return new Promise((resolve, reject) => {
    asking.once("error", reject);
    asking.once("exit", (code, signal) => {
      const isKilled = signal === "SIGKILL" || code === 137;
      if (code === 0 || isKilled) resolve(!isKilled);
      else reject(new Error(`Process ${pid} cannot be asked: cat ended with ${code ?? signal}.`));
    });
  });
}
