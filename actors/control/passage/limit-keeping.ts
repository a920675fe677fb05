/**
 * Whether the host of a port's guest keeps bandwidth limits: a host that is known to keep none gets none. Of
 * a host that nobody has heard of it is not known; the port's status says later what became of the limit.
 */
import { canLimit } from "../../../protocol/host-drivers.ts";
import { type Bandwidth, plug } from "../../../protocol/port.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { RowReads } from "../../ports/row-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { referringTo } from "../request/rows.ts";

export interface LimitKeepingOptions {
  readonly store: StorePart<{ instances: "get" }> & { readonly rows: RowReads };
  readonly directory: Pick<HostDirectory, "facts">;
}

export interface LimitWish {
  readonly id: string;
  readonly name: string;
  /** As it is to be. */
  readonly bandwidth: Bandwidth | null;
}

/** @throws limitNotKept */
export const assertLimitKept =
  ({ store, directory }: LimitKeepingOptions) =>
  async ({ id, name, bandwidth }: LimitWish): Promise<void> => {
    if (bandwidth === null) return;
    const [plugged] = await referringTo(plug, { portId: [id] }, store.rows);
    if (plugged?.device !== "instance") return;
    const hostId = (await store.instances.get(plugged.deviceId))?.instance.hostId ?? null;
    const host = directory.facts(hostId);
    if (host?.drivers === undefined || host.drivers === null || canLimit(host.drivers)) return;
    const message = `The port ${name} is in use on the host ${host.name}, which keeps no bandwidth limits.`;
    throw new StatusError("limitNotKept", message);
  };
