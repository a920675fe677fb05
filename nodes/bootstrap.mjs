/**
 * Brings what a fresh clone lacks before the first line of TypeScript can run: the npm packages, and with
 * them the pinned Node; with --system also the distribution's packages, at the same time, and with --tests
 * beside these what tests alone use. Then runs the named script on that Node as if it had been started
 * directly: same terminal, same signals, same exit code. Without a script it only installs what is missing.
 *
 *   node nodes/bootstrap.mjs [--system | --tests] [SCRIPT [ARGUMENT …]]
 *
 * Plain JavaScript for any Node from 18 on, without packages. This file must never do more than this.
 */
import { spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runCommand } from "./setup/run-command.mjs";
import { installPackages, installTestPackages } from "./setup/system-packages.mjs";

// As nodes/process/umask.ts, which only a Node that takes types can load.
process.umask(0o022);

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(project, "node_modules");
const pinnedNode = join(modules, `node-linux-${process.arch}`, "bin", "node");
const build = join(project, "build");
/**
 * Directory of Node's compile cache: with it a process starts in a third of the time and in half the memory,
 * because it need not load the compiler that strips types.
 */
const compileCache = join(modules, ".cache", "novact");
/** The modules that a cluster's processes load. */
const mainModules = [
  "up/up.ts",
  "controller/main.ts",
  "compute/main.ts",
  "cli/on-process.ts",
  "cli/program.ts",
];
/** Signals that a person or a supervisor sends to end us; a script decides what each of them means. */
const endings = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
/** Exit codes of README's table. */
const exits = { state: 4, unavailable: 6 };
const parentLookMs = 500;

/**
 * Installs what is missing. Answers true when this process runs on the pinned Node already. Otherwise the
 * script runs in a child process, this process ends as that one ends, and the promise never resolves.
 */
