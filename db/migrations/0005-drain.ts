/**
 * Hosts that are drained, and hosts that are removed. The functions of 0003 are made anew from their own
 * texts, with the few words that are new; a removal is a function of its own.
 */
import { Migration } from "@mikro-orm/migrations";
import { hosts as hosts0003, turn as turn0003 } from "./0003-functions.ts";
import { refuse } from "./shapes.ts";

/** @throws Error when the text is not there: the migration must not be released like this */
export function swapped(text: string, before: string, after: string): string {
  if (!text.includes(before)) throw new Error(`A migration looks for what is not there: ${before}`);
  return text.replace(before, () => after);
}

export const hosts = swapped(
  swapped(
    hosts0003,
    "failed_builds = case when r.enabled then 0 else t.failed_builds end",
    `failed_builds = case when r.enabled then 0 else t.failed_builds end,
        draining = case when r.enabled then null else coalesce(r.draining, t.draining) end`,
  ),
  `as r("hostId" text, enabled boolean, reason text, "failedBuildsMin" bigint)`,
  `as r("hostId" text, enabled boolean, reason text, "failedBuildsMin" bigint, draining jsonb)`,
);

const removed = `jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text, parked boolean)`;

/** The lease stays, for a host that comes back: its epochs must not begin anew. */
export const removals = `create function novact_commit_removals(turn jsonb) returns boolean language plpgsql as $$
begin
  if exists (select from ${removed} where not exists (select from host h where h.id = r."hostId")) then
    ${refuse(`'{"kind":"missing"}'`)};
  end if;
  if exists (select from ${removed} join instance i on i.host_id = r."hostId" where i.deleted_at_ms is null)
    or exists (select from ${removed} join claim c on c.host_id = r."hostId" where not r.parked) then
    ${refuse(`'{"kind":"inUse"}'`)};
  end if;
  delete from claim t using ${removed} where t.host_id = r."hostId";
  delete from machine t using ${removed} where t.host_id = r."hostId";
  delete from aggregate_host t using ${removed} where t.host_id = r."hostId";
  delete from host_seen t using ${removed} where t.host_id = r."hostId";
  delete from host t using ${removed} where t.id = r."hostId";
  return true;
end $$`;

export const turn = swapped(
  turn0003,
  "if turn ? 'claims' or turn ? 'claimsReleased' then",
  `if turn ? 'hostsRemoved' then
    done := novact_commit_removals(turn);
  end if;
  if turn ? 'claims' or turn ? 'claimsReleased' then`,
);

const kinds =
  "kind in ('create', 'start', 'stop', 'reboot', 'pause', 'unpause', 'delete', 'recover', 'evacuate', 'move')";

const columns = [
  "alter table host add column draining jsonb",
  `alter table operation drop constraint operation_kind_check, add constraint operation_kind_check check (${kinds})`,
];

export class Migration0005Drain extends Migration {
  override up(): void {
    for (const sql of [...columns, hosts, removals, turn]) this.addSql(sql);
  }
}
