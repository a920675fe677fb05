/**
 * The kernel of this computer, by `ip` and `mknod`. A macvtap's own file in /dev has its index as its name,
 * which is another device's in another network namespace, and is not there in many containers: so the driver
 * makes one for itself, which root alone may open, in a directory of its own that a restart of the computer
 * empties as it removes the macvtaps.
 */
import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { StatusError } from "novact/plugin";
import type { Change, Kernel, NewMacvtap, SeenMacvtap } from "./kernel.ts";
import { readMacvtaps } from "./seen.ts";
import { runTool } from "./tool.ts";

const devices = "/sys/class/net";

export class LinuxKernel implements Kernel {
  readonly #files: string;

  /** @param files directory of a host's own */
  constructor(files: string) {
    this.#files = files;
  }

  mtuBytesOf(device: string): number | undefined {
    const text = textIn(join(devices, device, "mtu"));
    return text === undefined ? undefined : Number(text);
  }

  async macvtaps(): Promise<readonly SeenMacvtap[]> {
    const argv = ["-j", "-d", "link", "show", "type", "macvtap"];
    const { succeeded, output, errors } = await runTool("ip", argv);
    if (!succeeded) throw refused("The computer's macvtaps cannot be read.", errors);
    return readMacvtaps(output);
  }

  /** The file is made anew as well: who has an earlier one open has nothing of this macvtap. */
  async make({ name, device, mac, mtuBytes, alias }: NewMacvtap): Promise<void> {
    await rm(join(this.#files, name), { force: true });
    const line = `link add link ${device} name ${name} address ${mac} mtu ${mtuBytes} type macvtap mode bridge`;
    const made = await inBatch([line, `link set dev ${name} alias ${alias} ${always}`], []);
    if (made.succeeded) return;
    await this.remove([name]);
    throw refused(`No macvtap could be made on the device ${device}.`, made.errors);
  }

  async change(changes: readonly Change[]): Promise<void> {
    const lines = changes.map(({ name, mac, mtuBytes, isUp }) => {
      const address = mac === undefined ? "" : ` address ${mac}`;
      const size = mtuBytes === undefined ? "" : ` mtu ${mtuBytes}`;
      return `link set dev ${name} ${always}${address}${size}${isUp === undefined ? "" : isUp ? " up" : " down"}`;
    });
    if (lines.length > 0) await inBatch(lines, ["-force"]);
  }

  async remove(names: readonly string[]): Promise<void> {
    if (names.length > 0)
      await inBatch(
        names.map((name) => `link del dev ${name}`),
        ["-force"],
      );
  }

  async fileOf(name: string): Promise<string> {
    const number = numberOf(name);
    if (number === undefined) throw refused(`The macvtap ${name} is gone from the computer.`, "");
    const path = join(this.#files, name);
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there?.isCharacterDevice() && there.rdev === joined(number)) return path;
    await mkdir(this.#files, { recursive: true, mode: 0o700 });
    await rm(path, { force: true, recursive: true });
    const argv = ["-m", "0600", path, "c", ...number.map(String)];
    const { succeeded, errors } = await runTool("mknod", argv);
    if (!succeeded) throw refused("The file of a macvtap could not be made.", errors);
    return path;
  }

  async keepFiles(names: ReadonlySet<string>): Promise<void> {
    const there = await readdir(this.#files).catch(() => []);
    for (const name of there) if (!names.has(name)) await rm(join(this.#files, name), { force: true });
  }

  /** By looking at what processes have open: nothing else tells. */
  async isOpen(path: string): Promise<boolean> {
    for (const process of entriesIn("/proc")) {
      if (!/^[0-9]+$/.test(process.name)) continue;
      const directory = join("/proc", process.name, "fd");
      if (entriesIn(directory).some(({ name }) => targetOf(join(directory, name)) === path)) return true;
      await breathe();
    }
    return false;
  }
}

/** As Linux says it in its `dev` files: `246:1`. */
function numberOf(name: string): readonly [number, number] | undefined {
  const directory = join(devices, name, "macvtap");
  const [entry] = entriesIn(directory);
  const text = entry && textIn(join(directory, entry.name, "dev"));
  const [, major, minor] = /^(\d+):(\d+)$/.exec(text ?? "") ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

/** Source: makedev(3) of glibc, for the numbers that Linux has. */
const joined = ([major, minor]: readonly [number, number]): number =>
  (major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12);

const always = "addrgenmode none allmulticast on";

const inBatch = (lines: readonly string[], flags: readonly string[]) =>
  runTool("ip", [...flags, "-batch", "-"], lines.map((line) => `${line}\n`).join(""));

/** Undefined: there is no such file, or the device has gone meanwhile. */
function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

function entriesIn(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

function refused(message: string, errors: string): StatusError {
  return new StatusError("hypervisorRefused", message, { detail: errors.trim().slice(0, 500) });
}
