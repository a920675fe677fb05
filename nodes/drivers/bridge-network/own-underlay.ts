/**
 * An underlay of the node alone: a namespace with a device on one of the computer's devices, and an address
 * of the node there. Tunnels are made in the namespace, because VXLAN numbers are unique in a namespace: so
 * several nodes of one computer share one underlay. This file must never change the computer's own network.
 */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import { runTool } from "../tool.ts";
import { Turns } from "../waiting.ts";
import type { Namespaces } from "./holder.ts";
import { bridgeNetworkLimits } from "./limits.ts";
import type { OutsideOption } from "./routing/options.ts";
import { ownAddress } from "./routing/plan-outside.ts";
import { type Space, Spaces } from "./routing/spaces.ts";

/** In the fabric's directory. */
export const underlayDirectory = "underlay";
const spaceName = "own";
/** In its namespace. */
const deviceName = "nvu0";
const { toolTimeoutMs: timeoutMs, comparePeriodMs } = bridgeNetworkLimits;

export interface OwnUnderlayParts {
  readonly option: OutsideOption;
  /** Of the fabric. */
  readonly directory: string;
  readonly fabric: () => Promise<Namespaces>;
  readonly clock: Clock;
  readonly log: Log;
}

export class OwnUnderlay {
  /** The node's own, without the prefix of its range. */
  readonly address: string;
  readonly #parts: OwnUnderlayParts;
  readonly #spaces: Spaces;
  readonly #turns = new Turns();
  #timer: Timer | undefined;
  #detached = false;

  /** @throws StatusError hypervisorRefused when the address is none */
  constructor(parts: OwnUnderlayParts) {
    const { option, clock, log, fabric } = parts;
    const own = ownAddress(option.address);
    if (own === undefined)
      throw refused(`${option.address} is no address of IPv4 with a prefix, which underlayOn needs.`);
    this.address = own.address;
    this.#parts = parts;
    this.#spaces = new Spaces({ directory: join(parts.directory, underlayDirectory), fabric, clock, log });
  }

  /** Of the computer's device; undefined: no such device. */
  mtuBytes(): number | undefined {
    try {
      return Number(readFileSync(`/sys/class/net/${this.#parts.option.device}/mtu`, "utf8"));
    } catch {
      return undefined;
    }
  }

  /** Of the namespace for tunnels, with its device in it. @throws StatusError hypervisorRefused */
  async path(): Promise<string> {
    const space = await this.#settled();
    this.#lookSoon();
    return space.path;
  }

  async detach(): Promise<void> {
    this.#detached = true;
    this.#timer?.cancel();
    await this.#turns.run("underlay", () => this.#spaces.detach());
  }

  #settled(): Promise<Space> {
    return this.#turns.run("underlay", async () => {
      await mkdir(join(this.#parts.directory, underlayDirectory), { recursive: true, mode: 0o700 });
      const space = await this.#spaces.open(spaceName);
      if (!(await this.#isThere(space))) await this.#make(space);
      return space;
    });
  }

  async #isThere(space: Space): Promise<boolean> {
    const argv = ["-o", "-4", "addr", "show", "dev", deviceName, "up"];
    const { exitCode, output } = await space.run("ip", argv, { timeoutMs });
    return exitCode === 0 && output.includes(` ${this.#parts.option.address} `);
  }

  async #make(space: Space): Promise<void> {
    const { device, address } = this.#parts.option;
    // One of before may be on a device that is gone by now, or have another address.
    await space.run("ip", ["link", "del", "dev", deviceName], { timeoutMs });
    const made = await runTool(
      "ip",
      `link add name ${deviceName} link ${device} netns ${space.path} type macvlan mode bridge`.split(" "),
      { timeoutMs },
    );
    if (made.exitCode !== 0) throw refused(`A device on ${device} cannot be made.`, made.errors);
    const input = [
      `link set dev ${deviceName} addrgenmode none`,
      `addr add ${address} dev ${deviceName}`,
      `link set dev ${deviceName} up`,
    ].join("\n");
    const set = await space.run("ip", ["-batch", "-"], { timeoutMs, input: `${input}\n`, endsInput: true });
    if (set.exitCode !== 0) throw refused(`The node cannot be ${address} on ${device}.`, set.errors);
  }

  /** The computer's device may have gone and come back, and its nodes' devices with it. */
  #lookSoon(): void {
    this.#timer?.cancel();
    if (this.#detached) return;
    this.#timer = this.#parts.clock.after(comparePeriodMs, () => {
      void this.#settled()
        .catch((error: unknown) =>
          this.#parts.log.warn({ error: String(error) }, "the node's underlay is not as it should be"),
        )
        .finally(() => this.#lookSoon());
    });
  }
}

const refused = (message: string, detail = ""): StatusError =>
  new StatusError("hypervisorRefused", message, { detail: detail.trim().slice(0, 500) });
