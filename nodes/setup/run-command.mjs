/**
 * Runs one program of the set-up (npm, apt-get, initdb, mke2fs, …) to its end, and ends it at a person's
 * Ctrl-C: asked at the first, killed with all its children at the second. Each program has a process group
 * of its own, so that a terminal's Ctrl-C reaches only us, and so that a kill reaches its children. Arguments
 * are always a list: nothing here may ever pass through a shell.
 *
 * Plain JavaScript without packages, because it runs before npm has brought anything.
 */
import { spawn } from "node:child_process";

/** Time that a program has to end when it is asked to; then it is killed. */
const graceMs = 1_000;

/**
 * Resolves when the program has ended, whatever its exit code. Nothing is started once `stop.first` is
 * aborted.
 * @throws the reason of `stop.first` when that was aborted; Error when the program cannot be started
 */
export async function runCommand(program, argv, options = {}) {
  const { stop, gentle = false, ownGroup = true, inherit = false, onOutput, ...rest } = options;
  stop?.first.throwIfAborted();
  const child = spawn(program, argv, {
    ...rest,
    detached: ownGroup,
    stdio: inherit ? ["ignore", 2, 2] : ["ignore", "pipe", "pipe"],
  });
  const collected = { stdout: [], stderr: [] };
  for (const name of ["stdout", "stderr"]) {
    child[name]?.on("data", (chunk) => {
      collected[name].push(chunk);
      onOutput?.(chunk.toString());
    });
  }
  let timer;
  const kill = () => end(child, ownGroup, "SIGKILL");
  const ask = () => {
    if (gentle) return end(child, false, "SIGINT");
    end(child, ownGroup, "SIGTERM");
    timer = setTimeout(kill, graceMs);
  };
  stop?.first.addEventListener("abort", ask);
  stop?.second.addEventListener("abort", kill);
  try {
    const code = await ended(child, stop);
    stop?.first.throwIfAborted();
    const text = (name) => Buffer.concat(collected[name]).toString();
    return { code, stdout: text("stdout"), stderr: text("stderr") };
  } finally {
    clearTimeout(timer);
    stop?.first.removeEventListener("abort", ask);
    stop?.second.removeEventListener("abort", kill);
  }
}

/**
 * As runCommand, for a program that has to succeed.
 * @throws Error with what the program said last, and the property `stderr`, when its exit code is not 0
 */
export async function mustRun(program, argv, options = {}) {
  const result = await runCommand(program, argv, options);
  if (result.code === 0) return result;
  const said = (result.stderr || result.stdout).trim().split("\n").slice(-5).join("\n");
  const error = new Error(`${program} failed${said === "" ? "" : `: ${said}`}`);
  throw Object.assign(error, {
    stderr: result.stderr,
    ...(isFull(result.stderr) ? { code: "RESOURCE_EXHAUSTED" } : {}),
  });
}

const isFull = (text) => /No space left on device|Disk quota exceeded|Write error/.test(text);

/** The exit code; null for a program that a signal ended. */
function ended(child, stop) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
    // A grandchild that has left the group may hold the output open: a program that was stopped is not read.
    child.once("exit", (code) => stop?.first.aborted && resolve(code));
  });
}

/** Signals the child, or its whole group. */
function end({ pid, exitCode, signalCode }, group, signal) {
  if (pid === undefined || (!group && (exitCode !== null || signalCode !== null))) return;
  try {
    process.kill(group ? -pid : pid, signal);
  } catch (error) {
    // Gone, or running as root by sudo, which only the terminal can reach.
    if (error.code !== "ESRCH" && error.code !== "EPERM") throw error;
  }
}
