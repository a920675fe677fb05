/**
 * The fabric: a network namespace of a node, in which all its bridges and taps are. Neither the computer's
 * own rules and settings nor those of another node reach into it, and with it goes all that is in it. A small
 * process holds it, and the agent has it open: the death of either loses nothing, for who starts anew takes
 * it from the other. Packets pass while the agent is dead.
 *
 * Beside it is the namespace of plugs, in which hypervisors open taps that are then moved into the fabric: no
 * hypervisor is ever in the fabric.
 */
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import { makeNamespace, nameOf, ownNamespace } from "../network-namespace.ts";
import { isAlive, type ProcessIdentity } from "../process-table.ts";
import { runTool, type ToolOptions, type ToolResult } from "../tool.ts";
import { Turns } from "../waiting.ts";
import type { FabricEntrance } from "./filter.ts";
import {
  endResidents,
  fabricDirectory,
  findKeepers,
  findResidents,
  holds,
  type Namespaces,
  namespacesOf,
  namespacesOfKeeper,
  plugsPath,
  startHolder,
} from "./holder.ts";
import { bridgeNetworkLimits } from "./limits.ts";
import { type OwnUnderlay, underlayDirectory } from "./own-underlay.ts";
import { tryDevices } from "./probe.ts";
import { serviceAddress } from "./service-address.ts";

export interface FabricOptions {
  /** Of the node; a directory in it is the fabric's. */
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Path of the namespace by whose network this host reaches others. Absent: the agent's own. */
  readonly outside?: string;
  /** Where tunnels are made. Absent: where the host reaches others. */
  readonly underlay?:
    | ((of: { readonly directory: string; readonly fabric: () => Promise<Namespaces> }) => OwnUnderlay)
    | undefined;
}

interface Held extends Namespaces {
  holder: ProcessIdentity;
}

export class Fabric implements FabricEntrance {
  readonly directory: string;
  /** Undefined: tunnels are made where the host reaches others. */
  readonly underlay: OwnUnderlay | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #outside: string | undefined;
  readonly #turns = new Turns();
  #held: Promise<Held> | undefined;
  #timer: Timer | undefined;
  #detached = false;

