/**
 * Availability zones: what users see of aggregates. A zone is there while an aggregate names it; a project
 * hears its name and whether it is of use now, an operator also which hosts are in it.
 */
import type { AvailabilityZone, availabilityZoneService } from "../../protocol/aggregate.ts";
import { limits } from "../../protocol/limits.ts";
import type { Handlers } from "../../protocol/service.ts";
import { adminProject } from "../../protocol/subjects.ts";
import type { AggregateRecord } from "../runtime/placement-records.ts";
import type { Store } from "../runtime/ports.ts";
import type { HostRecord } from "../runtime/records.ts";
import type { HostDirectory } from "./directory.ts";

/** Its aggregates agree about it, or have none. */
export function zoneOf({ aggregates }: Pick<HostRecord, "aggregates">): string | null {
  return aggregates.find(({ availabilityZone }) => availabilityZone !== null)?.availabilityZone ?? null;
}

interface ZoneOptions {
  readonly store: Pick<Store, "listAggregates">;
  readonly directory: HostDirectory;
}

export function zoneHandlers({ store, directory }: ZoneOptions): Handlers<typeof availabilityZoneService> {
  return {
    list: async (_request, context) => {
      const aggregates = await store.listAggregates({ limit: limits.pageLengthMax });
      const zones = namesOf(aggregates).map((name): AvailabilityZone => {
        const hosts = directory
          .all()
          .filter((host) => zoneOf(host) === name)
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

function namesOf(aggregates: readonly AggregateRecord[]): string[] {
  return [...new Set(aggregates.flatMap(({ availabilityZone }) => availabilityZone ?? []))].sort();
}
