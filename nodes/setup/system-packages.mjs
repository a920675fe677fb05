/**
 * The programs that novact needs from the distribution, and their installation: by apt-get as root, or with
 * sudo where it needs no password; otherwise the one command to type is printed. Nothing is done when all
 * programs are there (one stat per program).
 *
 * Only the packages are installed: none of their services is enabled or started, and Debian's own PostgreSQL
 * cluster is not created. Plain JavaScript without packages, because it runs beside `npm ci`.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "./run-command.mjs";

/** Each package with the program on the path, or the file, that shows its presence. */
const needed = [
  { name: "qemu-system-x86", program: "qemu-system-x86_64" },
  { name: "qemu-utils", program: "qemu-img" },
  { name: "nats-server", program: "nats-server" },
  { name: "postgresql", found: hasPostgres },
  // Needed to build the tiny guest.
  { name: "lz4", program: "lz4" },
  { name: "xz-utils", program: "xz" },
  { name: "e2fsprogs", program: "mke2fs" },
  { name: "dosfstools", program: "mkfs.fat" },
  { name: "mtools", program: "mcopy" },
  { name: "syslinux", program: "syslinux" },
  { name: "syslinux-common", found: () => existsSync("/usr/lib/syslinux/mbr/mbr.bin") },
];

/**
 * Only specs of the example of containers, and of the network driver `bridge`, use these; without them they
 * are skipped. A busybox of another package is not replaced.
 */
const neededByTests = [
  { name: "iproute2", program: "ip" },
  { name: "nftables", program: "nft" },
  { name: "conntrack", program: "conntrack" },
  { name: "crun", program: "crun" },
  { name: "busybox-static", program: "busybox" },
];

const searched = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

