/** Copies of root disks on a host: one at a time, by whoever can read the disk, and gone when nobody asks. */
import { expect } from "chai";
import { RootCopies } from "../../../../actors/node/host/copies.ts";
import { forgotten, nextToCopy } from "../../../../actors/node/host/copy-plan.ts";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import { DiskTurns } from "../../../../actors/node/machine/disk-turns.ts";
import type { CopyName, CopyWay, DiskCopies, KeptCopy } from "../../../../actors/ports/disk-copies.ts";
import type { Guest, RootCopy } from "../../../../actors/ports/hypervisor.ts";
import { systemClock } from "../../../../nodes/process/clock.ts";
import type { DiskCopy } from "../../../../protocol/host-images.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog } from "../../../support/silent-log.ts";

const sha256 = "a".repeat(64);
const call = {} as never;

/** Copies in memory: what was done, and what of it waits for a word of the spec. */
class Scripted implements DiskCopies {
  readonly done: string[] = [];
  readonly all = new Map<string, KeptCopy>();
  left: string[] = [];
  filled: Promise<void> = Promise.resolve();
  sent: Promise<void> = Promise.resolve();
  keeping: Promise<void> = Promise.resolve();
  isFull = false;

  async leftBytes(): Promise<number> {
    if (this.isFull) throw new StatusError("diskFull", "There is no room.");
    return 0;
  }
  async prepare({ imageId }: CopyName): Promise<string> {
    this.done.push(`prepare ${imageId}`);
    return "/copy.part";
  }
  async fill({ imageId }: CopyName): Promise<void> {
    this.done.push(`fill ${imageId}`);
    await this.filled;
  }
  async keep(of: CopyName): Promise<KeptCopy> {
    const { imageId, instanceId, ownerEpoch } = of;
    const copy = { imageId, instanceId, ownerEpoch, sizeBytes: 7, sha256 };
    this.done.push(`keep ${imageId}`);
    await this.keeping;
    this.all.set(imageId, copy);
    return copy;
  }
  async kept(): Promise<readonly KeptCopy[]> {
    return [...this.all.values()];
  }
  async send(imageId: string, { nextOffset }: CopyWay): Promise<void> {
    this.done.push(`send ${imageId} from ${nextOffset}`);
    await this.sent;
  }
  async remove(imageId: string): Promise<void> {
    this.all.delete(imageId);
    this.done.push(`remove ${imageId}`);
  }
  async clear(instanceId: string): Promise<void> {
    this.left = this.left.filter((id) => id !== instanceId);
  }
  async leftovers(): Promise<readonly string[]> {
    return this.left;
  }
}

const guest: Guest = { instanceId: "i1", ownerEpoch: 3, pid: 1, startedAtMs: 1, status: "running" };
const of = (imageId: string) => ({ imageId, instanceId: "i1", ownerEpoch: 3, base: null });
const way = { url: "http://127.0.0.1/v1/uploads/x", ticket: "t", nextOffset: 0 };

function world(copies = new Scripted()) {
  const state: { guest: Guest | undefined; copied: Promise<void>; ends: boolean } = {
    ...{ guest, copied: Promise.resolve(), ends: true },
  };
  const done: string[] = [];
  const hypervisor = {
    inspect: async () => state.guest,
    copyRoot: async (_id: string, { path, onProgress }: RootCopy, signal: AbortSignal) => {
      done.push(`copy into ${path}`);
      onProgress(3, 9);
      const ended = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => ended.reject(new Error("It was ended.")));
      await Promise.race([state.copied, ended.promise]);
    },
    endCopy: async (id: string) => {
      done.push(`end ${id}`);
      if (!state.ends) throw new Error("It is silent.");
    },
  };
  const diskTurns = new DiskTurns();
  const host = new RootCopies({ hypervisor, copies, diskTurns, clock: systemClock, log: silentLog });
  const ask = async (imageId: string, upload?: CopyWay): Promise<DiskCopy> =>
    host.handlers.copyDisk({ ...of(imageId), ...(upload && { upload }) }, call);
  /** Asks until it is in this state. */
  const until = async (imageId: string, state: DiskCopy["state"]): Promise<DiskCopy> => {
    for (;;) {
      const copy = await ask(imageId);
      if (copy.state === state) return copy;
      await new Promise(setImmediate);
    }
  };
  return { state, done, copies, host, ask, until, diskTurns };
}