export async function onPinnedNode(script, argv) {
  await untilStopped(installIfNeeded);
  linkCommand();
  linkEntries();
  linkExamples();
  process.env.NODE_COMPILE_CACHE ??= compileCache;
  if (realpathSync(process.execPath) === realpathSync(pinnedNode)) {
    module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
    return true;
  }
  const child = spawn(pinnedNode, [script, ...argv], {
    stdio: "inherit",
    // Not .bin: what a person could type there and cannot here would be mistaken for what can be typed.
    env: { ...process.env, PATH: `${dirname(pinnedNode)}:${process.env.PATH ?? ""}` },
  });
  for (const signal of endings) {
    // A terminal's Ctrl-C reaches the child by itself; a signal to our pid alone does not.
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    say(`The pinned Node could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0));
  });
  return new Promise(() => undefined);
}

/**
 * Does the work of a set-up. A signal ends its programs, the second one at once, and then this process with
 * 128 + the signal's number. The shell of `npm start` passes no signal on: when it is gone, we were meant.
 */
async function untilStopped(work) {
  const [first, second] = [new AbortController(), new AbortController()];
  let heard;
  const hear = (signal) => {
    if (heard !== undefined) return second.abort();
    heard = signal;
    say(`${signal}: the set-up ends (once more: at once)`);
    first.abort();
  };
  for (const signal of endings) process.on(signal, hear);
  const parent = process.env.npm_lifecycle_event === undefined ? undefined : process.ppid;
  const look = setInterval(() => {
    if (parent !== undefined && process.ppid !== parent && heard === undefined) hear("SIGHUP");
  }, parentLookMs);
  try {
    await work({ first: first.signal, second: second.signal });
  } catch (error) {
    if (heard === undefined) {
      // What goes on beside it must not outlive us.
      second.abort();
      if (error.exit === undefined) throw error;
      say(error.message);
      process.exit(error.exit);
    }
  } finally {
    clearInterval(look);
    for (const signal of endings) process.off(signal, hear);
  }
  if (heard !== undefined) process.exit(128 + constants.signals[heard]);
}

async function installIfNeeded(stop) {
  if (existsSync(pinnedNode) && isInstalled()) return;
  if (process.platform !== "linux")
    throw refusal(`novact runs on Linux; this is ${process.platform}.`, exits.state);
  const startedAt = Date.now();
  say("npm packages and the pinned Node: npm ci …");
  const code = await npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"], stop);
  if (code !== 0) {
    throw refusal(
      "npm ci failed; its messages are above. Is the package registry reachable?",
      exits.unavailable,
    );
  }
  if (!existsSync(pinnedNode)) {
    throw refusal(
      `npm brought no Node for ${process.arch}: novact needs x64 or arm64, and npm's optional dependencies.`,
      exits.state,
    );
  }
  say(`npm packages and the pinned Node: done, ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

/**
 * Loads all modules once when a source is newer than the cache. A failure does not matter: it only makes the
 * first start slower.
 */
async function fillCompileCache(stop) {
  const stamp = `${compileCache}.stamp`;
  const filledAtMs = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (newestSourceMs() <= filledAtMs) return;
  rmSync(compileCache, { recursive: true, force: true });
  mkdirSync(compileCache, { recursive: true });
  writeFileSync(stamp, "");
  const urls = mainModules.map((path) => pathToFileURL(join(project, "nodes", path)).href);
  const script = `await Promise.allSettled(${JSON.stringify(urls)}.map((url) => import(url))); process.exit(0);`;
  await runCommand(pinnedNode, ["--input-type=module", "--eval", script], {
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
    stop,
  }).catch((error) => {
    if (stop.first.aborted) throw error;
  });
}

function newestSourceMs() {
  const times = ["protocol", "actors", "db", "nodes"].flatMap((folder) =>
    readdirSync(join(project, folder), { recursive: true })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => statSync(join(project, folder, name)).mtimeMs),
  );
  return Math.max(...times);
}

async function npm(argv, stop) {
  try {
    return (await runCommand("npm", argv, { cwd: project, inherit: true, stop })).code;
  } catch (error) {
    if (stop.first.aborted) throw error;
    throw refusal(`npm could not be started (${error.message}). Install npm, then try again.`, exits.state);
  }
}

/** Compares the lock file with npm's record of what it has installed. */
function isInstalled() {
  const installed = packagesOf(join(modules, ".package-lock.json"));
  return Object.entries(packagesOf(join(project, "package-lock.json"))).every(
    ([path, { version, optional }]) =>
      path === "" ||
      (installed[path] === undefined ? optional === true : installed[path].version === version),
  );
}

function packagesOf(lockFile) {
  if (!existsSync(lockFile)) return {};
  return JSON.parse(readFileSync(lockFile, "utf8")).packages ?? {};
}

/**
 * Links the command for `npx novact` in the checkout itself: npm links a package's own commands only for
 * other packages.
 */
function linkCommand() {
  const link = join(modules, ".bin", "novact");
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(dirname(link), { recursive: true });
  try {
    symlinkSync("../../nodes/novact.mjs", link);
  } catch (error) {
    // Another start at the same time has made the link.
    if (error.code !== "EEXIST") throw error;
  }
}

/**
 * For `import "novact"` in the checkout itself: what package.json exports is in build/, so the sources stand
 * in for it there as long as nobody has built, and again when the package is packed (`npm pack`).
 */
export function linkEntries() {
  const { exports } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  for (const entry of JSON.stringify(exports).match(/(?<="\.\/build\/)[\w/.-]+(?=")/g) ?? []) {
    const file = join(build, entry);
    const source = join(project, entry.replace(/\.(?:js|d\.ts)$/, ".ts"));
    // The one for browsers has no source of its own: it is a bundle.
    if (existsSync(file) || !existsSync(source)) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `export * from "${relative(dirname(file), source)}";\n`);
  }
}

/** The packages under spec/examples find this checkout as they would find an installed package. */
export function linkExamples() {
  const examples = join(project, "spec/examples");
  const link = join(examples, "node_modules/novact");
  if (!existsSync(examples) || existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  try {
    symlinkSync(relative(dirname(link), project), link);
  } catch (error) {
    // Another process was faster.
    if (error.code !== "EEXIST") throw error;
  }
}

function say(message) {
  console.error(`[set-up] ${message}`);
}

async function installSystem(tests, stop) {
  await installPackages(say, stop);
  if (tests) await installTestPackages(say, stop);
}

/** An error for people that ends this process with the exit code. */
const refusal = (message, exit) => Object.assign(new Error(message), { exit });

async function main(argv) {
  const tests = argv[0] === "--tests";
  const system = tests || argv[0] === "--system";
  const [name, ...rest] = system ? argv.slice(1) : argv;
  await untilStopped(async (stop) => {
    const packages = system ? installSystem(tests, stop) : Promise.resolve();
    const ready = installIfNeeded(stop).then(() => (system ? fillCompileCache(stop) : undefined));
    const told = packages.catch((error) => {
      throw refusal(error.message, error.code === "FAILED_PRECONDITION" ? exits.state : 1);
    });
    // When it was stopped, both are waited for.
    const both = [ready, told];
    await Promise.all(both).catch(async (error) => {
      if (stop.first.aborted) await Promise.allSettled(both);
      throw error;
    });
  });
  linkCommand();
  linkEntries();
  linkExamples();
  if (name === undefined) return;
  const script = resolve(project, name);
  await onPinnedNode(script, rest);
  process.argv.splice(1, process.argv.length, script, ...rest);
  await import(pathToFileURL(script).href);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2));
}
