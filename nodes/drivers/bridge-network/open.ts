/** Puts the driver `bridge` together for a host, with whatever filters its packets. */
import { chmodSync, statSync } from "node:fs";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { DriverContext } from "../kinds.ts";
import { PortFiles } from "../user-network/port-files.ts";
import { Fabric, type FabricOptions } from "./fabric.ts";
import { Limiter } from "./limiter.ts";
import { BridgeNetwork, type BridgeNetworkParts } from "./network.ts";
import { OwnUnderlay } from "./own-underlay.ts";
import { PictureFile } from "./picture-file.ts";
import { lackOf, lookAround, tunDevice } from "./probe.ts";
import { Rounds } from "./rounds.ts";
import type { OutsideOption, OutsideOptions } from "./routing/options.ts";
import { Routing } from "./routing/routing.ts";
import { Settler } from "./settler.ts";
import { TableKeeper } from "./table-keeper.ts";
import { carriedBy } from "./underlay.ts";

export interface BridgeOptions {
  /** Absent: the host's guests reach no other host's. */
  readonly underlay?: string | undefined;
  /** Instead: the node has an address of its own, on a device of the computer. */
  readonly underlayOn?: OutsideOption | undefined;
  /** Absent: its routers lead nowhere else. */
  readonly outside?: OutsideOptions | undefined;
}

/** @throws StatusError hypervisorRefused on a computer that lacks something, with what to do */
export function openBridgeNetwork(
  { stateDirectory, clock, log }: Pick<DriverContext, "stateDirectory" | "clock" | "log">,
  { underlay, underlayOn, outside }: BridgeOptions,
  { filter, ready }: Pick<BridgeNetworkParts, "filter" | "ready">,
): BridgeNetwork {
  const lack = lackOf(lookAround());
  if (lack !== undefined) throw new StatusError("hypervisorRefused", lack);
  if (underlay !== undefined && underlayOn !== undefined)
    throw new StatusError("hypervisorRefused", "A node has an underlay or underlayOn, and not both.");
  openTun(log);
  const own = underlayOn && { underlay: ownUnderlay(underlayOn, { clock, log }) };
  const fabric = new Fabric({ stateDirectory, clock, log, ...own });
  return assemble(
    { stateDirectory, clock, log },
    {
      ...{ fabric, filter, ...(outside && { outside }) },
      ready: () => ready().then(async () => void (await fabric.underlay?.path())),
      facts: () => {
        const on = fabric.underlay;
        return on === undefined ? carriedBy(underlay) : carriedBy(on.address, () => on.mtuBytes());
      },
    },
  );
}

const ownUnderlay =
  (option: OutsideOption, parts: Pick<DriverContext, "clock" | "log">): FabricOptions["underlay"] =>
  (of) =>
    new OwnUnderlay({ ...of, ...parts, option });

/** The driver around a fabric. `watches` false: what somebody else removes is found by the next compare. */
export function assemble(
  { stateDirectory, clock, log }: Pick<DriverContext, "stateDirectory" | "clock" | "log">,
  {
    outside = {},
    watches = true,
    ...parts
  }: Pick<BridgeNetworkParts, "fabric" | "filter" | "ready" | "facts"> &
    Pick<BridgeOptions, "outside"> & { readonly watches?: boolean },
): BridgeNetwork {
  const { fabric } = parts;
  const files = new PortFiles(stateDirectory, log);
  const picture = new PictureFile(fabric.directory, log);
  const [settler, rounds] = [new Settler(fabric, log), new Rounds(clock, log)];
  const limiter = new Limiter(fabric);
  const lost = () => rounds.soon();
  const routing = new Routing({ fabric, outside, lost, clock, log });
  const tables = watches ? { tables: new TableKeeper({ fabric, guard: settler.guard, log }) } : {};
  return new BridgeNetwork({ ...parts, ...tables, files, picture, settler, limiter, routing, rounds, log });
}

/**
 * Guests' users open their taps by it; who has no tap of his own can do nothing with it, since making one
 * takes a right that no guest's user has (tuntap.rst of Linux, which has it open to all, as udev has).
 */
function openTun(log: DriverContext["log"]): void {
  const mode = statSync(tunDevice).mode & 0o777;
  if ((mode & 0o006) === 0o006) return;
  chmodSync(tunDevice, mode | 0o666);
  log.warn(
    { device: tunDevice, mode: mode.toString(8) },
    "a device of the computer was opened to guests' users",
  );
}
