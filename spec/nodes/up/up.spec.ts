/** The parts of `up` that need no server: proofs of processes, the lock, the keeper, and the screen. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { credentialsFile } from "../../../nodes/bus/credentials.ts";
import { hostUser } from "../../../nodes/bus/users.ts";
import { parseConfig } from "../../../nodes/config/config.ts";
import {
  endProcess,
  findProved,
  isAlive,
  proofOf,
  writeProof,
} from "../../../nodes/process/owned-process.ts";
import { judgeNodes, tellBroken } from "../../../nodes/up/compute-nodes.ts";
import { type Kept, keep } from "../../../nodes/up/keeper.ts";
import { upLimits } from "../../../nodes/up/limits.ts";
import { LockedError, takeLock } from "../../../nodes/up/lock.ts";
import { Presses } from "../../../nodes/up/presses.ts";
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
  const world = async (failing: readonly number[] = [], firstFailed?: (error: Error) => void) => {
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
      ...(firstFailed === undefined ? {} : { firstFailed }),
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

  it("says the same failure once, however often it comes in a row", async () => {
    const { said, started, passed } = await world([2, 3, 4, 6]);
    started[0]?.end(killed);
    for (const ms of [200, 400, 800, 1_600]) await passed(ms);
    started[1]?.end(killed);
    for (const ms of [3_200, 6_400]) await passed(ms);
    const failures = said.filter((text) => text.includes("did not come back"));
    expect(failures).to.deep.equal(["thing did not come back: no", "thing did not come back: no"]);
  });

  it("repeats also the first start, for a process that others do not depend on", async () => {
    await world([1]).then(
      () => expect.fail("it was kept"),
      (error: Error) => expect(error.message).to.equal("no"),
    );
    const told: string[] = [];
    const { keeper, passed } = await world([1], ({ message }) => told.push(message));
    expect([told, keeper.current()]).to.deep.equal([["no"], undefined]);
    await passed(200);
    expect(keeper.current()?.pid).to.equal(2);
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

describe("a person's Ctrl-C", () => {
  it("counts once for each press where nothing is in front", () => {
    const presses = new Presses(false);
    expect([0, 3, 400].map((ms) => presses.hear(ms))).to.deep.equal(["first", "again", "again"]);
  });

  it("counts once where npm passes it on, and the next press counts also within a second", () => {
    const presses = new Presses(true);
    expect([0, 3, 400, 403].map((ms) => presses.hear(ms))).to.deep.equal(["first", "echo", "again", "again"]);
    const slow = new Presses(true);
    expect([0, upLimits.upEchoMsMax].map((ms) => slow.hear(ms))).to.deep.equal(["first", "again"]);
  });
});

describe("the nodes of a cluster", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-nodes-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const config = () =>
    parseConfig(
      "stateDirectory: state\nnodes: [{ name: a }, { name: b }, { name: c }]\n",
      join(directory, "c.yaml"),
    );

  it("are judged one by one: what is wrong with one does not touch another", () => {
    const ids = judgeNodes(config()).sound;
    expect([...ids.keys()]).to.deep.equal(["a", "b", "c"]);
    writeFileSync(join(directory, "state", "nodes", "a", "host-id"), "");
    const credentials = credentialsFile(join(directory, "state", "nats"), hostUser(ids.get("b") ?? ""));
    mkdirSync(dirname(credentials), { recursive: true });
    writeFileSync(credentials, "{");
    const judged = judgeNodes(config());
    expect([...judged.sound]).to.deep.equal([["c", ids.get("c")]]);
    expect([...judged.broken.keys()]).to.deep.equal(["a", "b"]);
    const said: string[] = [];
    tellBroken(judged, (text) => void said.push(text));
    expect(said).to.have.length(2);
    expect(said[0]).to.contain("a stays down").and.to.contain("host-id is empty. ");
    expect(said[1]).to.contain("b stays down").and.to.contain(`${credentials} is no file of credentials`);
  });

  it("that are all broken leave nothing to run", () => {
    const ids = judgeNodes(config()).sound;
    for (const name of ids.keys()) {
      rmSync(join(directory, "state", "nodes", name), { recursive: true });
      writeFileSync(join(directory, "state", "nodes", name), "a file");
    }
    expect(() => tellBroken(judgeNodes(config()), () => undefined)).to.throw(/nodes\/a/);
  });
});
