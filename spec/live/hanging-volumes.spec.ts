/** A storage of volumes that hangs, on a real file system: nothing waits with it. Needs root and FUSE. */
import { mkdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { AskedStorage, beginThread } from "../../nodes/drivers/volumes/asked.ts";
import { FileVolumes } from "../../nodes/drivers/volumes/storage.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { until } from "../support/asking.ts";
import { temporaryDirectory } from "../support/driver-world.ts";
import { HangingStorage, missingForHangingStorage } from "../support/hanging-storage.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;
const mib = 1024 ** 2;

describe("a storage of volumes that hangs", function () {
  this.timeout(60_000);
  const undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });

  it("is asked once, takes no other file with it, and goes on when it answers", async function () {
    const missing = missingForHangingStorage();
    if (missing !== undefined) return skip(this, missing);
    const { path, remove } = await temporaryDirectory();
    undo.push(remove);
    const hanging = await HangingStorage.mount(path);
    undo.push(() => hanging.close());
    const directory = join(hanging.directory, "storage");
    mkdirSync(directory, { mode: 0o711 });
    const storage = new AskedStorage(systemClock, () =>
      beginThread({ directory, overcommit: 1_000, shared: true, newId: "s" }),
    );
    const volumes = new FileVolumes({ hostId: "host", clock: systemClock, storage });
    await volumes.create("v1", { epoch: 1, sizeBytes: mib }, never);
    await hanging.hang();
    const outcome = (asked: Promise<unknown>) =>
      asked.then(
        () => "answered",
        (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
      );
    const asked = Array.from({ length: 8 }, () => outcome(volumes.volumes()));
    for (let read = 0; read < 8; read += 1) await readFile(import.meta.filename);
    expect(new Set(await Promise.all(asked))).to.deep.equal(new Set(["storageUnknown"]));
    expect(await outcome(volumes.create("v2", { epoch: 1, sizeBytes: mib }, never))).to.equal(
      "storageUnknown",
    );
    await hanging.answer();
    await until(
      () => outcome(volumes.volumes()),
      (said) => said === "answered",
    );
    await volumes.create("v2", { epoch: 1, sizeBytes: mib }, never);
    expect((await volumes.volumes()).map(({ volumeId }) => volumeId)).to.deep.equal(["v1", "v2"]);
    expect(statSync(join(hanging.behind, "storage/volumes/v2/e1/data.raw")).size).to.equal(mib);
  });
});
