/**
 * Makes the bootable disk of a tree: a FAT partition with the boot loader, the kernel and its ramdisk, and an
 * ext4 partition as root, which is the last one, so that a guest can grow it to the end of its disk. Needs no
 * loop device and no mount.
 */
import { open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { masterBootRecord } from "../guest/disk.ts";
import { setupLimits } from "../limits.ts";
import type { CommandResult } from "../run-command.mjs";

/** Runs a tool of the build. @throws Error with what it said last */
export type RunTool = (program: string, argv: readonly string[]) => Promise<CommandResult>;

const mib = 1024 * 1024;
const sectorBytes = 512;
/** Partitions begin at 1 MiB, as usual. */
const bootStart = mib;
const bootBytes = 96 * mib;
const rootStart = bootStart + bootBytes;
const rootBytes = setupLimits.distributionDiskMib * mib - rootStart;

export const rootLabel = "cloud-root";
/** The console is the serial line, on which a host hears what a guest says. */
const commandLine = `root=LABEL=${rootLabel} ro console=tty0 console=ttyS0,115200 no_timer_check`;

/** The parts that the boot record names, in bytes. */
export const partitions = [
  { type: 0x0e, active: true, start: bootStart, length: bootBytes },
  { type: 0x83, active: false, start: rootStart, length: rootBytes },
] as const;

/** What syslinux reads at boot. */
export const loaderConfig = [
  ...["SERIAL 0 115200", "PROMPT 0", "DEFAULT linux", "LABEL linux"],
  ...[" LINUX vmlinuz", " INITRD initrd.img", ` APPEND ${commandLine}`, ""],
].join("\n");

interface DiskOptions {
  readonly work: string;
  /** The unpacked tree. */
  readonly tree: string;
  /** The disk to write, qcow2. */
  readonly file: string;
}

/** Writes the disk; answers the release of the kernel in it. @throws Error */
export async function makeCloudDisk(run: RunTool, { work, tree, file }: DiskOptions): Promise<string> {
  const raw = join(work, "disk.raw");
  const release = await kernelRelease(tree);
  await writeBootRecord(raw);
  await makeBoot(run, raw, { work, tree, release });
  await run("mke2fs", [
    ...["-q", "-F", "-t", "ext4", "-L", rootLabel, "-E", `offset=${rootStart},root_owner=0:0`],
    ...["-d", tree, raw, `${rootBytes / 1024}k`],
  ]);
  // Compressed: hosts and people send it to each other, and a guest reads each cluster once.
  const packed = "compat=1.1,compression_type=zstd";
  await run("qemu-img", ["convert", "-q", "-f", "raw", "-O", "qcow2", "-c", "-o", packed, raw, file]);
  await rm(raw);
  return release;
}

async function kernelRelease(tree: string): Promise<string> {
  const prefix = "vmlinuz-";
  const kernel = (await readdir(join(tree, "boot"))).find((name) => name.startsWith(prefix));
  if (kernel === undefined) throw new Error("The packages brought no kernel.");
  return kernel.slice(prefix.length);
}

async function writeBootRecord(raw: string): Promise<void> {
  const code = await readFile("/usr/lib/syslinux/mbr/mbr.bin");
  const disk = await open(raw, "w");
  try {
    await disk.truncate(rootStart + rootBytes);
    await disk.write(masterBootRecord(code, partitions), 0, sectorBytes, 0);
  } finally {
    await disk.close();
  }
}

interface BootOptions extends Omit<DiskOptions, "file"> {
  readonly release: string;
}

async function makeBoot(run: RunTool, raw: string, { work, tree, release }: BootOptions): Promise<void> {
  const config = join(work, "syslinux.cfg");
  await writeFile(config, loaderConfig);
  const at = `${raw}@@${bootStart}`;
  const offset = ["--offset", String(bootStart / sectorBytes), "-h", String(bootStart / sectorBytes)];
  await run("mkfs.fat", ["-F", "16", "-n", "CLOUDBOOT", ...offset, raw, String(bootBytes / 1024)]);
  const copies = [
    [join(tree, "boot", `vmlinuz-${release}`), "vmlinuz"],
    [join(tree, "boot", `initrd.img-${release}`), "initrd.img"],
    [config, "syslinux.cfg"],
  ] as const;
  for (const [from, to] of copies) await run("mcopy", ["-i", at, from, `::${to}`]);
  await run("syslinux", ["--offset", String(bootStart), "--install", raw]);
}
