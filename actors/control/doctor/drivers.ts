/**
 * How the drivers of the hosts differ: nodes may well run different drivers, so that nothing here is a
 * finding; but of one driver there are rarely two versions on purpose. Pure.
 */
import { counted } from "../../../protocol/wire/wording.ts";
import type { HostRecord } from "../../records/host.ts";
import { doctorLimits } from "./limits.ts";

export interface Observation {
  readonly subject: string;
  readonly message: string;
}

type Host = Pick<HostRecord, "name" | "hypervisor" | "hypervisorVersion" | "drivers">;

/** One for each hypervisor that hosts have in more than one version, or with other abilities. */
export function driverObservations(hosts: readonly Host[]): readonly Observation[] {
  const byDriver = Map.groupBy(hosts, ({ drivers, hypervisor }) => drivers?.hypervisor ?? hypervisor);
  return [...byDriver].flatMap(([driver, all]) => [
    ...differing(all, driver, "versions", ({ hypervisorVersion }) => hypervisorVersion),
    ...differing(all, driver, "abilities", ({ drivers }) => abilitiesOf(drivers)),
  ]);
}

/** Hosts that do not say what they can are not compared. */
const abilitiesOf = (drivers: HostRecord["drivers"]): string | undefined => {
  if (drivers === null) return undefined;
  const { networks, volumes, hotPlug, liveMigration, console, save } = drivers.abilities;
  const able = { "hot plug": hotPlug, "live migration": liveMigration, console, save };
  const words = Object.entries(able).flatMap(([word, is]) => (is ? [word] : []));
  return [...networks, ...volumes, ...words].join(", ") || "none";
};

function differing(
  hosts: readonly Host[],
  driver: string,
  what: string,
  of: (host: Host) => string | undefined,
): readonly Observation[] {
  const said = hosts.flatMap((host) => {
    const value = of(host);
    return value === undefined ? [] : [{ value, name: host.name }];
  });
  const groups = [...Map.groupBy(said, ({ value }) => value)];
  if (groups.length < 2) return [];
  const sentences = groups.map(([value, those]) => `${value} on ${named(those.map(({ name }) => name))}`);
  return [
    {
      subject: `driver ${driver}`,
      message: `Hosts have it with different ${what}: ${sentences.join("; ")}.`,
    },
  ];
}

function named(names: readonly string[]): string {
  const max = doctorLimits.hostsNamedMax;
  const more = names.length - max;
  return more > 0 ? `${names.slice(0, max).join(", ")} and ${counted(more, "more host")}` : names.join(", ");
}
