/** Volumes in files: the contract, and what only real files can show. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { KeptVolume, VolumeUse } from "../../../../actors/ports/volumes.ts";
import { AskedStorage, beginThread } from "../../../../nodes/drivers/volumes/asked.ts";
import { VolumeDirectory } from "../../../../nodes/drivers/volumes/directory.ts";
import { FileVolumes } from "../../../../nodes/drivers/volumes/storage.ts";
import { systemClock } from "../../../../nodes/process/clock.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { temporaryDirectory } from "../../../support/driver-world.ts";
import { volumesContract } from "../../../support/volumes-contract.ts";

const never = new AbortController().signal;
const mib = 1024 ** 2;
const timeoutMs = 20_000;
/** Each child costs a third of a second: a fifth of them, unless all are asked for. */
const stride = process.env.NOVACT_VOLUMES === "full" ? 1 : 5;

const openIn = (directory: string, hostId: string, shared: boolean): FileVolumes => {
  const storage = new AskedStorage(systemClock, () =>
    beginThread({ directory, overcommit: 1, shared, newId: "s-1" }),
  );
  return new FileVolumes({ hostId, clock: systemClock, storage });
};

const useOf = (given: Partial<VolumeUse> = {}): VolumeUse => ({
  ...{ instanceId: "instance-1", ownerEpoch: 1, epoch: 1, takesOver: false, mode: "readWrite" },
  ...given,
});

const listed = (volumes: VolumeDirectory): readonly KeptVolume[] => volumes.page(undefined, 100).volumes;

const outcomeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
  );

for (const shared of [false, true])
  volumesContract({
    name: `the volumes in files of ${shared ? "a directory that hosts share" : "one host"}`,
    timeoutMs,
    makeBench: async () => {
      const { path, remove } = await temporaryDirectory();
      return {
        volumes: openIn(path, "one", shared),
        restartAgent: async () => openIn(path, "one", shared),
        ...(shared ? { other: openIn(path, "other", shared) } : {}),
        tooLargeBytes: 1024 ** 5,
        image: async (bytes) => {
          const file = join(path, "image");
          writeFileSync(file, bytes);
          return { kind: "image", path: file, format: "raw" };
        },
        read: async (device) => readFileSync(device.path),
        write: async (device, bytes) => writeFileSync(device.path, bytes, { flag: "r+" }),
        close: remove,
      };
    },
  });

