/**
 * A guest that counts: ten times a second it appends a line with the next number to a file on its disk, makes
 * the line durable, and only then says the number on its console. Before that it writes the line to each of
 * its volumes, into the block of that number, and makes it durable there. So every number on the console must
 * be on the disk and on the volumes whatever happens, and two guests writing to one of them show up.
 *
 * Made of what the set-up installs: the tiny guest with another inittab, and an ext4 file system as its disk.
 */
import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { loadConfig, statePaths } from "../config/config.ts";
import { builtInDrivers, usualHypervisor } from "../drivers/built-in.ts";
import { buildGuest, findGuest, type GuestFiles } from "../setup/guest/build.ts";
import { cpioArchive } from "../setup/guest/cpio.ts";
import type { BenchCluster } from "./bench-cluster.ts";

const run = promisify(execFile);
const diskBytes = 64 * 1024 ** 2;

/** Name of the image and of the flavor. */
export const countingName = "counting";

/** The format of the numbers: on the console, and in the file. */
export const saidLine = /^COUNTER ([0-9a-f-]{36}) ([0-9]+) ([0-9.]+)$/;
export const fileLine = /^([0-9]+) ([0-9a-f-]{36}) ([0-9.]+)$/;
export const counterFile = "/counter";
/** Of a number on a volume. */
export const recordBytes = 512;

const inittab = "::sysinit:/etc/count\n::ctrlaltdel:/bin/reboot\n";

/**
 * A last line that is not a number starts the count again at 0, so that the check of the disk finds it. The
 * disk knows how many volumes there have been, and a guest that starts waits for all of them. A number is on
 * the volumes before it is on the disk: the next life writes there again what only the volumes had.
 */
const script = `#!/bin/sh
export PATH=/bin:/sbin
exec >/dev/console 2>&1
volumes() {
  found=
  count=0
  for path in /sys/block/vd*; do
    serial=
    { read -r serial <"$path/serial"; } 2>/dev/null
    [ -n "$serial" ] && [ -b "/dev/\${path##*/}" ] || continue
    found="$found /dev/\${path##*/}"
    count=$((count + 1))
  done
}
while [ ! -b /dev/vda ]; do usleep 20000; done
mount -t ext4 /dev/vda /disk || echo "COUNTER has no disk"
read -r boot </proc/sys/kernel/random/boot_id
n=$(tail -n 1 /disk/counter 2>/dev/null | cut -d ' ' -f 1)
case $n in '' | *[!0-9]*) n=0 ;; esac
had=0
[ -e /disk/volumes ] && read -r had </disk/volumes
volumes
while [ "$count" -lt "$had" ]; do usleep 20000; volumes; done
while :; do
  n=$((n + 1))
  read -r up _ </proc/uptime
  volumes
  [ "$count" = "$had" ] || { had=$count; echo "$had" >/disk/volumes; sync /disk/volumes; }
  for volume in $found; do
    until echo "$n $boot $up" |
      dd of="$volume" bs=${recordBytes} seek="$n" count=1 conv=sync,notrunc,fsync 2>/dev/null
    do echo "COUNTER cannot write to $volume"; usleep 500000; done
  done
  echo "$n $boot $up" >>/disk/counter
  sync /disk/counter && echo "COUNTER $boot $n $up"
  usleep 80000
done
`;

const { emulator, diskTool } = builtInDrivers.hypervisors[usualHypervisor].programs;

/** The programs of real guests that are not installed, as a sentence; undefined when none is missing. */
export const missingForGuests = (): string | undefined => missingOf([emulator, diskTool, "setpriv"]);

/** As missingForGuests, with the programs that build a counting guest. */
export const missingForCounting = (): string | undefined =>
  missingOf([emulator, diskTool, "mke2fs", "e2fsck", "debugfs", "lz4", "setpriv"]);

function missingOf(tools: readonly string[]): string | undefined {
  const missing = tools.filter((tool) => spawnSync(tool, ["-V"], { stdio: "ignore" }).error !== undefined);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/** The tiny guest that the set-up has built; built here when it is missing. */
export async function tinyGuest(directory: string, say: (text: string) => void): Promise<GuestFiles> {
  const known = findGuest(statePaths(loadConfig()).guest) ?? findGuest(directory);
  return known ?? buildGuest(directory, say);
}

/** Registers the counting image and its flavor. */
export async function registerCountingGuest({ admin, config }: BenchCluster, tiny: GuestFiles) {
  const imports = statePaths(config).import;
  mkdirSync(imports, { recursive: true });
  const at = (name: string) => join(imports, name);
  cpSync(tiny.kernel, at("kernel"));
  await Promise.all([makeRamdisk(tiny.ramdisk, at("ramdisk")), makeDisk(at("disk.raw"))]);
  await admin.flavor.create({ name: countingName, vcpus: 1, memoryMib: 96, diskGib: 0 });
  await admin.image.register({
    name: countingName,
    kernel: { path: at("kernel") },
    ramdisk: { path: at("ramdisk") },
    disk: { path: at("disk.raw"), format: "raw" },
    commandLine: tiny.commandLine,
  });
}

/** Later files of a ramdisk replace earlier ones of the same name. */
async function makeRamdisk(tiny: string, file: string): Promise<void> {
  const archive = `${file}.cpio`;
  await run("lz4", ["-d", "-f", "-q", tiny, archive]);
  const ours = cpioArchive([
    { kind: "file", path: "etc/inittab", mode: 0o644, content: Buffer.from(inittab) },
    { kind: "file", path: "etc/count", mode: 0o755, content: Buffer.from(script) },
  ]);
  writeFileSync(archive, Buffer.concat([readFileSync(archive), ours]));
  await run("lz4", ["-l", "-f", "-q", archive, file]);
}

async function makeDisk(file: string): Promise<void> {
  writeFileSync(file, "");
  truncateSync(file, diskBytes);
  await run("mke2fs", ["-q", "-F", "-t", "ext4", "-J", "size=4", "-E", "lazy_itable_init=0", file]);
}
