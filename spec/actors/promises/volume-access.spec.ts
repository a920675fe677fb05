/** V1 and V9 by value: volumes with two writers, writers that take turns, and writes that are lost. */
import { expect } from "chai";
import type { Checker, Fact, GuestHeld } from "../../../actors/promises/facts.ts";
import { oneEpochWrites } from "../../../actors/promises/v01-one-epoch-writes.ts";
import { writesSurvive } from "../../../actors/promises/v09-writes-survive.ts";
import type { VolumeOpened, VolumeWritten } from "../../../actors/promises/volume-access.ts";
import { volume } from "../../../protocol/volume.ts";
import { volumeCopy } from "../../../protocol/volume-copy.ts";

/** Every host has one process. */
const by = (hostId: string) => ({ atMs: 1, hostId, instanceId: `of-${hostId}`, pid: 1 });
const access = (kind: VolumeOpened["kind"], hostId: string, epoch = 1): VolumeOpened => ({
  ...{ kind, ...by(hostId), volumeId: "v", epoch },
});
const held = (kind: GuestHeld["kind"], hostId: string): Fact => ({ kind, ...by(hostId), ownerEpoch: 1 });
const wrote = (hostId: string, found: number, epoch = 1): VolumeWritten => ({
  ...{ kind: "volumeWritten", ...by(hostId), volumeId: "v", epoch, found },
});
/** Facts have only the fields that these checkers read. */
const factOf = (some: object): Fact => some as Fact;
const committed = (commit: object): Fact =>
  factOf({ kind: "committed", atMs: 1, by: "c1", result: { kind: "committed" }, commit });
const fence = (hostId: string): Fact =>
  committed({ leasesFenced: [{ hostId, leaseEpoch: 1, proof: { kind: "operator" } }] });
const grant = (hostId: string): Fact => committed({ leasesGranted: [{ hostId, leaseEpoch: 2 }] });
const found = (checker: Checker, ...facts: readonly Fact[]) => facts.flatMap((fact) => checker.see(fact));
const [opened, closed] = ["volumeOpened", "volumeClosed"] as const;

describe("V1: one epoch writes", () => {
  it("holds where one process closes a volume before the next opens it, and writes to it alone", () => {
    const handed = [access(opened, "h1"), wrote("h1", 0), access(closed, "h1"), access(opened, "h2", 2)];
    expect(found(oneEpochWrites(), ...handed, wrote("h2", 1))).to.deep.equal([]);
  });

  it("is broken by a second process that has it open, also by one that is paused", () => {
    expect(found(oneEpochWrites(), access(opened, "h1"), access(opened, "h2", 2))).to.have.length(1);
    const paused = [grant("h1"), access(opened, "h1"), held("guestHeld", "h1"), access(opened, "h2", 2)];
    expect(found(oneEpochWrites(), ...paused)).to.have.length(1);
  });

  it("holds beside a stopped process of a fenced host, until that is let go or its host comes back", () => {
    const taken = [access(opened, "h1"), held("guestHeld", "h1"), fence("h1"), access(opened, "h2", 2)];
    expect(found(oneEpochWrites(), ...taken)).to.deep.equal([]);
    expect(found(oneEpochWrites(), ...taken, held("guestFree", "h1"))).to.have.length(1);
    expect(found(oneEpochWrites(), ...taken, grant("h1"))).to.have.length(1);
  });

  it("is broken by a write of who has it not open", () => {
    expect(found(oneEpochWrites(), wrote("h1", 0))).to.have.length(1);
    expect(found(oneEpochWrites(), access(opened, "h1"), wrote("h2", 0))).to.have.length(1);
  });
});

describe("V9: writes survive", () => {
  const quiet = (writes: number): Fact =>
    factOf({
      ...{ kind: "quiet", atMs: 2 },
      volumes: { rows: [{ id: "v" }], files: [{ volumeId: "v", place: "s", epoch: 1, writes }] },
    });

  it("holds where each writer finds what the last one has written, and the file has it at the end", () => {
    expect(found(writesSurvive(), wrote("h1", 0), wrote("h1", 1), wrote("h2", 2), quiet(3))).to.deep.equal(
      [],
    );
  });

  it("is broken where a writer finds less, or where the file has less at the end", () => {
    expect(found(writesSurvive(), wrote("h1", 0), wrote("h1", 1), wrote("h2", 0))).to.have.length(1);
    expect(found(writesSurvive(), wrote("h1", 0), quiet(0))).to.have.length(1);
  });

  it("holds in a copy what its source had when the copy was asked for, and is broken where it is not", () => {
    const made = { ...{ id: "copy", sourceId: "v" } };
    const copied = committed({ rows: [{ resource: volumeCopy, made }] });
    const ofCopy = (number: number): Fact => ({ ...wrote("h1", number), volumeId: "copy" });
    const first = [wrote("h1", 0), wrote("h1", 1), copied];
    expect(found(writesSurvive(), ...first, wrote("h1", 2), ofCopy(2), ofCopy(3))).to.deep.equal([]);
    for (const number of [0, 3, -1])
      expect(found(writesSurvive(), ...first, wrote("h1", 2), ofCopy(number))).to.have.length(1);
  });

  it("lets a volume go by its deletion, or with an instance that was to take it along, and else not", () => {
    const instance = (volumes: readonly object[]) => ({ row: { id: "i", volumes } });
    const removed = { resource: volume, removed: "v" };
    const goes = (its: object) => [
      committed({ instances: [instance([{ volumeId: "v", ...its }])] }),
      committed({ instances: [instance([])], rows: [removed] }),
    ];
    const leaving = { kind: "leaving", generation: 2 };
    expect(found(writesSurvive(), committed({ request: {}, rows: [removed] }))).to.deep.equal([]);
    expect(found(writesSurvive(), ...goes({ deleteOnTermination: true }))).to.deep.equal([]);
    expect(found(writesSurvive(), ...goes({ deleteOnTermination: false }))).to.have.length(1);
    expect(found(writesSurvive(), ...goes({ deleteOnTermination: true, change: leaving }))).to.have.length(1);
  });

  it("is broken where a writer writes again after another one, without having got the volume anew", () => {
    expect(found(writesSurvive(), wrote("h1", 0), wrote("h2", 1), wrote("h1", 2))).to.have.length(1);
    const handedBack = [wrote("h1", 0), wrote("h2", 1, 2), wrote("h1", 2, 3)];
    expect(found(writesSurvive(), ...handedBack)).to.deep.equal([]);
  });
});