describe("volumes in files", function () {
  this.timeout(timeoutMs);
  let root: string;
  let remove: () => Promise<void>;
  let storage: FileVolumes;
  beforeEach(async () => {
    ({ path: root, remove } = await temporaryDirectory());
    storage = openIn(root, "one", true);
  });
  afterEach(() => remove());
  const ids = () => readdirSync(join(root, "volumes"));
  const names = () =>
    ids().flatMap((id) => readdirSync(join(root, "volumes", id)).map((one) => `${id}/${one}`));
  const dataOf = (epoch: number) => join(root, "volumes", "v1", `e${epoch}`, "data.raw");

  it("take up no room while they are empty, and are nobody's but their guest's", async () => {
    await storage.create("v1", { epoch: 1, sizeBytes: 1024 * mib }, never);
    const { path } = await storage.open("v1", useOf(), never);
    const { size, blocks, mode, uid } = statSync(path);
    expect([size, blocks, mode & 0o777]).to.deep.equal([1024 * mib, 0, 0o600]);
    if (process.getuid?.() === 0) expect(uid).to.be.greaterThan(0);
    const usage = await storage.usage();
    expect([usage.promisedBytes, usage.allocatedBytes]).to.deep.equal([1024 * mib, 0]);
    expect(usage.freeBytes).to.be.within(1, usage.capacityBytes);
  });

  it("have the contents of a compressed format, read by the tool that is in a cage", async function () {
    const image = join(root, "image.qcow2");
    const raw = join(root, "image.raw");
    writeFileSync(raw, Buffer.alloc(2 * mib, "novact"));
    try {
      execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", "-c", raw, image], {
        stdio: "ignore",
      });
    } catch {
      this.skip();
    }
    execFileSync("chmod", ["444", image]);
    const wanted = { epoch: 1, sizeBytes: 64 * mib };
    await storage.create("v1", { ...wanted, source: { kind: "image", path: image, format: "qcow2" } }, never);
    const made = readFileSync(dataOf(1));
    expect(made.length).to.equal(64 * mib);
    expect(made.subarray(0, 2 * mib).equals(readFileSync(raw))).to.equal(true);
    expect(statSync(dataOf(1)).blocks * 512).to.be.lessThan(4 * mib);
    const small = {
      epoch: 1,
      sizeBytes: mib,
      source: { kind: "image", path: image, format: "qcow2" },
    } as const;
    expect(await outcomeOf(storage.create("v2", small, never))).to.be.oneOf([
      "hypervisorRefused",
      "diskFull",
    ]);
    expect(names()).to.deep.equal(["v1/e1"]);
  });

  it("are whole or not there, wherever the agent was killed, and twice is once", async function () {
    this.timeout(120_000);
    const program = join(import.meta.dirname, "../../../support/dying-volumes.ts");
    for (let call = 1; ; call += stride) {
      const directory = mkdtempSync(join(tmpdir(), "novact-dying-"));
      try {
        mkdirSync(join(directory, "volumes"));
        const { signal, status, stdout, stderr } = spawnSync(
          process.execPath,
          [program, directory, String(call)],
          { encoding: "utf8" },
        );
        expect(signal ?? status, stderr).to.be.oneOf(["SIGKILL", 0]);
        const ended = signal === null ? stdout : "";
        const next = new VolumeDirectory(directory, 1);
        for (const one of listed(next).filter(({ whole }) => whole)) {
          expect([one.volumeId, one.sizeBytes % mib], `call ${call}`).to.deep.equal(["v1", 0]);
          expect(one.sizeBytes, `call ${call}`).to.be.greaterThan(0);
        }
        if (ended !== "") {
          expect(Number(ended)).to.be.lessThan(call);
          expect(call, "calls in all").to.be.greaterThan(30);
          return;
        }
        finishAnew(next, `call ${call}`);
        const left = readdirSync(directory, { recursive: true }).sort();
        expect(left, `call ${call}`).to.deep.equal(["open", "open/host", "volumes"]);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }
  });

  it("are made again by the retry of a create that died, where there is room for one", async () => {
    await storage.volumes();
    const wanted = { volumeId: "v1", epoch: 1, sizeBytes: 1024 ** 4 };
    const { capacityBytes } = new VolumeDirectory(root, 1).room();
    const volumes = new VolumeDirectory(root, (1.5 * wanted.sizeBytes) / capacityBytes);
    volumes.begin("one", wanted);
    const begun = volumes.begin("one", wanted);
    volumes.finish(begun?.part ?? "", wanted);
    expect(listed(volumes).map(({ volumeId, whole }) => [volumeId, whole])).to.deep.equal([["v1", true]]);
    expect(() => volumes.begin("one", { ...wanted, volumeId: "v2" }))
      .to.throw(/.*/)
      .with.property("reason", "diskFull");
  });

  it("are made by one of two hosts that try again and again, and no host removes what the other makes", () => {
    const [volumes, wanted] = [new VolumeDirectory(root, 100), { volumeId: "v1", epoch: 1, sizeBytes: mib }];
    mkdirSync(join(root, "volumes"), { recursive: true });
    const first = volumes.begin("one", wanted);
    const other = volumes.begin("other", wanted);
    const again = volumes.begin("one", wanted);
    const parts = [other?.part, again?.part].sort();
    expect(names().sort(), "what its own earlier try has left is removed").to.deep.equal(parts);
    expect(first?.part).not.to.equal(again?.part);
    volumes.finish(other?.part ?? "", wanted);
    expect(names()).to.deep.equal(["v1/e1"]);
    expect(volumes.begin("one", wanted)).to.equal(undefined);
    volumes.finish(again?.part ?? "", wanted);
    expect(names()).to.deep.equal(["v1/e1"]);
  });

  /** What an agent does that knows only what it was told: everything again, of the newest epoch. */
  function finishAnew(volumes: VolumeDirectory, when: string): void {
    const wanted = { volumeId: "v1", epoch: 1, sizeBytes: mib };
    const isLater = listed(volumes).some(({ epoch, whole }) => whole && epoch === 2);
    if (!isLater) {
      for (const _ of ["once", "twice"]) {
        const begun = volumes.begin("one", wanted);
        if (begun !== undefined) volumes.finish(begun.part, wanted);
      }
      expect(
        listed(volumes).map(({ whole }) => whole),
        when,
      ).to.include(true);
      volumes.extend("v1", 1, 2 * mib);
    }
    const use = useOf({ epoch: 2, takesOver: true });
    expect(volumes.open("v1", use, "host"), when).to.equal(volumes.open("v1", use, "host"));
    expect(volumes.uses("host"), when).to.have.length(1);
    for (const _ of ["once", "twice"]) volumes.remove("v1", 2);
    volumes.releaseOthers("host", { instanceId: "instance-1", ownerEpoch: 2, volumes: [] });
  }

  it("are of the newest epoch alone, whichever of two hosts was faster", async () => {
    const other = openIn(root, "other", true);
    let both = 0;
    await storage.create("v1", { epoch: 1, sizeBytes: mib }, never);
    for (let epoch = 2; epoch <= 200; epoch += 2) {
      const [one, two] = await Promise.all([
        outcomeOf(storage.open("v1", useOf({ epoch, takesOver: true }), never)),
        outcomeOf(other.open("v1", useOf({ epoch: epoch + 1, takesOver: true, instanceId: "i2" }), never)),
      ]);
      // The older one may have been first; then it has lost the volume by now, and is told so when it asks.
      expect(["done", "staleEpoch"]).to.include(one);
      expect(names(), `epoch ${epoch}`).to.deep.equal([`v1/e${epoch + 1}`]);
      expect(await outcomeOf(storage.open("v1", useOf({ epoch }), never))).to.equal("staleEpoch");
      expect(two, "the newer one").to.equal(one === "done" ? two : "done");
      for (const holding of await other.list()) await other.release(holding, never);
      if (one === "done") both += 1;
    }
    expect(both).to.be.within(0, 100);
  });
});
