/** Which hosts are asked to copy a volume, by value. */
import { expect } from "chai";
import { copyVolumes } from "../../../../../actors/control/catalog/volumes/volume-copier.ts";
import type { HostRecord } from "../../../../../actors/records/host.ts";
import { StatusError } from "../../../../../protocol/wire/status.ts";
import { silentLog } from "../../../../support/silent-log.ts";

const copy = {
  ...{ id: "copy", project: "demo", name: "copy", sourceId: "source", sourceEpoch: 5, epoch: 1, sizeGib: 2 },
  ...{ storageId: "s", hostId: null, createdAtMs: 1, version: 1 },
};
const host = (id: string, more: Partial<HostRecord> = {}) => ({ id, storageId: "s", ...more }) as HostRecord;

describe("copies of volumes: who is asked", () => {
  const asked: string[] = [];
  const failures: string[] = [];
  let committed = 0;
  const round = (
    hosts: readonly HostRecord[],
    broken: readonly string[] = [],
    silent: readonly string[] = [],
  ) => {
    asked.length = 0;
    failures.length = 0;
    committed = 0;
    const options = {
      store: { rows: { list: async () => [copy] } },
      commit: async () => {
        committed += 1;
        return { kind: "committed", lastSequence: 1 };
      },
      directory: {
        ...{ all: () => hosts, alive: (id: string) => id !== "dead" },
        volumeStorages: (id: string) => [{ storageId: "s", silentMs: silent.includes(id) ? 60_000 : 1_000 }],
      },
      agent: (id: string) => ({
        copyVolume: async () => {
          asked.push(id);
          if (broken.includes(id)) throw new StatusError("storageUnknown", "It is silent.");
          return { made: true };
        },
      }),
    } as never;
    const { signal } = new AbortController();
    return copyVolumes(options, { log: silentLog, fail: () => failures.push("failed"), signal });
  };

  it("the first that is heard and sees the storage, and no other once it answers", async () => {
    expect(await round([host("c"), host("dead"), host("b"), host("x", { storageId: "t" })])).to.equal(0);
    expect([asked, committed]).to.deep.equal([["b"], 1]);
  });

  it("the next one, where the storage is silent to the first", async () => {
    expect(await round([host("c"), host("b")], ["b"])).to.equal(0);
    expect([asked, failures]).to.deep.equal([["b", "c"], []]);
    expect(await round([host("c"), host("b")], ["b", "c"])).to.equal(1);
    expect([asked, failures, committed]).to.deep.equal([["b", "c"], ["failed"], 0]);
  });

  it("those last for which the storage is silent, however many they are", async () => {
    const [silent, able] = [
      ["a", "b", "c", "d"],
      ["e", "f"],
    ];
    const hosts = [...silent, ...able].map((id) => host(id));
    expect(await round(hosts, silent, silent)).to.equal(0);
    expect(asked).to.deep.equal(["e"]);
  });
});
