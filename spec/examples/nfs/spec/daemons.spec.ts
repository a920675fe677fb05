/** Bridges that never listen, with programs of this spec in the place of the shell and of the daemon. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { StatusError } from "novact/plugin";
import type { Bridge } from "../src/bridges.ts";
import { Daemons } from "../src/daemons.ts";
import { NfsVolumes } from "../src/storage.ts";
import { FakeNfs } from "./fake-nfs.ts";

const bridge: Bridge = { volumeId: "v1", epoch: 1, instanceId: "i1", ownerEpoch: 1, mode: "readWrite" };
const place = { server: "127.0.0.1", path: "/v", writerUid: 65_534, firstGroup: 1_000 };

describe("a bridge that never listens", () => {
  let directory: string;
  const path = process.env.PATH;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-nfs-"));
    // Bridges of an agent that is root are nobody's.
    chmodSync(directory, 0o711);
    process.env.PATH = `${directory}:${path}`;
  });
  afterEach(() => {
    process.env.PATH = path;
    rmSync(directory, { recursive: true });
  });

  const stateOf = () => join(directory, "state");
  const daemons = () => new Daemons({ directory: stateOf(), place });
  const program = (name: string, text: string) =>
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  /** A file that processes of nobody may write to. */
  const noted = () => {
    writeFileSync(join(directory, "noted"), "");
    chmodSync(join(directory, "noted"), 0o666);
    return join(directory, "noted");
  };
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => "nothing",
      (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
    );

  for (const name of ["sh", "qemu-storage-daemon"])
    it(`is gone when nobody waits for it any more, also as \`${name}\``, async () => {
      const file = noted();
      program(name, `echo $$ > ${file}; exec /bin/sleep 3600`);
      const giving = new AbortController();
      const opening = failureOf(daemons().open(bridge, 1, giving.signal));
      while (!readFileSync(file, "utf8").endsWith("\n")) await sleep(5);
      giving.abort(new Error("given up"));
      expect(await opening).to.equal("Error: given up");
      const pid = Number(readFileSync(file, "utf8"));
      expect(() => process.kill(pid, "SIGKILL")).to.throw("ESRCH");
      expect(readdirSync(stateOf())).to.deep.equal([]);
    });

  it("where the host has no directory for bridges is a refusal in words", async () => {
    const volumes = new NfsVolumes({
      ...{ nfs: new FakeNfs({ totalBytes: 1024, ownerGid: 900 }), hostId: "host", firstGroup: 1_000 },
      ...{ overcommit: 1, shared: false, bridges: daemons() },
    });
    const signal = new AbortController().signal;
    const use = { instanceId: "i1", ownerEpoch: 1, epoch: 1, takesOver: true, mode: "readWrite" } as const;
    await volumes.create("v1", { epoch: 1, sizeBytes: 1024 }, signal);
    writeFileSync(stateOf(), "");
    expect(await failureOf(volumes.open("v1", use, signal))).to.equal("hypervisorRefused");
    expect(await failureOf(volumes.list())).to.equal("hypervisorRefused");
  });

  it("and has ended is told with what it said, and leaves nothing", async () => {
    program("qemu-storage-daemon", "echo The server lets nobody in.; exit 1");
    const error = await daemons()
      .open(bridge, 1, new AbortController().signal)
      .catch((one: unknown) => one);
    expect(error).to.be.instanceOf(StatusError).and.include({ reason: "storageUnknown" });
    expect(JSON.stringify(error)).to.contain("lets nobody in");
    expect(readdirSync(stateOf())).to.deep.equal([]);
  });
});
