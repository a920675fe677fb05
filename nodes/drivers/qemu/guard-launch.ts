/**
 * Becomes the guard's process: translates the guard's few files to plain JavaScript (in the package they are
 * that already), takes the lock that allows one guard only, and replaces itself with the guard. A separate
 * process does this, because the translator would stay in the guard's memory, and needs as much as the rest
 * of the guard.
 *
 *   node guard-launch.ts DIRECTORY GUESTS
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { isCheckout, programFile, treeDirectory } from "../../package/program-files.ts";
import { guardFiles } from "../guard-files.ts";
import { toolEnvironment } from "../tool.ts";

const entry = relative(treeDirectory, programFile("guard/main"));

/**
 * Flags that keep Node small: an interpreter without compiler, small spaces, one arena for malloc, no helper
 * threads (measured). Of the threads for files three may wait for arguments of processes, and one for the
 * storage: one is left for the guard's state.
 */
const flags = [
  ...["--jitless", "--single-threaded", "--v8-pool-size=0", "--optimize-for-size"],
  ...["--max-semi-space-size=1", "--max-old-space-size=16", "--disable-warning=ExperimentalWarning"],
];
const environment = { ...toolEnvironment, MALLOC_ARENA_MAX: "1", UV_THREADPOOL_SIZE: "5" };

/**
 * Path relative to the guard's directory. The program stays there: a guard that dies on a full disk has to
 * come back, and nothing can be written then.
 */
const program = guardFiles.program;
const importPattern = /^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+\.[tj]s)";$/gm;
const moduleName = (path: string): string => path.replace(/\.[tj]s$/, ".mjs");

/** Writes a file of the project and all its imports, in the project's layout. */
function write(path: string, done = new Set<string>()): void {
  if (done.has(path)) return;
  done.add(path);
  const source = readFileSync(join(treeDirectory, path), "utf8");
  const code = isCheckout ? stripTypeScriptTypes(source) : source;
  const target = join(program, moduleName(path));
  replaceIfOther(
    target,
    code.replaceAll(importPattern, (line) => line.replace(/\.[tj]s";$/, '.mjs";')),
  );
  for (const [, imported = ""] of code.matchAll(importPattern)) write(join(dirname(path), imported), done);
}

/** Another launch may read the file at this moment, or have written it. */
function replaceIfOther(path: string, content: string): void {
  if (existsSync(path) && readFileSync(path, "utf8") === content) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, content, { mode: 0o600 });
    renameSync(fresh, path);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** Removes the programs of starts that failed, of the version before. */
function removeLeftovers(): void {
  for (const name of readdirSync(".")) {
    const pid = name.startsWith(`${guardFiles.program}.`) ? Number(name.split(".")[1]) : 0;
    if (pid > 0 && !existsSync(`/proc/${pid}`)) rmSync(name, { recursive: true, force: true });
  }
}

const [directory = "", guests = ""] = process.argv.slice(2);
// Nobody needs the guard of a directory that was removed: the shell that asks for it must not ask for ever.
if (!existsSync(directory)) process.exit(0);
process.chdir(directory);
removeLeftovers();
write(entry);
const argv = [process.execPath, ...flags, join(program, moduleName(entry)), directory, guests];
closeSync(openSync(guardFiles.lock, "a", 0o600));
// When another guard lives, this start has nothing to do, and exits with 0.
const lock = ["env", "flock", "--nonblock", "--conflict-exit-code", "0", "--no-fork", guardFiles.lock];
if (process.execve === undefined) throw new Error("This Node cannot replace its process.");
process.execve("/usr/bin/env", [...lock, ...argv], environment);
