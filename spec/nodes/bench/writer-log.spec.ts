/**
 * The observer of writers sees the violations that it looks for: tested with processes that pretend to be
 * QEMU.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { WriterLog } from "../../../nodes/bench/writer-log.ts";

const instanceId = "01a20000-0000-7000-8000-000000000001";
const volumeId = "0a200000-0000-4000-8000-000000000001";

describe("the log of writers", () => {
  let directory: string;
  let disk: string;
  let log: WriterLog;
  const children: ChildProcess[] = [];

  /** A process with QEMU's name, the guest's tag, and the disk open. */
  const open = async (ownerEpoch: number, mode: "r" | "r+"): Promise<ChildProcess> => {
    const descriptor = openSync(disk, mode);
    const argv = ["-e", "console.log(1);setInterval(()=>1,1e3)", "--"];
    const tag = ["-name", `novact.${instanceId}.${ownerEpoch}.fence`, "-uuid", instanceId];
    const child = spawn(process.execPath, [...argv, ...tag], {
      argv0: "qemu-system-x86_64",
      stdio: [descriptor, "pipe", "ignore"],
    });
    closeSync(descriptor);
    children.push(child);
    if (child.stdout !== null) await once(child.stdout, "data");
    return child;
  };
  const seen = async (count: number): Promise<void> => {
    while (log.openersOf(instanceId).length !== count) await pause(10);
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-writers-"));
    const guests = join(directory, "guests");
    mkdirSync(join(guests, `${instanceId}.e1`), { recursive: true });
    disk = join(guests, `${instanceId}.e1`, "disk.qcow2");
    writeFileSync(disk, "disk");
    log = new WriterLog(directory, join(directory, "writers.jsonl"));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await log.end();
    rmSync(directory, { recursive: true, force: true });
  });

  it("tells of two that may write at once, and writes down who", async () => {
    await open(1, "r+");
    await open(2, "r+");
    await seen(2);
    const { twoWriters } = await log.end();
    expect(twoWriters).to.have.length.greaterThan(0);
    const lines = readFileSync(join(directory, "writers.jsonl"), "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).writers)).to.include(2);
  });

  it("tells of two that may write to one volume", async () => {
    const volume = join(directory, "volumes", volumeId, "e3", "data.raw");
    mkdirSync(dirname(volume), { recursive: true });
    writeFileSync(volume, "bytes");
    disk = volume;
    await open(1, "r+");
    await open(1, "r+");
    while (log.openersOf(volumeId).length !== 2) await pause(10);
    expect((await log.end()).twoWriters[0]).to.match(new RegExp(`^${volumeId}: `));
    expect(log.openersOf(instanceId)).to.deep.equal([]);
  });

  it("does not mind one that reads, nor one that is stopped", async () => {
    const stopped = await open(1, "r+");
    await seen(1);
    stopped.kill("SIGSTOP");
    while (log.openersOf(instanceId)[0]?.state !== "T") await pause(10);
    await open(2, "r+");
    await open(3, "r");
    await seen(3);
    const { twoWriters, stoppedBeside } = await log.end();
    expect(twoWriters).to.deep.equal([]);
    expect(stoppedBeside).to.be.greaterThan(0);
  });

  it("does not mind a disk that is being made, before a guest has it", async () => {
    await pause(350);
    writeFileSync(disk, "changed");
    await pause(350);
    expect((await log.end()).writtenByNobody).to.deep.equal([]);
  });

  it("does not mind what a writer wrote that was gone before a late look", async () => {
    const guest = await open(1, "r+");
    await seen(1);
    writeFileSync(disk, "its last words");
    guest.kill("SIGKILL");
    // Nothing else runs meanwhile, the looks neither.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    await seen(0);
    await pause(100);
    expect((await log.end()).writtenByNobody).to.deep.equal([]);
  });

  it("tells of a disk that changes though nobody may write", async () => {
    const guest = await open(1, "r+");
    await seen(1);
    guest.kill("SIGKILL");
    await seen(0);
    await pause(350);
    writeFileSync(disk, "changed");
    while (log.summary().writtenByNobody.length === 0) await pause(10);
  });
});
