/**
 * Images of instances, with a real cluster and real guests: what a guest has written to its root disk is on
 * the disk of an instance of its image, made while it runs and when it is stopped; and of a guest that is
 * killed in the middle nothing is left.
 */
import { spawnSync } from "node:child_process";
import { closeSync, copyFileSync, mkdirSync, openSync, readdirSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openCluster } from "../../nodes/bench/bench-cluster.ts";
import { statePaths } from "../../nodes/config/config.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import type { Operation } from "../../protocol/operation.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

const mib = 1024 ** 2;
const patient = { timeoutMs: 120_000 };

/** Tells what is on the root disk, then writes its own word behind it. */
const program = (word: string) =>
  `#!/bin/sh
echo "NOVACT-GUEST READ $(dd if=/dev/vda bs=64 skip=64 count=1 2>/dev/null | tr -d '\\0')."
printf ${word} | dd of=/dev/vda bs=64 seek=64 count=1 conv=sync,fsync,notrunc 2>/dev/null
echo "NOVACT-GUEST WROTE"
`;

describe("images of instances", function () {
  this.timeout(300_000);
  let cluster: Awaited<ReturnType<typeof openCluster>>;
  before(async function () {
    const missing = missingForGuests();
    if (missing !== undefined) skip(this, missing);
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    cluster = await openCluster({ guests: "real", accelerator: "tcg", nodes: 1 });
    await offer();
  });
  after(async () => cluster?.close());

  /** An image with a small disk and the tiny guest, and flavors for a quick copy and for a slow one. */
  const offer = async () => {
    const { admin, config } = cluster;
    const guest = guestOfSetup();
    if (guest === undefined) throw new Error("The tiny guest is gone.");
    const directory = statePaths(config).import;
    mkdirSync(directory, { recursive: true });
    const path = join(directory, "small.raw");
    writeFileSync(path, Buffer.alloc(8 * mib, "base"));
    const near = (name: "kernel" | "ramdisk") => {
      copyFileSync(guest[name], join(directory, name));
      return { path: join(directory, name) };
    };
    const { commandLine } = guest;
    const files = { kernel: near("kernel"), ramdisk: near("ramdisk"), commandLine };
    const disk = { path, format: "raw" } as const;
    await admin.image.register(
      { name: "base", disk, ...files, properties: { extra: { os_distro: "none" } } },
      patient,
    );
    for (const [name, diskGib] of [
      ["quick", 0],
      ["slow", 64],
    ] as const)
      await admin.flavor.create({ name, vcpus: 1, memoryMib: 128, diskGib }, patient);
  };

  const guestsDirectory = () => join(statePaths(cluster.config).node("node-1"), "guests");
  const filesOf = (id: string) =>
    readdirSync(join(guestsDirectory(), id)).filter((name) => name.startsWith("copy"));

  const create = async (name: string, image: string, flavor: string, word: string) => {
    const userData = Buffer.from(program(word)).toString("base64");
    const asked = { name, image, flavor, userData, configDrive: true, wait: true };
    const { instance, operation } = await cluster.demo.instance.create(asked, patient);
    expect(operation.error, JSON.stringify(operation.error)).to.equal(null);
    return instance;
  };

  /** The text of a guest's console, as soon as this is in it. */
  const said = async (id: string, text: string): Promise<string> => {
    for (let all = "", offset = 0; ; ) {
      const page = await cluster.demo.instance.console(id, { offset, waitMs: 10_000 }, patient);
      all += page.text;
      offset = page.nextOffset;
      if (all.includes(text)) return all;
    }
  };

  const endOf = async ({ id }: Operation): Promise<Operation> => {
    for (;;) {
      // A controller that was killed is there again in a while.
      const { operation } = await cluster.demo.operation.get(id, { waitMs: 10_000 }, patient);
      if (operation.state !== "running") return operation;
    }
  };

  const imageOf = async (
    instanceId: string,
    name: string,
    meanwhile?: (operation: Operation) => Promise<void>,
  ) => {
    const made = await cluster.demo.instance.createImage(instanceId, { name }, patient);
    expect(made.volumesLeftOut).to.deep.equal([]);
    await meanwhile?.(made.operation);
    const operation = await endOf(made.operation);
    const { image } = await cluster.demo.image.get(made.image.id, {}, patient);
    expect(operation.error, JSON.stringify(operation.error)).to.equal(null);
    expect(operation).to.include({ state: "done", percent: 100 });
    return image;
  };

  /** What is in an image behind its first 4 KiB, as the guest's program reads it. */
  const wordIn = async (imageId: string): Promise<string> => {
    const fetched = await cluster.demo.fetchImage(imageId);
    const pieces: Uint8Array[] = [];
    for await (const piece of fetched.pieces) pieces.push(piece);
    const [file, raw] = [join(cluster.directory, "fetched"), join(cluster.directory, "fetched.raw")];
    writeFileSync(file, Buffer.concat(pieces));
    const made = spawnSync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", file, raw]);
    expect(made.status, String(made.stderr)).to.equal(0);
    const disk = openSync(raw, "r");
    const word = Buffer.alloc(64);
    readSync(disk, word, 0, 64, 4_096);
    closeSync(disk);
    return word.toString().replaceAll("\0", "");
  };

  /**
   * The copy is begun anew by the next agent; what has come is asked for by the next controller. A small
   * disk is copied between two looks on a busy computer: wherever the work is by then, its end is the same.
   */
  const killBoth = async (operation: Operation) => {
    await begun(operation);
    for (const { pid, name } of cluster.processes())
      if (name === "controller" || name === "compute") process.kill(pid, "SIGKILL");
  };

  it("has what the guest wrote, made while it runs, whoever is killed, and when it is stopped", async () => {
    const { demo } = cluster;
    const source = await create("source", "base", "quick", "first");
    await said(source.id, "NOVACT-GUEST WROTE");
    const running = await imageOf(source.id, "of-running", killBoth);
    expect(running).to.deep.include({ state: "active", visibility: "private", refusal: null });
    expect(running.disk).to.include({ format: "qcow2" });
    expect(running.properties).to.deep.include({ diskGibMin: 1, extra: { os_distro: "none" } });
    expect(running.kernel).to.not.equal(null);
    const made = await create("made", running.id, "quick", "second");
    expect(await said(made.id, "NOVACT-GUEST WROTE")).to.include("NOVACT-GUEST READ first");
    await demo.instance.stop(made.id, { mode: "hard", wait: true }, patient);
    const stopped = await imageOf(made.id, "of-stopped");
    expect(await wordIn(stopped.id)).to.match(/^second/);
    for (const { id } of [source, made]) {
      expect(filesOf(id)).to.deep.equal([]);
      await demo.instance.delete(id, { wait: true }, patient);
    }
    for (const { id } of [running, stopped]) await demo.image.delete(id, {}, patient);
  });

  it("leaves nothing of a guest that is killed in the middle, nor of one that is deleted", async () => {
    const { demo, admin } = cluster;
    const killed = await create("killed", "base", "slow", "first");
    const lost = await demo.instance.createImage(killed.id, { name: "lost" }, patient);
    await copying(lost.operation);
    for (const { pid, name, detail } of cluster.processes())
      if (name === "guests" && detail === killed.id) process.kill(pid, "SIGKILL");
    const ended = await endOf(lost.operation);
    expect([ended.state, ended.error?.reason]).to.deep.equal(["failed", "copyLost"]);
    const { image } = await demo.image.get(lost.image.id, {}, patient);
    expect(image).to.deep.include({ state: "queued", holder: null, sizeBytes: null });
    expect(image.refusal?.reason).to.equal("copyLost");
    expect(filesOf(killed.id)).to.deep.equal([]);
    const deleted = await create("deleted", "base", "slow", "first");
    const again = await demo.instance.createImage(deleted.id, { name: "again" }, patient);
    await copying(again.operation);
    for (const { id } of [killed, deleted]) await demo.instance.delete(id, { wait: true }, patient);
    expect((await endOf(again.operation)).error?.reason).to.equal("copyLost");
    expect(readdirSync(guestsDirectory())).to.deep.equal([]);
    for (const one of [image.id, again.image.id]) await demo.image.delete(one, {}, patient);
    const { findings } = await admin.doctor.examine({}, patient);
    expect(findings.filter(({ kind }) => kind !== "advice")).to.deep.equal([]);
  });

  /** Until the host has begun to copy. */
  const begun = async ({ id }: Operation): Promise<Operation> => {
    for (;;) {
      const { operation } = await cluster.demo.operation.get(id, {}, patient);
      if (operation.step !== "accepted") return operation;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  /** Of the slow flavor, whose copy outlasts every look. */
  const copying = async (operation: Operation): Promise<void> => {
    expect(await begun(operation)).to.include({ state: "running", step: "copying" });
  };
});
