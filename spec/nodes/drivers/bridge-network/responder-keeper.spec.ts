/** How a responder is kept alive, by a program that only ends; and which processes belong to a fabric. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import {
  endResidents,
  findResidents,
  residentEnvironment,
} from "../../../../nodes/drivers/bridge-network/holder.ts";
import { ResponderKeeper } from "../../../../nodes/drivers/bridge-network/responder-keeper.ts";
import { driverLimits } from "../../../../nodes/drivers/limits.ts";
import { openProcessLog } from "../../../../nodes/drivers/process-log.ts";
import { systemClock } from "../../../../nodes/process/clock.ts";
import { responderFiles } from "../../../../nodes/responder/state.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog, type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";
import { skip } from "../../../support/services.ts";
import { mountSmall } from "../../../support/small-file-system.ts";

const guest = (number: number) => ({
  ...{ own: `100.64.0.${2 * number}`, all: `100.64.0.${2 * number + 1}` },
  lease: {
    ...{ address: number, prefix: 24, router: null, dnsServers: [], routes: [], mtuBytes: 1_400 },
    ...{ hostName: null, mac: "52:54:00:00:00:01" },
  },
});

describe("the responder of a host", () => {
  let place: TemporaryDirectory;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  const entranceOf = (directory: string) => ({
    directory,
    path: async () => "/proc/self/ns/net",
    run: () => Promise.reject(new Error("No tool is run.")),
  });

  it("is told on a full disk of those that go, and of nobody else", function () {
    const small = mountSmall(this, 1);
    const keeper = new ResponderKeeper({ clock: systemClock, log: silentLog, program: "/nowhere" });
    const want = async (...numbers: readonly number[]) =>
      keeper.want({ guests: numbers.map(guest) }, entranceOf(small.path)).then(
        () => "done",
        (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
      );
    return (async () => {
      try {
        await want(1, 2);
        small.fill();
        expect([await want(1), await want(), await want(1, 3)]).to.deep.equal(["done", "done", "diskFull"]);
        small.free();
        expect(await want()).to.equal("done");
      } finally {
        keeper.detach();
        small.remove();
      }
    })();
  });

  it("is told on a full disk of a guest's interface that goes, and not of one that comes", async function () {
    const small = mountSmall(this, 1);
    const keeper = new ResponderKeeper({ clock: systemClock, log: silentLog, program: "/nowhere" });
    const portOf = (id: string) => ({
      ...{ id, networkId: "network", macAddress: "52:54:00:00:00:01", mtuBytes: 1_400 },
      ...{ addresses: [], routes: [], dnsServers: [], dhcp: { v4: true, v6: false } },
    });
    const want = (ids: readonly string[]) => {
      const told = { path: "/one", instanceId: "instance", ports: ids.map(portOf) };
      const guests = ids.map((_, index) => ({ ...guest(index + 1), told }));
      return keeper.want({ guests }, entranceOf(small.path)).then(
        () => "done",
        (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
      );
    };
    try {
      await want(["port-1", "port-2"]);
      small.fill();
      expect([await want(["port-1"]), await want(["port-1", "port-2", "port-3"])]).to.deep.equal([
        ...["done", "diskFull"],
      ]);
    } finally {
      keeper.detach();
      small.remove();
    }
  });

  it("that ends at once is begun again after longer and longer pauses", async function () {
    if (process.getuid?.() !== 0) return skip(this, "it needs root, to enter a namespace");
    let [nowMs, starts] = [0, 0];
    let look = () => undefined as unknown;
    const after = (_ms: number, act: () => void) => {
      look = act;
      return { cancel: () => undefined };
    };
    const ends = new EventTarget();
    const log = { ...silentLog, warn: () => ends.dispatchEvent(new Event("end")) };
    const clock = { ...systemClock, monotonicMs: () => nowMs, after };
    const keeper = new ResponderKeeper({ clock, log, program: join(place.path, "none.ts") });
    const entrance = {
      ...entranceOf(place.path),
      path: async () => {
        starts += 1;
        return "/proc/self/ns/net";
      },
    };
    const nextEnd = () => new Promise((resolve) => ends.addEventListener("end", resolve, { once: true }));
    let ended = nextEnd();
    await keeper.want({ guests: [guest(1)] }, entrance);
    for (const [atMs, count] of [
      ...[
        [999, 1],
        [1_000, 2],
        [2_999, 2],
        [3_000, 3],
        [6_999, 3],
        [7_000, 4],
      ],
    ] as const) {
      await ended;
      nowMs = atMs;
      if (count !== starts) ended = nextEnd();
      await look();
      // A look that starts a process goes on after the timer's turn.
      while (starts < count) await new Promise((resolve) => setImmediate(resolve));
      expect(starts, `${atMs} ms`).to.equal(count);
    }
    await ended;
    keeper.detach();
  });

  it("has a log that is bounded over all its lives", async () => {
    const path = join(place.path, responderFiles.log);
    await writeFile(path, "x".repeat(driverLimits.processLogBytesMax + 1));
    openProcessLog(path);
    expect(statSync(path).size).to.equal(0);
  });

  it("is no process that only happens to be in its directory", async function () {
    if (process.getuid?.() !== 0) return skip(this, "it needs root, as whom residents live");
    const directory = join(place.path, "fabric");
    await mkdir(directory);
    await chmod(directory, 0o700);
    const start = (env: NodeJS.ProcessEnv) =>
      spawn("sleep", ["1000"], { cwd: directory, env, stdio: "ignore" });
    const [shell, resident] = [start(process.env), start({ ...residentEnvironment(directory) })];
    await Promise.all([shell, resident].map((child) => once(child, "spawn")));
    expect((await findResidents(directory)).map(({ pid }) => pid)).to.deep.equal([resident.pid]);
    const ended = once(resident, "exit");
    await endResidents(directory);
    await ended;
    expect(existsSync(`/proc/${shell.pid}/cwd`)).to.equal(true);
    const gone = once(shell, "exit");
    shell.kill("SIGKILL");
    await gone;
  });
});
