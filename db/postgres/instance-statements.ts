/** Statements that read instances, machines and claims. Pure: texts and values, no connection. */

import type { ReportedMachine, Whereabouts } from "../../actors/ports/instance-reads.ts";
import type { PageQuery } from "../../actors/ports/pages.ts";
import type { MachineKey, MachineRecord } from "../../actors/records/instance.ts";
import type { Statement } from "./database.ts";

/** Select lists by the alias that they use: `i` instance, `m` machine, `c` claim, `o` operation. */
export interface InstanceColumns {
  readonly i: string;
  readonly m: string;
  readonly c: string;
  readonly o: string;
}

export const withMachine = "left join machine m on m.instance_id = i.id and m.owner_epoch = i.owner_epoch";

export function instanceStatement({ i, m }: Pick<InstanceColumns, "i" | "m">, id: string): Statement {
  const text = `select ${i}, ${m} from instance i ${withMachine} where i.id = $1`;
  return { name: "instance", text, values: [id] };
}

/**
 * Reads an instance with its operation, machines and claims in one statement, hence of one moment: the
 * instance's columns, the operation as one row (an array), machines and claims as arrays of rows, and the
 * guest data.
 */
export function loadStatement({ i, m, c, o }: InstanceColumns, id: string): Statement {
  const rows = (columns: string, alias: string) =>
    `json_agg(json_build_array(${columns}) order by ${alias}.owner_epoch)`;
  const text = `select ${i},
      (select json_build_array(${o}) from operation o where o.id = i.operation_id),
      (select ${rows(m, "m")} from machine m where m.instance_id = i.id),
      (select ${rows(c, "c")} from claim c where c.instance_id = i.id),
      i.guest_data
    from instance i where i.id = $1`;
  return { name: "load", text, values: [id] };
}

export function unsettledStatement({ marker = "", limit }: PageQuery): Statement {
  const text = `select id from instance where (not settled or operation_id is not null) and id > $1
    order by id limit $2`;
  return { name: "unsettled", text, values: [marker, limit] };
}

/**
 * Movable, with something on a fenced host that was claimed under the lease that the fence ended or one
 * before it: also what had only just left its host, and waits for that host's word.
 */
export function toRecoverStatement(atOnceMax: number): Statement {
  const text = `select i.id from instance i
    where i.movable and i.desired <> 'deleted' and i.id in (
      select c.instance_id from host_lease l join claim c
        on c.host_id = l.host_id and c.lease_epoch between 1 and l.lease_epoch where l.fenced_by is not null)
    order by (i.recovery->>'priority')::bigint desc, i.id
    limit greatest(0, $1 - (select count(*) from operation where state = 'running' and kind = 'recover'))`;
  return { name: "to_recover", text, values: [atOnceMax] };
}

export function whereaboutsStatement(ids: readonly string[]): Statement {
  const text = `select id, host_id, desired from instance where id = any ($1) and deleted_at_ms is null
    order by id`;
  return { name: "whereabouts", text, values: [ids] };
}

export function whereaboutsIn([id, hostId, desired]: readonly unknown[]): Whereabouts {
  return {
    instanceId: String(id),
    hostId: hostId === null ? null : String(hostId),
    desired: desired as Whereabouts["desired"],
  };
}

export function onHostStatement(hostId: string): Statement {
  const text = `select instance_id from claim where host_id = $1
    union select instance_id from machine where host_id = $1 order by 1`;
  return { name: "on_host", text, values: [hostId] };
}

export function reportedStatement(keys: readonly MachineKey[]): Statement {
  const text = `select r.instance_id, r.owner_epoch, c.host_id, m.host_id, m.generation, m.state
    from (select distinct * from unnest($1::text[], $2::bigint[])) as r(instance_id, owner_epoch)
      join instance i on i.id = r.instance_id
      left join claim c on c.instance_id = r.instance_id and c.owner_epoch = r.owner_epoch
      left join machine m on m.instance_id = r.instance_id and m.owner_epoch = r.owner_epoch`;
  const ids = keys.map(({ instanceId }) => instanceId);
  return { name: "reported", text, values: [ids, keys.map(({ ownerEpoch }) => ownerEpoch)] };
}

export function reportedIn([
  instanceId,
  ownerEpoch,
  claimedBy,
  hostId,
  generation,
  state,
]: readonly unknown[]): ReportedMachine {
  return {
    instanceId: String(instanceId),
    ownerEpoch: Number(ownerEpoch),
    claimedBy: claimedBy === null ? null : String(claimedBy),
    seen:
      generation === null
        ? null
        : {
            ...{ hostId: String(hostId), generation: Number(generation) },
            state: state as MachineRecord["state"],
          },
  };
}
