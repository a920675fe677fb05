/**
 * Reads how far counting guests have come from their consoles, on whichever node they run: a number on the
 * console is durable on the guest's disk. Times are those of reading, a few ms after the guest wrote.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { guestFiles } from "../drivers/guest-directory.ts";
import { saidLine } from "./counting-guest.ts";

const periodMs = 20;
const chunkBytes = 64 * 1024;

/** One life of the guest: from a start on one node to its end. */
export interface Boot {
  readonly bootId: string;
  readonly node: string;
  readonly first: number;
  readonly firstAtMs: number;
  last: number;
  lastAtMs: number;
  /** The longest time between two numbers, since the gap was last reset. */
  gapMs: number;
}

interface Reading {
  inode: number;
  offset: number;
  rest: string;
}

export class Counters {
  readonly #config: ClusterConfig;
  readonly #boots = new Map<string, Boot[]>();
  readonly #readings = new Map<string, Reading>();
  #timer: NodeJS.Timeout | undefined;

  constructor(config: ClusterConfig) {
    this.#config = config;
  }

  start(instanceIds: readonly string[]): void {
    this.end();
    this.#boots.clear();
    for (const id of instanceIds) this.#boots.set(id, []);
    this.#timer = setInterval(() => this.#read(), periodMs);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** The boots of a guest, in the order of their first numbers. */
  bootsOf(instanceId: string): readonly Boot[] {
    return this.#boots.get(instanceId) ?? [];
  }

  newest(instanceId: string): Boot | undefined {
    return this.#boots.get(instanceId)?.at(-1);
  }

  forgetGaps(): void {
    for (const boot of [...this.#boots.values()].flat()) boot.gapMs = 0;
  }

  /**
   * The guest's newest boot, once it has said a number on the node after `sinceMs`. @throws Error when it has
   * not within `withinMs`
   */
  async saidOn(
    instanceId: string,
    {
      node,
      sinceMs,
      withinMs,
      signal,
    }: { node: string; sinceMs: number; withinMs: number; signal: AbortSignal },
  ): Promise<Boot> {
    for (;;) {
      const boot = this.newest(instanceId);
      if (boot?.node === node && boot.lastAtMs > sinceMs) return boot;
      if (performance.now() - sinceMs > withinMs) {
        throw new Error(`Instance ${instanceId} does not count on ${node} within ${withinMs / 1_000} s.`);
      }
      await pause(periodMs, undefined, { signal });
    }
  }

  #read(): void {
    for (const instanceId of this.#boots.keys()) {
      for (const { name } of this.#config.nodes) this.#readOne(instanceId, name);
    }
  }

  #readOne(instanceId: string, node: string): void {
    const path = join(statePaths(this.#config).node(node), "guests", instanceId, guestFiles.console);
    const file = opened(path);
    if (file === undefined) return;
    try {
      const { ino, size } = fstatSync(file);
      const known = this.#readings.get(path);
      const reading = known?.inode === ino ? known : { inode: ino, offset: 0, rest: "" };
      this.#readings.set(path, reading);
      while (reading.offset < size) {
        const bytes = Buffer.alloc(Math.min(chunkBytes, size - reading.offset));
        const count = readSync(file, bytes, 0, bytes.length, reading.offset);
        if (count === 0) return;
        reading.offset += count;
        const lines = (reading.rest + bytes.toString("latin1", 0, count)).split("\n");
        reading.rest = lines.pop() ?? "";
        for (const line of lines) this.#take(instanceId, node, line.trim());
      }
    } finally {
      closeSync(file);
    }
  }

  #take(instanceId: string, node: string, line: string): void {
    const [, bootId, number] = saidLine.exec(line) ?? [];
    if (bootId === undefined) return;
    const boots = this.#boots.get(instanceId) ?? [];
    const nowMs = performance.now();
    const last = Number(number);
    const known = boots.find((boot) => boot.bootId === bootId && boot.node === node);
    if (known === undefined) {
      boots.push({ bootId, node, first: last, firstAtMs: nowMs, last, lastAtMs: nowMs, gapMs: 0 });
      return;
    }
    known.gapMs = Math.max(known.gapMs, nowMs - known.lastAtMs);
    known.last = last;
    known.lastAtMs = nowMs;
  }
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    // The console's file does not exist yet, or not any more.
    return undefined;
  }
}
