/**
 * Keeps the rules about the senders of tunnels where the packets of tunnels come in, which is the namespace
 * of the underlay, or the computer's own network: in a table of its own, whose name is this fabric's, beside
 * whatever the operator has there. It must never name another table.
 */
import { createHash } from "node:crypto";
import type { Fabric } from "./fabric.ts";
import { bridgeNetworkLimits } from "./limits.ts";
import type { FabricPlan } from "./plan.ts";
import { refused } from "./rules/nft.ts";
import { tunnelTable } from "./tunnel-senders.ts";

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;

type Senders = Pick<FabricPlan, "tunnels" | "places" | "routerPorts">;

export class TunnelGuard {
  readonly #fabric: Pick<Fabric, "runAtUnderlay">;
  readonly table: string;
  /** What was brought into the kernel, and what it said then. */
  #brought: { readonly text: string; readonly seen: string } | undefined;

  #tunnels: FabricPlan["tunnels"] = [];
  #leaving: FabricPlan["tunnels"] = [];

  constructor(fabric: Pick<Fabric, "runAtUnderlay" | "directory">) {
    this.#fabric = fabric;
    const digits = createHash("sha256").update(fabric.directory).digest("hex").slice(0, 12);
    this.table = `nvtunnels_${digits}`;
  }

  /**
   * Before a tunnel is made. Tunnels of before that are not planned any more believe nobody until `settled`.
   * @throws StatusError hypervisorRefused: nobody may be believed
   */
  async settle(plan: Senders): Promise<void> {
    const planned = new Set(plan.tunnels.map(({ number }) => number));
    this.#leaving = [...this.#tunnels, ...this.#leaving].filter(({ number }) => !planned.has(number));
    this.#tunnels = plan.tunnels;
    await this.#bring({ ...plan, tunnels: [...plan.tunnels, ...this.#leaving] });
  }

  /** Devices are as planned: tunnels of before have gone. @throws StatusError hypervisorRefused */
  async settled(plan: Senders): Promise<void> {
    if (this.#leaving.length === 0) return;
    await this.#bring(plan);
    this.#leaving = [];
  }

  async #bring(plan: Senders): Promise<void> {
    const text = tunnelTable(this.table, plan);
    const before = this.#brought;
    if (before?.text === text && (plan.tunnels.length === 0 || (await this.#look()) === before.seen)) return;
    this.#brought = undefined;
    // An agent that begins may find one of before.
    const isThere = plan.tunnels.length > 0 || (await this.#look()) !== undefined;
    if (isThere) await this.#load(text);
    const seen = plan.tunnels.length === 0 ? "" : await this.#look();
    if (seen === undefined) throw refused("The rules about other hosts' senders cannot be read.");
    this.#brought = { text, seen };
  }

  /** Loads the last rules again where the table was removed. False: nothing was to do. */
  async restore(): Promise<boolean> {
    const { text } = this.#brought ?? {};
    if (text === undefined || this.#tunnels.length === 0 || (await this.#look()) !== undefined) return false;
    await this.#load(text);
    return true;
  }

  /** The tunnels have gone. */
  async end(): Promise<void> {
    if (this.#brought === undefined) return;
    this.#brought = undefined;
    await this.#load(tunnelTable(this.table, { tunnels: [], places: [], routerPorts: [] }));
  }

  async #load(input: string): Promise<void> {
    const given = { timeoutMs, outputBytesMax, input, endsInput: true };
    const { exitCode, errors } = await this.#fabric.runAtUnderlay("nft", ["-f", "-"], given);
    if (exitCode !== 0)
      throw refused(
        "The kernel does not take the rules about other hosts' senders.",
        errors.trim().slice(0, 500),
      );
  }

  /** Undefined: there is no such table, or nft fails. */
  async #look(): Promise<string | undefined> {
    const argv = ["-j", "list", "table", "inet", this.table];
    const { exitCode, output } = await this.#fabric.runAtUnderlay("nft", argv, { timeoutMs, outputBytesMax });
    return exitCode === 0 ? output : undefined;
  }
}
