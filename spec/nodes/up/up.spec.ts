/** The parts of `up` that need no server: proofs of processes, the lock, the keeper, and the screen. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  endProcess,
  findProved,
  isAlive,
  proofOf,
  writeProof,
} from "../../../nodes/process/owned-process.ts";
import { type Kept, keep } from "../../../nodes/up/keeper.ts";
import { LockedError, takeLock } from "../../../nodes/up/lock.ts";
import { openScreen, printable } from "../../../nodes/up/screen.ts";
import type { ServerEnd } from "../../../nodes/up/server-process.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

describe("the proof of a process", () => {
  let directory: string;
  const children: ChildProcess[] = [];
  const file = () => join(directory, "process.json");
  const sleeper = (seconds: string): number => {
    const child = spawn("sleep", [seconds], { stdio: "ignore" });
    children.push(child);
    return child.pid ?? 0;
  };
  const taken = (pid: number, argument: string) => {
    const proof = proofOf(pid, argument);
    if (proof === undefined) throw new Error("The process is not there.");
    return proof;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-proof-"));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    rmSync(directory, { recursive: true });
  });

  it("holds for the very process, and no longer when it has ended", async () => {
    const proof = taken(sleeper("601"), "601");
    expect(isAlive(proof)).to.equal(true);
    writeProof(file(), proof);
    expect(findProved(file())).to.deep.equal(proof);
    await endProcess(proof, { signal: "SIGTERM", patienceMs: 5_000 });
    expect(isAlive(proof)).to.equal(false);
    expect(findProved(file())).to.equal(undefined);
  });

  it("does not hold for another process that has the same pid", () => {
    const proof = taken(sleeper("602"), "602");
    for (const lie of [
      { startTicks: "1" },
      { bootId: "another" },
      { program: "postgres" },
      { argument: "603" },
      { pid: 2 ** 22 + 1 },
    ]) {
      expect(isAlive({ ...proof, ...lie }), JSON.stringify(lie)).to.equal(false);
    }
  });

  it("is nothing when its file is broken, half or missing", () => {
    expect(findProved(file())).to.equal(undefined);
    for (const text of ["", "{", "null", "[]", '{"pid":1}']) {
      writeFileSync(file(), text);
      expect(findProved(file()), text).to.equal(undefined);
    }
  });

  it("kills what does not end when asked", async () => {
    const child = spawn("sh", ["-c", "trap '' TERM; echo on; while :; do sleep 0.05; done", "novact-deaf"]);
    children.push(child);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const proof = taken(child.pid ?? 0, "novact-deaf");
    await endProcess(proof, { signal: "SIGTERM", patienceMs: 100 });
    expect(isAlive(proof)).to.equal(false);
  });
});

describe("the lock of a state directory", () => {
  let directory: string;
  const file = () => join(directory, "deep", "up.json");
  const argument = process.argv[1] ?? "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-lock-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("is refused while its process lives, and names it", () => {
    const unlock = takeLock(file(), argument);
    expect(() => takeLock(file(), argument)).to.throw(LockedError, `process ${process.pid} runs it`);
    unlock();
    expect(existsSync(file())).to.equal(false);
    takeLock(file(), argument)();
  });

  it("is taken over from a process that is dead, or from a file that proves nothing", () => {
    const unlock = takeLock(file(), argument);
    const held = JSON.parse(readFileSync(file(), "utf8"));
    unlock();
    for (const text of [JSON.stringify({ ...held, startTicks: "1" }), "{"]) {
      writeFileSync(file(), text);
      takeLock(file(), argument)();
    }
  });
});

describe("a keeper", () => {
  class Fake implements Kept {
    readonly pid: number;
    readonly ended: Promise<ServerEnd>;
    end: (end: ServerEnd) => void = () => undefined;
    constructor(pid: number) {
      this.pid = pid;
      this.ended = new Promise((resolve) => {
        this.end = resolve;
      });
    }
  }
  const killed: ServerEnd = { code: null, signal: "SIGKILL" };
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  /** A keeper of fake processes on simulated time. `failing`: the starts that fail, by their number. */
  const world = async (failing: readonly number[] = []) => {
    const clock = new SimulatedClock();
    const said: string[] = [];
    const started: Fake[] = [];
    let starts = 0;
    const keeper = await keep<Fake>({
      name: "thing",
      clock,
      say: (text) => said.push(text),
      start: async () => {
        starts += 1;
        if (failing.includes(starts)) throw new Error("no");
        const fake = new Fake(starts);
        started.push(fake);
        return fake;
      },
    });
    const passed = async (ms: number) => {
      await settle();
      await clock.advance(ms);
      await settle();
    };
    return { keeper, said, started, passed };
  };

  it("starts again what has ended, and says so", async () => {
    const { keeper, said, started, passed } = await world();
    started[0]?.end(killed);
    await passed(200);
    expect(keeper.current()?.pid).to.equal(2);
    expect(said).to.deep.equal(["thing was ended by SIGKILL; starting it again", "thing is back (pid 2)"]);
  });

  it("waits longer after every failure, and never gives up", async () => {
    const { keeper, said, started, passed } = await world([2, 3]);
    started[0]?.end(killed);
    await passed(200);
    expect(keeper.current()).to.equal(undefined);
    await passed(399);
    expect(said.filter((text) => text.includes("did not come back"))).to.have.length(1);
    await passed(1);
    await passed(800);
    expect(keeper.current()?.pid).to.equal(4);
  });

  it("starts nothing any more when it stops, also in the middle of a pause", async () => {
    const { keeper, started, passed } = await world();
    started[0]?.end(killed);
    await settle();
    await keeper.stop(async () => undefined);
    await passed(60_000);
    expect(started).to.have.length(1);
  });

  it("ends what runs, once", async () => {
    const { keeper, started } = await world();
    const ended: number[] = [];
    await keeper.stop(async (fake) => {
      ended.push(fake.pid);
      fake.end({ code: 0, signal: null });
    });
    expect(ended).to.deep.equal([1]);
    expect(started).to.have.length(1);
  });
});

describe("the screen of up", () => {
  it("shows a guest's text without what would steer the terminal", () => {
    expect(printable("a\u001b[31mb\r\nc\td\u0007\u009b2J\u0000é")).to.equal("ab\nc\td2Jé");
  });

  it("begins a line of its own after a guest's half line, with the time since the process began", () => {
    let text = "";
    const screen = openScreen({ write: (more) => (text += more) });
    screen.show("hello# ");
    screen.say("ends");
    expect(text).to.match(/^hello# \n\[ +\d+\.\d s\] ends\n$/);
    expect(screen.sinceStartMs()).to.be.greaterThan(performance.now() - 100);
  });
});
