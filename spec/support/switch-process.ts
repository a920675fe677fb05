/** A switch's real process in a directory of its own, with fake guests, for specs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programFile } from "../../nodes/package/program-files.ts";
import {
  readSwitchApplied,
  type SwitchApplied,
  type SwitchPlug,
  switchFiles,
  switchFlags,
  writeSwitchState,
} from "../../nodes/switch/state.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { FakeNic } from "./fake-nic.ts";
import { type Guest, plugOf, portIdOf } from "./switch-world.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class SwitchBench {
  /** The home of the switch. */
  readonly directory = mkdtempSync(join(tmpdir(), "novact-switch-"));
  /** The directory of its only node. */
  readonly node = join(this.directory, "node");
  readonly #nics = new Map<string, FakeNic>();
  #process: ChildProcess | undefined;
  #log = "";
  /** The node's address of the underlay. */
  readonly #underlay: string | undefined;

  constructor(underlay?: string) {
    this.#underlay = underlay;
  }

  get log(): string {
    return this.#log;
  }

  get process(): ChildProcess {
    if (this.#process === undefined) throw new Error("No switch was started.");
    return this.#process;
  }

  start(): ChildProcess {
    mkdirSync(this.node, { recursive: true });
    const argv = [...switchFlags, programFile("switch/main"), "--directory", this.directory];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text;
    });
    this.#process = child;
    return child;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill(signal);
    await ended;
  }

  async listen(guest: Guest): Promise<FakeNic> {
    const nic = await FakeNic.listen(plugOf(guest, this.directory).path);
    this.#nics.set(portIdOf(guest), nic);
    return nic;
  }

  /** Of the file of what the guest is told, which may not be there. */
  toldPath(guest: Guest): string {
    return join(this.directory, `${portIdOf(guest)}.told`);
  }

  /** Writes the state, and waits until it is applied and every guest that listens is connected. */
  async apply(guests: readonly Guest[], networking: HostNetworking | null): Promise<SwitchApplied> {
    const { state: applied } = await this.applyPlugs(guests, networking, () => ({}));
    const connected = guests.filter((guest) => this.#nics.has(portIdOf(guest))).length;
    return this.until(({ state, plugs }) => state === applied && plugs === connected);
  }

  /** Writes the state, and waits until it is applied. `given`: what is otherwise in the plug of a guest. */
  async applyPlugs(
    guests: readonly Guest[],
    networking: HostNetworking | null,
    given: (guest: Guest) => Partial<SwitchPlug>,
  ): Promise<SwitchApplied> {
    const underlay = this.#underlay === undefined ? {} : { underlay: this.#underlay };
    const plugs = guests.map((guest) => ({
      ...{ ...plugOf(guest, this.directory), ...underlay },
      ...{ toldPath: this.toldPath(guest), ...given(guest) },
    }));
    const hash = await writeSwitchState(join(this.node, switchFiles.state), { networking, plugs });
    return this.until(({ state }) => state === hash);
  }

  /** What the living switch says, as soon as it fits. */
  async until(fits: (applied: SwitchApplied) => boolean): Promise<SwitchApplied> {
    for (;;) {
      const applied = await readSwitchApplied(join(this.node, switchFiles.applied));
      if (applied !== undefined && applied.pid === this.process.pid && fits(applied)) return applied;
      await pause(2);
    }
  }

  /** Resolves when the switch has written down so many connections. */
  async kept(count: number): Promise<void> {
    const path = join(this.directory, switchFiles.connections);
    while (!existsSync(path) || JSON.parse(readFileSync(path, "utf8")).length !== count) await pause(10);
  }

  async close(): Promise<void> {
    if (this.#process !== undefined) await this.kill();
    for (const nic of this.#nics.values()) await nic.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
