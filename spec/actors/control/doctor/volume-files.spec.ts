/** The doctor on what there is of volumes: planted in real directories, and found there. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { heldVolumeFindings, volumeFileFindings } from "../../../../actors/control/doctor/volume-files.ts";
import { listVolumeFiles, type VolumeAgent } from "../../../../actors/control/doctor/volume-listing.ts";
import { volumeHandlers } from "../../../../actors/node/host/volumes.ts";
import { VolumeStorages } from "../../../../actors/node/machine/volume-storages.ts";
import { FakeVolumePool, FakeVolumes } from "../../../../nodes/drivers/fake/volumes.ts";
import { AskedStorage, beginThread } from "../../../../nodes/drivers/volumes/asked.ts";
import { FileVolumes } from "../../../../nodes/drivers/volumes/storage.ts";
import { systemClock } from "../../../../nodes/process/clock.ts";
import type { CallContext } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { temporaryDirectory } from "../../../support/driver-world.ts";
import * as rows from "../../../support/store-rows.ts";
import { healthy } from "./worlds.ts";

const signal = new AbortController().signal;
const context: CallContext = {
  ...{ project: "admin", id: "", requestId: "r1", deadlineMs: 0, traceparent: undefined, signal },
  onlyWaits: () => undefined,
};
const known = {
  settled: new Map(),
  unsettled: new Set<string>(),
  hostNames: new Map([["h1", "rack-1"]]),
};
const drivers = { abilities: { volumes: ["file"] } } as never;
const host = (id: string, storageId: string | null = null) => ({ id, storageId, drivers });
const row = (id: string, given: object = {}) => ({
  ...{ id, project: "demo", name: `name of ${id}`, description: null, sizeGib: 2, source: null },
  ...{ imageId: null, made: true, storageId: null, hostId: "h1", epoch: 1, instanceId: null },
  ...{ createdAtMs: 1, version: 1, ...given },
});
const agentOf = (storages: VolumeStorages): VolumeAgent => {
  const { listVolumes } = volumeHandlers(storages, { all: () => [] }, { monotonicMs: () => 0 });
  return { listVolumes: async (request) => await listVolumes(request, context) };
};

describe("the doctor on the files of volumes", function () {
  this.timeout(20_000);
  let root: string;
  let remove: () => Promise<void>;
  let agent: VolumeAgent;
  beforeEach(async () => {
    ({ path: root, remove } = await temporaryDirectory());
    const thread = { directory: root, overcommit: 1, shared: false, newId: "s-1" };
    const storage = new AskedStorage(systemClock, () => beginThread(thread));
    agent = agentOf(new VolumeStorages([new FileVolumes({ hostId: "h1", clock: systemClock, storage })]));
  });
  afterEach(() => remove());

  const plant = (volumeId: string, name: string) => {
    mkdirSync(join(root, "volumes", volumeId, name), { recursive: true });
    writeFileSync(join(root, "volumes", volumeId, name, "data.raw"), "");
  };
  const found = async (volumes: readonly ReturnType<typeof row>[], deleted: readonly string[] = []) => {
    const volumeFiles = await listVolumeFiles([host("h1")], () => agent);
    const deletedVolumes = deleted.map((id) => row(id));
    const findings = volumeFileFindings({ volumes, deletedVolumes, volumeFiles }, known);
    return findings.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`);
  };

  it("finds nothing where each volume that was made has its file", async () => {
    plant("v1", "e1");
    plant("v2", "e3.0123456789abcdef0123456789abcdef.part");
    plant("gone", "r1");
    expect(await found([row("v1"), row("v2", { made: false, epoch: 3 })], ["gone"])).to.deep.equal([]);
    expect(
      await found([row("v1", { epoch: 4 }), row("v2", { made: false, epoch: 3 })], ["gone"]),
    ).to.have.length(0, "not taken over yet");
  });

  it("finds files without a row, also those that are half made, and files in another place", async () => {
    plant("v1", "e1");
    plant("v2", "e1.0123456789abcdef0123456789abcdef.part");
    plant("v3", "e1");
    const on = "on the own disk of host rack-1";
    expect(await found([row("v3", { storageId: "nas", hostId: null, made: false })])).to.deep.equal([
      `leak volume v1: Its file of epoch 1 is ${on}, and no volume with this id is remembered.`,
      `leak volume v2: A part of it of epoch 1 is ${on}, and no volume with this id is remembered.`,
      `leak volume v3: Its file of epoch 1 is ${on}, and its row has it elsewhere.`,
    ]);
  });

  it("finds a row whose file is gone or half removed, and a file of a later epoch than its row", async () => {
    plant("v2", "r1");
    plant("v3", "e5");
    const lost = "It was made, and its file is not on the own disk of host rack-1, where it shall be.";
    expect(await found([row("v1"), row("v2"), row("v3"), row("v4", { made: false })])).to.deep.equal([
      "drift volume v3: Its file of epoch 5 is on the own disk of host rack-1, and its row has epoch 1.",
      `drift volume name of v1 (v1): ${lost}`,
      `drift volume name of v2 (v2): ${lost}`,
    ]);
  });

  it("takes no place for empty that cannot be listed, and says so", async () => {
    const refusing: VolumeAgent = {
      listVolumes: () => Promise.reject(new StatusError("storageUnknown", "It is silent.")),
    };
    const volumeFiles = await listVolumeFiles([host("h1")], () => refusing);
    const input = { volumes: [row("v1")], deletedVolumes: [], volumeFiles };
    expect(volumeFileFindings(input, known).map(({ message }) => message)).to.deep.equal([
      "Its volumes were not compared, for no host could list them: It is silent.",
    ]);
  });
});

describe("the doctor's list of volumes", () => {
  it("is of all pages, of a shared storage once, and by the next host where one cannot say", async () => {
    const pool = new FakeVolumePool("nas");
    const shared = new FakeVolumes(pool);
    const ids = Array.from({ length: 450 }, (_, n) => `v${n}`);
    for (const id of ids) await shared.create(id, { epoch: 1, sizeBytes: 1 }, signal);
    const asked: string[] = [];
    const agent = agentOf(new VolumeStorages([new FakeVolumes(), shared]));
    const listed = await listVolumeFiles([host("h1", "nas"), host("h2", "nas")], (hostId) => ({
      listVolumes: async (request, ...call) => {
        asked.push(`${hostId} ${request.storageId}`);
        if (hostId === "h1" && request.storageId === "nas") throw new StatusError("timeout", "Late.");
        return agent.listVolumes(request, ...call);
      },
    }));
    const filesOf = (storageId: string | null) =>
      listed.flatMap((one) => (one.storageId === storageId && "files" in one ? one.files : []));
    expect(filesOf("nas").map(({ volumeId }) => volumeId)).to.deep.equal([...ids].sort());
    expect(listed.map(({ storageId, hostId }) => storageId ?? hostId)).to.deep.equal(["nas", "h1", "h2"]);
    expect(asked.filter((one) => one === "h2 nas")).to.have.length(3);
  });

  it("is as long where a storage only lists all", async () => {
    const storage = new FakeVolumes();
    const ids = Array.from({ length: 401 }, (_, n) => `v${n}`);
    for (const id of ids) await storage.create(id, { epoch: 1, sizeBytes: 1 }, signal);
    Object.assign(storage, { page: undefined });
    const [own] = await listVolumeFiles([host("h1")], () => agentOf(new VolumeStorages([storage])));
    const files = own !== undefined && "files" in own ? own.files : [];
    expect(files.map(({ volumeId }) => volumeId).sort()).to.deep.equal([...ids].sort());
  });

  it("is nobody's where agents are of before, and ends with a host that lists for ever", async () => {
    const old = { listVolumes: () => Promise.reject(new StatusError("unknownMethod", "No.")) };
    expect(await listVolumeFiles([host("h1", "nas")], () => old)).to.deep.equal([]);
    const endless = { listVolumes: async () => ({ volumes: [], nextMarker: "v1" }) };
    const [one] = await listVolumeFiles([host("h1")], () => endless);
    expect(one).to.deep.include({ error: "The host's list of volumes has no end." });
    expect(await listVolumeFiles([{ ...host("h1"), drivers: null }], () => endless)).to.deep.equal([]);
  });
});

describe("the doctor on volumes in guests", () => {
  it("finds one that the guest has and its instance has not, or with another epoch; not one that is closed", () => {
    const { audit } = healthy();
    const seen = (volumeId: string, epoch: number, state: "attached" | "open" | "dead") => ({
      ...{ volumeId, epoch, state },
    });
    const volumes = [
      ...[seen("own", 2, "attached"), seen("own", 1, "open"), seen("other", 1, "attached")],
      seen("closed", 1, "dead"),
    ];
    const [machine] = audit.machines;
    if (machine === undefined) throw new Error("no machine");
    const attached = {
      ...{ volumeId: "own", project: "demo", epoch: 2, place: 0, sizeGib: 2, storageId: "s", hostId: null },
      ...{ made: true, source: null, deleteOnTermination: false },
    };
    const instance = { ...rows.instance("i1"), hostId: audit.hostId, volumes: [attached] };
    const audits = [{ ...audit, machines: [{ ...machine, instanceId: "i1", volumes }] }];
    const settled = new Map([["i1", { instance, machine: undefined }]]);
    const found = (from: typeof known) => heldVolumeFindings(audits, from).map(({ message }) => message);
    expect(found({ ...known, settled } as never)).to.deep.equal([
      "Its guest on host rack-1 has volume own of epoch 1, and its row has not.",
      "Its guest on host rack-1 has volume other of epoch 1, and its row has not.",
    ]);
    expect(found(known), "while it is under way").to.deep.equal([]);
  });
});