  constructor({ stateDirectory, clock, log, outside, underlay }: FabricOptions) {
    const directory = fabricDirectory(stateDirectory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.directory = realpathSync(directory);
    this.#clock = clock;
    this.#log = log;
    this.#outside = outside;
    this.underlay = underlay?.({ directory: this.directory, fabric: () => this.#hold() });
  }

  /** Takes the fabric over, or makes it. @throws Error */
  async open(): Promise<void> {
    await this.#hold();
  }

  async path(): Promise<string> {
    return pathOf((await this.#hold()).fabric);
  }

  /** By which hypervisors enter the namespace of plugs: the same over lives of the agent, while it lasts. */
  async plugsPath(): Promise<string> {
    return plugsPath((await this.#hold()).holder.pid);
  }

  /** Both of its namespaces, for those who are to hold them as well. They stay the fabric's to close. */
  async namespaces(): Promise<Namespaces> {
    return this.#hold();
  }

  async run(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult> {
    return runIn(await this.path(), command, argv, options);
  }

  /** Runs a tool in the namespace of plugs. */
  async runAmongPlugs(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult> {
    return runIn(pathOf((await this.#hold()).plugs), command, argv, options);
  }

  /** Runs a tool where the host reaches others. */
  runOutside(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult> {
    const path = this.#outside;
    return path === undefined ? runTool(command, argv, options) : runIn(path, command, argv, options);
  }

  /** Runs a tool where the packets of tunnels go out. @throws StatusError hypervisorRefused */
  async runAtUnderlay(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult> {
    const { underlay } = this;
    return underlay === undefined
      ? this.runOutside(command, argv, options)
      : runIn(await underlay.path(), command, argv, options);
  }

  /** Of the namespace where the packets of tunnels go out; undefined: the agent's own. @throws as above */
  async underlayPath(): Promise<string | undefined> {
    return this.underlay === undefined ? this.#outside : this.underlay.path();
  }

  /** The agent ends; `guests`: and so have they, and the fabric with all that is in it. */
  async detach(guests: boolean): Promise<void> {
    this.#detached = true;
    this.#timer?.cancel();
    await this.underlay?.detach();
    await this.#turns.run("holder", async () => {
      if (guests) await endResidents(this.directory);
      const held = await this.#held?.catch(() => undefined);
      this.#held = undefined;
      await Promise.all([held?.fabric.close(), held?.plugs.close()]);
    });
  }

  #hold(): Promise<Held> {
    if (this.#detached) return Promise.reject(new Error("The agent lets go of its network."));
    this.#held ??= this.#turns
      .run("holder", () => this.#open())
      .catch((error: unknown) => {
        this.#held = undefined;
        throw error;
      });
    return this.#held;
  }

  async #open(): Promise<Held> {
    const found = await this.#find();
    const { holder: known, ...namespaces } = found;
    if (namespaces.fabric === undefined) await tryDevices();
    const fabric = namespaces.fabric ?? (await makeNamespace(this.#clock));
    const plugs = namespaces.plugs ?? (await makeNamespace(this.#clock));
    try {
      const held: Held = { fabric, plugs, holder: known ?? (await this.#start({ fabric, plugs })) };
      await prepare(pathOf(fabric));
      if (namespaces.fabric === undefined)
        this.#log.info({ pid: held.holder.pid }, "a network was made for guests");
      this.#lookSoon(held);
      return held;
    } catch (error) {
      await Promise.all([fabric.close(), plugs.close()]);
      throw error;
    }
  }

  /** What residents have. Of two fabrics, which only a fault can leave, the older counts. */
  async #find(): Promise<Partial<Held>> {
    const own = await ownNamespace();
    let found: Partial<Held> = {};
    const places = [this.directory, join(this.directory, underlayDirectory)];
    const beside = await Promise.all(places.map((place) => findKeepers(place)));
    const keepers = beside.flat().map(({ process }) => process);
    for (const resident of [...(await findResidents(this.directory)), ...keepers]) {
      const isKeeper = keepers.includes(resident);
      const { fabric, plugs } = isKeeper
        ? await namespacesOfKeeper(resident, own)
        : ((await namespacesOf(resident, own)) ?? {});
      const isOther = fabric === undefined || (found.fabric && (await differs(found.fabric, fabric)));
      if (isOther === true) {
        await Promise.all([fabric?.close(), plugs?.close()]);
        continue;
      }
      if (found.fabric !== undefined) await fabric?.close();
      if (found.plugs !== undefined) await plugs?.close();
      const holder = isKeeper ? {} : { holder: resident };
      found = { ...(fabric && { fabric }), ...(plugs && { plugs, ...holder }), ...found };
    }
    return found;
  }

  #start(namespaces: Namespaces): Promise<ProcessIdentity> {
    return startHolder(namespaces, { directory: this.directory, clock: this.#clock });
  }

  #lookSoon(held: Held): void {
    if (this.#detached) return;
    this.#timer = this.#clock.after(bridgeNetworkLimits.holderLookPeriodMs, () => void this.#look(held));
  }

  /** The agent's own descriptors keep the namespaces until another process holds them. */
  async #look(held: Held): Promise<void> {
    try {
      await this.#turns.run("holder", async () => {
        if (this.#detached || ((await isAlive(held.holder)) && (await holds(held.holder, held)))) return;
        this.#log.warn({ pid: held.holder.pid }, "the process that holds the guests' network has ended");
        held.holder = await this.#start(held);
      });
    } catch (error) {
      this.#log.error({ error: String(error) }, "no process holds the guests' network beside the agent");
    }
    this.#lookSoon(held);
  }
}

const pathOf = ({ fd }: { readonly fd: number }): string => `/proc/${process.pid}/fd/${fd}`;

const differs = async (one: Namespaces["fabric"], other: Namespaces["fabric"]): Promise<boolean> =>
  (await nameOf(one)) !== (await nameOf(other));

const runIn = (path: string, command: string, argv: readonly string[], options: ToolOptions) =>
  runTool("nsenter", [`--net=${path}`, command, ...argv], options);

/**
 * A new namespace may have the settings of the computer's own: it must lead from no bridge to another,
 * believe no redirect, and take packets that come from where no route leads.
 */
const off = [
  ...["ipv4/conf/all/forwarding", "ipv4/conf/default/forwarding", "ipv4/conf/all/rp_filter"],
  ...["ipv4/conf/default/rp_filter", "ipv4/conf/all/accept_redirects", "ipv4/conf/default/accept_redirects"],
  ...["ipv4/conf/all/send_redirects", "ipv4/conf/default/send_redirects"],
  ...["ipv6/conf/all/forwarding", "ipv6/conf/default/forwarding", "ipv6/conf/default/accept_ra"],
  ...["ipv6/conf/default/autoconf", "ipv6/conf/default/accept_redirects"],
].map((name) => `/proc/sys/net/${name}`);

/** @throws Error */
async function prepare(path: string): Promise<void> {
  const { toolTimeoutMs: timeoutMs } = bridgeNetworkLimits;
  const settings = off.filter((name) => existsSync(name));
  const written = await runIn(path, "tee", settings, { timeoutMs, input: "0\n", endsInput: true });
  const lines = `link set dev lo up\naddr replace ${serviceAddress}/32 dev lo\n`;
  const addressed = await runIn(path, "ip", ["-batch", "-"], { timeoutMs, input: lines, endsInput: true });
  for (const { exitCode, errors } of [written, addressed])
    if (exitCode !== 0) throw new Error(`The guests' network could not be set up: ${errors.trim()}`);
}