describe("copies of root disks on a host", () => {
  it("are made by the hypervisor of a guest that lives, and told how far they are", async () => {
    const { state, done, ask, until } = world();
    const end = Promise.withResolvers<void>();
    state.copied = end.promise;
    await ask("one");
    await new Promise(setImmediate);
    expect(await ask("one")).to.include({ state: "copying", doneBytes: 3, totalBytes: 9 });
    end.resolve();
    expect(await until("one", "ready")).to.include({ sizeBytes: 7, sha256 });
    expect(done).to.deep.equal(["copy into /copy.part"]);
  });

  it("are made by a tool where the guest is down, and anew when it starts meanwhile", async () => {
    const { state, done, copies, until, diskTurns, ask } = world();
    state.guest = undefined;
    const end = Promise.withResolvers<void>();
    copies.filled = end.promise;
    await ask("one");
    while (!copies.done.includes("fill one")) await new Promise(setImmediate);
    const entering = diskTurns.enter("i1");
    end.reject(new Error("The tool was ended."));
    (await entering)();
    state.guest = guest;
    await until("one", "ready");
    expect([copies.done, done]).to.deep.equal([
      ["fill one", "prepare one", "keep one"],
      ["copy into /copy.part"],
    ]);
  });

  it("are gone when they are ended, also while they are being kept", async () => {
    const { copies, host, ask } = world();
    const end = Promise.withResolvers<void>();
    copies.keeping = end.promise;
    await ask("one");
    while (!copies.done.includes("keep one")) await new Promise(setImmediate);
    await host.handlers.endCopy({ imageId: "one" }, call);
    end.resolve();
    await host.stop();
    expect([...copies.all.keys()]).to.deep.equal([]);
  });

  it("clear what is left of a guest once, whoever else comes to do it", async () => {
    const { state, copies, host, ask, until } = world();
    copies.left = ["i1"];
    state.ends = false;
    await ask("one").catch(() => undefined);
    const cleared: string[] = [];
    const ended = Promise.withResolvers<void>();
    const clear = copies.clear.bind(copies);
    copies.clear = async (instanceId) => {
      cleared.push(instanceId);
      await ended.promise;
      return clear(instanceId);
    };
    state.ends = true;
    const both = [ask("one"), host.tidy()];
    while (cleared.length === 0) await new Promise(setImmediate);
    await new Promise(setImmediate);
    ended.resolve();
    await Promise.all(both);
    expect(cleared).to.deep.equal(["i1"]);
    await until("one", "ready");
  });

  it("are made one at a time, in the order in which they were asked for", async () => {
    const { state, ask, until } = world();
    const end = Promise.withResolvers<void>();
    state.copied = end.promise;
    expect(await ask("one")).to.include({ state: "copying" });
    expect(await ask("two")).to.include({ state: "waiting" });
    end.resolve();
    await until("two", "ready");
  });

  it("are sent where they are told to, and again when they were cut off", async () => {
    const { copies, ask, until } = world();
    await until("one", "ready");
    const cut = Promise.withResolvers<void>();
    copies.sent = cut.promise;
    expect(await ask("one", way)).to.include({ state: "sending" });
    // Whoever asks meanwhile begins nothing a second time.
    expect(await ask("one", way)).to.include({ state: "sending" });
    cut.reject(new StatusError("imageElsewhere", "Cut off."));
    expect((await until("one", "ready")).failure).to.deep.equal({
      ...{ reason: "imageElsewhere", message: "Cut off." },
    });
    copies.sent = Promise.resolve();
    await ask("one", { ...way, nextOffset: 4 });
    expect(copies.done.slice(-2)).to.deep.equal(["send one from 0", "send one from 4"]);
  });

  it("fail with the reason, and with none of what went wrong inside", async () => {
    const { state, until } = world();
    state.copied = Promise.reject(new StatusError("copyLost", "The guest ended."));
    state.copied.catch(() => undefined);
    const { failure } = await until("one", "failed");
    expect(failure).to.deep.equal({ reason: "copyLost", message: "The guest ended." });
    state.guest = { ...guest, ownerEpoch: 4 };
    expect((await until("two", "failed")).failure?.reason).to.equal("staleEpoch");
  });

  it("end before the file system is full, in words, also where a hypervisor makes them", async () => {
    const { state, copies, until } = world();
    state.copied = Promise.withResolvers<void>().promise;
    await until("one", "copying");
    copies.isFull = true;
    expect((await until("one", "failed")).failure).to.deep.equal({
      reason: "diskFull",
      message: "There is no room.",
    });
  });

  it("outlive the agent when they are whole; what it left half done ends with its file", async () => {
    const copies = new Scripted();
    const before = world(copies);
    await before.until("one", "ready");
    await before.host.stop();
    copies.left = ["i1"];
    const after = world(copies);
    expect(await after.ask("one")).to.include({ state: "ready", sizeBytes: 7 });
    expect([after.done, copies.left]).to.deep.equal([["end i1"], []]);
  });

  it("keep the file of a job that does not end, until it does, and no other guest's copy waits for that", async () => {
    const { state, copies, host, ask } = world();
    copies.left = ["i1"];
    state.ends = false;
    const refused = await ask("one").catch((error: unknown) => StatusError.from(error, "Asking").reason);
    expect(refused).to.equal("hypervisorRefused");
    const other = { ...of("two"), instanceId: "i2" };
    expect((await host.handlers.copyDisk(other, call)).state).to.equal("copying");
    expect(copies.left).to.deep.equal(["i1"]);
    state.ends = true;
    await host.tidy();
    expect(copies.left).to.deep.equal([]);
  });

  it("begin only when one that was ended is out of the way", async () => {
    const { state, copies, host, ask, until } = world();
    const { promise, resolve } = Promise.withResolvers<void>();
    state.copied = promise;
    await until("one", "copying");
    await host.handlers.endCopy({ imageId: "one" }, call);
    expect((await ask("two")).state).to.equal("waiting");
    resolve();
    await until("two", "ready");
    expect([...copies.all.keys()]).to.deep.equal(["two"]);
  });

  it("end when they are told to, whatever they are at", async () => {
    const { copies, host, until } = world();
    await until("one", "ready");
    await host.handlers.endCopy({ imageId: "one" }, call);
    await host.handlers.endCopy({ imageId: "never" }, call);
    expect([...copies.all.keys()]).to.deep.equal([]);
  });

  it("are begun in their order, and forgotten when nobody asks", () => {
    const copy = (imageId: string, state: DiskCopy["state"], askedAtMs = 0) => ({
      ...{ imageId, state, doneBytes: 0, totalBytes: 0, askedAtMs },
    });
    expect(nextToCopy([copy("a", "ready"), copy("b", "waiting"), copy("c", "waiting")])).to.equal("b");
    expect(nextToCopy([copy("a", "copying"), copy("b", "waiting")])).to.equal(undefined);
    const nowMs = hostLimits.copyForgottenMs + 5;
    expect(forgotten([copy("a", "ready", 4), copy("b", "ready", 5)], nowMs)).to.deep.equal(["a"]);
  });
});
