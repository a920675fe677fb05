/**
 * The doctor on shared storage: disks that nobody owns, disks that are too new, disks that are missing. By
 * value.
 */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import { examine } from "../../../../actors/control/doctor/examine.ts";
import type { StorageState } from "../../../../actors/control/doctor/input.ts";
import type { StorageAgent } from "../../../../actors/shared-storage/listing.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { healthy } from "./worlds.ts";

const living = { ownerEpoch: 3, storageId: "s1", deleted: false, settled: true };
const listing = (
  disks: readonly (readonly [string, number])[],
  owners: readonly (readonly [string, typeof living])[],
): StorageState => ({
  storageId: "s1",
  hostId: "h1",
  disks: disks.map(([instanceId, ownerEpoch]) => ({ instanceId, ownerEpoch })),
  owners: new Map(owners),
});
const find = (...storages: readonly StorageState[]) =>
  compare({ ...healthy().input, storages }).findings.map(
    ({ kind, subject, message }) => `${kind} ${subject}: ${message}`,
  );

describe("doctor: disks on shared storage", () => {
  it("finds nothing where each instance has one disk, and counts them", () => {
    const storage = listing([["i9", 3]], [["i9", living]]);
    expect(find(storage)).to.deep.equal([]);
    expect(compare({ ...healthy().input, storages: [storage] }).compared).to.include({ sharedDisks: 1 });
  });

  it("names those of deleted instances, and those below another one", () => {
    const deleted = { ...living, deleted: true };
    const disks = [
      ["i8", 1],
      ["i8", 2],
      ["i9", 2],
      ["i9", 3],
    ] as const;
    const found = find(
      listing(disks, [
        ["i8", deleted],
        ["i9", living],
      ]),
    );
    expect(found).to.deep.equal([
      "leak disk of i8: It is nobody's (epoch 1, 2), on storage s1: its instance is deleted.",
      "leak disk of i9: It is nobody's (epoch 2), on storage s1: its instance has gone on with epoch 3.",
    ]);
  });

  it("names those of instances that nobody remembers, and those that are newer than what is remembered", () => {
    const disks = [
      ["i8", 1],
      ["i9", 4],
    ] as const;
    expect(find(listing(disks, [["i9", living]]))).to.deep.equal([
      "leak disk of i8: It is on storage s1 (epoch 1), and no instance with this id is remembered.",
      "drift disk of i9: On storage s1 it is of epoch 4, and its instance is remembered with 3.",
    ]);
  });

  it("misses the disk of an instance that has run", () => {
    const { input } = healthy();
    const instances = input.instances.map((row) => ({
      ...row,
      instance: { ...row.instance, storageId: "s1" },
    }));
    const { findings } = compare({ ...input, instances, storages: [listing([["i2", 1]], [])] });
    const said = findings.map(({ message }) => message);
    expect(said).to.include("Its disk is not on storage s1, where it shall be.");
    expect(findings.filter(({ subject }) => subject === "instance i2")).to.deep.equal([]);
  });

  it("says nothing of instances that are worked on", () => {
    const storage = listing(
      [
        ["i9", 1],
        ["i9", 3],
      ],
      [["i9", { ...living, settled: false }]],
    );
    expect(find(storage)).to.deep.equal([]);
  });

  it("says when no host can list a storage", () => {
    expect(find({ storageId: "s1", error: "It hangs." })).to.deep.equal([
      "drift storage s1: Its disks were not compared, for no host could list them: It hangs.",
    ]);
  });

  const look = async (agent: (hostId: string) => Pick<StorageAgent, "sharedDisks">) => {
    const { input, audit } = healthy();
    const rows = input.instances;
    const clock = new SimulatedClock();
    const examined = examine({
      spaces: () => [],
      faults: () => [],
      sinks: () => [],
      self: { kind: "controller", id: "c1", name: "controller-1" },
      callControllers: async () => [],
      store: {
        instances: {
          list: async () => ({ rows: [...rows] }),
          get: async () => undefined,
          unsettled: async () => [],
          load: async () => undefined,
        },
        operations: { list: async () => ({ rows: [] }) },
        hosts: {
          list: async () => ["h1", "h2", "h3"].map((id) => ({ ...hostOf(input), id, storageId: "s1" })),
          claimTotals: async () => [...input.claimTotals],
          storageTotals: async () => [],
        },
        quotas: { totals: async () => [] },
        rows: { list: async () => [] },
      },
      networksOfHost: () => Promise.reject(new Error("Nobody is on a network.")),
      imageFiles: { list: async () => ({ files: [], holds: [] }) },
      auditHost: async (hostId) => {
        if (hostId === "h3") throw new StatusError("hostUnreachable", "It is off.");
        return { ...audit, hostId };
      },
      storageAgent: (hostId) => ({ ...agent(hostId), listVolumes: async () => ({ volumes: [] }) }),
      clock,
      brake: () => undefined,
      strange: () => [],
      excessive: () => [],
    });
    return { examined, clock };
  };
  const hostOf = ({ hosts }: ReturnType<typeof healthy>["input"]) => {
    const [host] = hosts;
    if (host === undefined) throw new Error("no host");
    return host;
  };

  it("asks one host of each storage, and the next when that one cannot say", async () => {
    const asked: string[] = [];
    const { examined, clock } = await look((hostId) => ({
      sharedDisks: async () => {
        asked.push(hostId);
        if (hostId === "h1") throw new StatusError("timeout", "It does not answer.");
        return { disks: [{ instanceId: "i9", ownerEpoch: 1 }] };
      },
    }));
    await clock.advance(60_000);
    const { findings } = await examined;
    expect(asked.slice(0, 2)).to.deep.equal(["h1", "h2"]);
    expect(asked).not.to.include("h3");
    expect(findings.map(({ subject }) => subject)).to.include("disk of i9");
  });

  for (const [name, markerOf] of [
    ["the same page for ever", () => "i1"],
    ["one page after the other for ever", (page: number) => String(page).padStart(12, "0")],
  ] as const)
    it(`believes no host that lists ${name}`, async () => {
      let pages = 0;
      const { examined, clock } = await look(() => ({
        sharedDisks: async () => {
          pages += 1;
          const disks = Array.from({ length: 10_000 }, (_, n) => ({ instanceId: `i${n}`, ownerEpoch: 1 }));
          return { disks, nextMarker: markerOf(pages) };
        },
      }));
      await clock.advance(60_000);
      const messages = (await examined).findings.map(({ message }) => message);
      expect(messages).to.include(
        "Its disks were not compared, for no host could list them: The host's list of shared disks has no end.",
      );
    });
});