function hasProgram(name) {
  return searched.some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function hasPostgres() {
  const versions = "/usr/lib/postgresql";
  return (
    existsSync(versions) &&
    readdirSync(versions).some((each) => existsSync(join(versions, each, "bin/initdb")))
  );
}

/** Names of the missing packages. */
function missingOf(packages) {
  return packages
    .filter(({ program, found }) => (program === undefined ? !found() : !hasProgram(program)))
    .map(({ name }) => name);
}

/** Errors that an operator can cure, with the code that decides the exit code. */
const refused = (message) => Object.assign(new Error(message), { code: "FAILED_PRECONDITION" });

/**
 * Installs the missing packages, telling each step through `say`.
 * @throws Error whose message says what to type, when installing is not permitted or apt-get fails; the
 * reason of `stop.first` when that is aborted
 */
export const installPackages = (say, stop) => install(needed, say, stop);

/** Installs what `npm test` alone can use. What cannot be had is told, and keeps no test from running. */
export async function installTestPackages(say, stop) {
  try {
    await install(neededByTests, say, stop);
  } catch (error) {
    if (stop?.first.aborted) throw error;
    say(`${error.message.trim()}\nThe tests run without: those that need more say so, and are skipped.`);
  }
}

async function install(packages, say, stop) {
  const missing = missingOf(packages);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (!hasProgram("apt-get")) {
    throw refused(`These are missing, and there is no apt-get to install them: ${missing.join(", ")}.`);
  }
  const rights = howToBecomeRoot();
  if (rights === undefined) {
    throw refused(
      `These are missing: ${missing.join(", ")}. Type this, then try again:\n\n  sudo ${command}\n`,
    );
  }
  const stubs = makeStubs();
  try {
    const apt = { rights, stubs, say, stop };
    const listed = hasLists() || (await timed(say, "package lists: apt-get update", () => update(apt)));
    const installing = () => aptGet(apt, ["install", "-y", "--no-install-recommends", ...missing]);
    const what = `packages: ${missing.join(" ")}`;
    if (listed && (await timed(say, what, installing))) return;
    // The lists may be older than the archive.
    await timed(say, "package lists: apt-get update", () => update(apt));
    if (!(await timed(say, `${what} (again)`, installing))) {
      throw new Error(`apt-get failed; its messages are above. Try it by hand:\n\n  sudo ${command}\n`);
    }
  } finally {
    rmSync(stubs, { recursive: true, force: true });
  }
  const still = missingOf(packages);
  if (still.length > 0)
    throw new Error(`apt-get succeeded, yet these are still missing: ${still.join(", ")}.`);
}

/** Reads the package lists anew; answers whether that succeeded. */
export async function updateLists(say, stop) {
  const rights = howToBecomeRoot();
  if (rights === undefined) throw refused("The package lists are too old. Type: sudo apt-get update");
  return timed(say, "package lists: apt-get update", () => update({ rights, stubs: "", say, stop }));
}

function howToBecomeRoot() {
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n"] : undefined;
}

const hasLists = () =>
  existsSync("/var/lib/apt/lists") &&
  readdirSync("/var/lib/apt/lists").some((name) => name.endsWith("_Packages"));

/** How long another apt-get is waited for, and how often it is looked after. */
const lockWaitMs = 600_000;
const lockLookMs = 2_000;

/** Reads the lists. apt-get itself waits for the lock of installations, but not for that of the lists. */
async function update(apt) {
  const deadlineMs = performance.now() + lockWaitMs;
  while (!(await aptGet(apt, ["update"], performance.now() < deadlineMs))) {
    if (!apt.locked) return false;
    await sleep(lockLookMs, undefined, { signal: apt.stop?.first });
  }
  return true;
}

/**
 * Makes programs that replace those by which a package's installation would create a database cluster, or
 * enable and start a service. apt-get finds them first, through DPkg::Path; nothing on the system is changed
 * for it.
 */
function makeStubs() {
  const directory = mkdtempSync(join(tmpdir(), "novact-apt-"));
  const write = (name, text) => writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  for (const name of ["pg_createcluster", "invoke-rc.d", "deb-systemd-invoke"]) write(name, "exit 0");
  // Answers no to "was-enabled", so that the package leaves its service disabled.
  write("deb-systemd-helper", 'case " $* " in *" was-enabled "*) exit 1;; esac; exit 0');
  return directory;
}

/**
 * Runs apt-get; answers whether it succeeded. If it did not, its complaints are told line by line, unless
 * `again`: then the caller tries it once more for as long as `locked` is set.
 */
async function aptGet(apt, argv, again = false) {
  const { rights, stubs, say, stop } = apt;
  const [program, ...rest] = [
    ...rights,
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "LC_ALL=C.UTF-8",
    "apt-get",
    "-q",
    ...[
      "-o",
      `DPkg::Lock::Timeout=${lockWaitMs / 1_000}`,
      "-o",
      "Acquire::Languages=none",
      "-o",
      "Acquire::Retries=3",
    ],
    ...["-o", `DPkg::Path=${stubs}:/usr/sbin:/usr/bin:/sbin:/bin`],
    ...argv,
  ];
  apt.locked = false;
  const onOutput = (text) => {
    const lock = lockIn(text);
    apt.locked ||= lock !== undefined;
    if (lock === undefined || apt.told) return;
    apt.told = true;
    say(lock);
  };
  // An installation that is cut off leaves work for dpkg: the first Ctrl-C lets the step under way end.
  const how = { stop, gentle: argv[0] === "install", ownGroup: rights.length === 0, onOutput };
  const { code, stdout, stderr } = await runCommand(program, rest, how).catch(unlessStopped(stop));
  if (code === 0) return true;
  if (!(again && apt.locked)) for (const line of complaints(`${stdout}${stderr}`)) say(`apt-get: ${line}`);
  return false;
}

/** A program that cannot be started has failed, and says why. */
const unlessStopped = (stop) => (error) => {
  if (stop?.first.aborted) throw error;
  return { code: 1, stdout: "", stderr: `E: ${error.message}\n` };
};

export function lockIn(output) {
  if (!/Could not get lock|Unable to (?:acquire|lock)/.test(output)) return undefined;
  const holder = /held by process (\d+)/.exec(output)?.[1];
  const who = holder === undefined ? "another program" : `process ${holder}`;
  return `packages: ${who} is at work on them; waiting for it`;
}

/** The lines of apt-get that are marked as errors or warnings; without a mark, its last lines. */
function complaints(output) {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const marked = lines.filter((line) => /^[EW]: /.test(line));
  return (marked.length > 0 ? marked : lines).slice(-8);
}

async function timed(say, what, work) {
  const startedAt = Date.now();
  say(`${what} …`);
  const succeeded = await work();
  say(
    `${what.split(":")[0]}: ${succeeded ? "done" : "FAILED"}, ${((Date.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  return succeeded;
}
