/**
 * A guest that writes to its volumes all the time. On its console it says which volumes have come, once it
 * has written to them, and which have gone: so a volume is noticed alike, whoever plugs it in.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { guestFiles } from "../drivers/guest-directory.ts";

/**
 * The volumes are those with a serial number. Each gets a device file of its own: a write to a path of /dev
 * that has just gone would make an ordinary file there.
 */
const script = `#!/bin/sh
while :; do
  for path in /sys/block/vd*; do
    serial=
    { read -r serial <"$path/serial"; IFS=: read -r major minor <"$path/dev"; } 2>/dev/null
    [ -n "$serial" ] || continue
    node=/run/volume.\${path##*/}
    [ -b "$node" ] || mknod "$node" b "$major" "$minor"
    echo "$serial" | dd of="$node" bs=512 count=1 conv=sync,fsync 2>/dev/null || continue
    [ -e "$node.said" ] && continue
    echo "VOLUME HAS $serial"
    echo "$serial" >"$node.said"
  done
  for said in /run/volume.*.said; do
    node=\${said%.said}
    [ -e "$said" ] && [ ! -e "/sys/block/\${node##*.}" ] || continue
    read -r serial <"$said"
    rm -f "$node" "$said"
    echo "VOLUME LOST $serial"
  done
  usleep 10000
done
`;

/** As a create takes it. */
export const volumeGuestData = Buffer.from(script).toString("base64");

/** As many characters of an id as a guest sees. */
const serialLength = 20;
export const serialOf = (volumeId: string): string => volumeId.slice(0, serialLength);

const lookEveryMs = 2;
const saidWithinMs = 120_000;

export type VolumeWord = "HAS" | "LOST";

/** The words of a guest, read from its directory. */
export class VolumeConsole {
  readonly #file: string;

  constructor(directory: string) {
    this.#file = join(directory, guestFiles.console);
  }

  count(word: VolumeWord, volumeId: string): number {
    return this.#text().split(`VOLUME ${word} ${serialOf(volumeId)}`).length - 1;
  }

  /** Resolves when it has said so more than so many times, with that time. @throws Error when it does not */
  async said(word: VolumeWord, volumeId: string, before: number): Promise<number> {
    return this.#until(`${word} ${volumeId}`, () => this.count(word, volumeId) > before);
  }

  async ready(): Promise<void> {
    await this.#until("ready", () => this.#text().includes("NOVACT-GUEST READY"));
  }

  async #until(what: string, met: () => boolean): Promise<number> {
    const startMs = performance.now();
    while (!met()) {
      if (performance.now() - startMs > saidWithinMs) throw new Error(`The guest did not say: ${what}.`);
      await pause(lookEveryMs);
    }
    return performance.now();
  }

  #text(): string {
    try {
      return readFileSync(this.#file, "latin1");
    } catch {
      // The process has not made it yet.
      return "";
    }
  }
}
