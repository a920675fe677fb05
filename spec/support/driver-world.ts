/**
 * Shared by the drivers' specs: ids, specs of guests, directories that go away, a log that keeps its lines.
 */
import { createHash } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemIds } from "../../nodes/process/clock.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import type { Log } from "../../protocol/wire/transport.ts";

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export interface TemporaryDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), "novact-drivers-"));
  // Guests run as other users and pass through this directory.
  await chmod(path, 0o711);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export function machineSpec(given: Partial<MachineSpec> = {}): MachineSpec {
  return {
    instanceId: systemIds(0).next(),
    project: "demo",
    name: "web",
    ownerEpoch: 1,
    architecture: "x86_64",
    vcpus: 1,
    memoryMib: 128,
    diskGib: 0,
    image: { id: "image", disk: null, kernel: null, ramdisk: null, commandLine: "" },
    macAddress: "52:54:00:12:34:56",
    ...{ fence: false, storageId: null, takesOverDisk: false },
    ...{ recovery: "restart", machineType: null, numa: null },
    ...given,
  };
}

/** Checksum and size of a file, as an image has them. */
export async function fileFacts(
  path: string,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const [content, { size }] = await Promise.all([readFile(path), stat(path)]);
  return { sha256: createHash("sha256").update(content).digest("hex"), sizeBytes: size };
}
