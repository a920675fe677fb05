/** Programs of the set-up: what they answer, and that a person's Ctrl-C ends them with all their children. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { mustRun, runCommand } from "../../../nodes/setup/run-command.mjs";
import { lockIn } from "../../../nodes/setup/system-packages.mjs";

describe("a program of the set-up", () => {
  let directory: string;
  const ready = () => join(directory, "ready");
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-run-command-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const stopping = () => {
    const [first, second] = [new AbortController(), new AbortController()];
    return { first, second, stop: { first: first.signal, second: second.signal } };
  };
  /** A shell with a child of its own, which writes its pid when it runs. */
  const withChild = (before: string) => [
    "-c",
    `${before} sleep 600 & echo $! > ready.new; mv ready.new ready; wait; wait`,
  ];
  const childPid = async (): Promise<number> => {
    const deadlineMs = performance.now() + 30_000;
    while (!existsSync(ready()) && performance.now() < deadlineMs) await sleep(10);
    return Number(readFileSync(ready(), "utf8"));
  };
  const isAlive = (pid: number): boolean =>
    existsSync(`/proc/${pid}/stat`) && !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  const untilGone = async (pid: number): Promise<void> => {
    const deadlineMs = performance.now() + 10_000;
    while (isAlive(pid) && performance.now() < deadlineMs) await sleep(10);
    expect(isAlive(pid)).to.equal(false);
  };
  const reasonOf = (running: Promise<unknown>): Promise<string> =>
    running.then(
      () => "it ended by itself",
      (error: Error) => error.name,
    );

  it("answers its exit code and both its outputs", async () => {
    const pieces: string[] = [];
    const onOutput = (text: string) => void pieces.push(text);
    const result = await runCommand("sh", ["-c", "echo a; echo b >&2; exit 3"], { onOutput });
    expect(result).to.deep.equal({ code: 3, stdout: "a\n", stderr: "b\n" });
    expect(pieces.sort()).to.deep.equal(["a\n", "b\n"]);
  });

  it("that has to succeed and does not says what it said last; a full disk is one", async () => {
    const failed = await mustRun("sh", ["-c", "echo why >&2; exit 1"]).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(Error).and.deep.include({ message: "sh failed: why", stderr: "why\n" });
    const full = await mustRun("sh", ["-c", "echo No space left on device >&2; exit 1"]).catch(
      (error: unknown) => error,
    );
    expect(full).to.deep.include({ code: "RESOURCE_EXHAUSTED" });
  });

  it("that is not there is an error", async () => {
    expect(await reasonOf(runCommand("novact-no-such-program", []))).to.equal("Error");
  });

  it("ends at the first Ctrl-C, with its children", async () => {
    const { first, stop } = stopping();
    const running = reasonOf(runCommand("sh", withChild(""), { cwd: directory, stop }));
    const pid = await childPid();
    first.abort();
    expect(await running).to.equal("AbortError");
    await untilGone(pid);
  });

  it("is killed when it is deaf to being asked", async () => {
    const { first, stop } = stopping();
    const running = reasonOf(runCommand("sh", withChild("trap '' TERM;"), { cwd: directory, stop }));
    const pid = await childPid();
    first.abort();
    expect(await running).to.equal("AbortError");
    await untilGone(pid);
  });

  it("may end in its own time at the first Ctrl-C when it asks for that, and is killed at the second", async () => {
    const { first, second, stop } = stopping();
    const running = reasonOf(
      runCommand("sh", withChild("trap '' INT;"), { cwd: directory, stop, gentle: true }),
    );
    const pid = await childPid();
    first.abort();
    await sleep(50);
    expect(isAlive(pid)).to.equal(true);
    second.abort();
    expect(await running).to.equal("AbortError");
    await untilGone(pid);
  });

  it("is not started after the first Ctrl-C", async () => {
    const { first, stop } = stopping();
    first.abort();
    expect(await reasonOf(runCommand("touch", [ready()], { stop }))).to.equal("AbortError");
    expect(existsSync(ready())).to.equal(false);
  });
});

describe("apt-get's lock", () => {
  it("is told in a line of ours, with the process that holds it", () => {
    const raw = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)\n";
    expect(lockIn(raw)).to.equal("packages: process 4711 is at work on them; waiting for it");
    expect(lockIn("E: Unable to lock directory /var/lib/apt/lists/\n")).to.contain("another program");
    expect(lockIn("E: Unable to locate package nosuch\n")).to.equal(undefined);
  });
});
