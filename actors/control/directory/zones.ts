/**
 * Availability zones: what users see of aggregates. A zone exists while an aggregate names it, and the
 * default zone while a host is in no other. Projects see its name and whether it can be used now, operators
 * also its hosts.
 */
import type { AvailabilityZone, availabilityZoneService } from "../../../protocol/aggregate.ts";
import { defaultZone } from "../../../protocol/kinds.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostDirectory } from "./directory.ts";
import { zoneOf } from "./zone-of.ts";

interface ZoneOptions {
  readonly store: StorePart<{ aggregates: "zones" }>;
  readonly directory: HostDirectory;
}

export function zoneHandlers({ store, directory }: ZoneOptions): Handlers<typeof availabilityZoneService> {
  return {
    list: async (_request, context) => {
      const named = await store.aggregates.zones({ limit: wireLimits.pageLengthMax });
      const all = directory.all().some((host) => zoneOf(host) === null) ? [...named, defaultZone] : named;
      const zones = [...new Set(all)].sort().map((name): AvailabilityZone => {
        const hosts = directory
          .all()
          .filter((host) => (zoneOf(host) ?? defaultZone) === name)
          .map(({ id, name: hostName, enabled }) => ({
            id,
            name: hostName,
            enabled,
            alive: directory.alive(id),
          }));
        const available = hosts.some(({ enabled, alive }) => enabled && alive);
        return { name, available, ...(context.project === adminProject ? { hosts } : {}) };
      });
      return { zones };
    },
  };
}
