/**
 * An image sent to a real cluster whose controller is killed at three offsets: it goes on where it was,
 * arrives as it was sent, boots a guest, and is fetched as it was.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { expect } from "chai";
import { openCluster } from "../../nodes/bench/bench-cluster.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { haltingDisk } from "../support/halting-image.ts";
import { skip } from "../support/services.ts";

const mib = 1024 ** 2;
const patient = { timeoutMs: 120_000 };

describe("an image sent to a controller that is killed", function () {
  this.timeout(300_000);
  let cluster: Awaited<ReturnType<typeof openCluster>>;
  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    if (!existsSync("/usr/bin/qemu-system-x86_64")) skip(this, "QEMU is not installed (qemu-system-x86)");
    cluster = await openCluster({ guests: "real", accelerator: "tcg", nodes: 1 });
  });
  after(async () => cluster?.close());

  const content = Buffer.alloc(32 * mib);
  for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  haltingDisk().copy(content, 0, 0, 512);
  const sha256 = createHash("sha256").update(content).digest("hex");

  /** Kills the controller once each time that so many bytes are passed. */
  const killingAt = (...offsets: number[]) => {
    const killed: number[] = [];
    const onProgress = (done: number) => {
      if (done < (offsets[0] ?? Number.POSITIVE_INFINITY)) return;
      offsets.shift();
      killed.push(done);
      for (const { name, pid } of cluster.processes())
        if (name === "controller") process.kill(pid, "SIGKILL");
    };
    return { killed, onProgress };
  };

  it("goes on where it was, boots a guest, and is fetched as it was sent", async () => {
    const { demo, admin } = cluster;
    const { image } = await demo.image.create({ name: "sent" }, patient);
    const begun: number[] = [];
    const source = {
      sizeBytes: content.length,
      async *from(offset: number) {
        begun.push(offset);
        for (let at = offset; at < content.length; at += mib) yield content.subarray(at, at + mib);
      },
    };
    const up = killingAt(8 * mib, 16 * mib, 24 * mib);
    const { onProgress } = up;
    const active = await demo.sendImage(image.id, source, {
      ...{ format: "raw", sha256, onProgress },
      // A busy computer takes its time to start a controller.
      patienceMs: 240_000,
    });
    expect(active).to.deep.include({ state: "active", sizeBytes: content.length, refusal: null });
    expect(active.disk).to.include({ sha256 });
    expect(up.killed).to.have.length(3);
    // After each death it went on behind what was there, and never from the beginning.
    expect(begun[0]).to.equal(0);
    expect(begun.slice(1).every((offset) => offset >= 8 * mib)).to.equal(true);
    await admin.flavor.create({ name: "halt", vcpus: 1, memoryMib: 32, diskGib: 1 }, patient);
    const asked = { name: "booted", flavor: "halt", image: image.id, wait: true };
    const { operation } = await demo.instance.create(asked, patient);
    expect(operation, JSON.stringify(operation.error)).to.include({ state: "done" });
    const fetched = await demo.fetchImage(image.id, { sha256 });
    const hash = createHash("sha256");
    for await (const piece of fetched.pieces) hash.update(piece);
    expect([hash.digest("hex"), fetched.sizeBytes]).to.deep.equal([sha256, content.length]);
  });
});
