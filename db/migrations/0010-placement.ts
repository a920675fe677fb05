/**
 * Groups: a member that leaves its host has none, and is still where its claim is: its guest may run there
 * until the host says that it is gone. So no other member of an anti-affinity group comes there before.
 *
 * Members are found by their host, and those that have none among all others, at once: the rule of a group is
 * judged while all other commits wait.
 *
 * Hosts whose builds fail: whose builds these were, and that no more than a third of the hosts are disabled
 * for it (decision 0014). A function of its own, for that of the hosts is others' too.
 */
import { Migration } from "@mikro-orm/migrations";
import { builds as builds0003, groups as groups0003 } from "./0003-rules.ts";
import { swapped, turn as turn0005 } from "./0005-drain.ts";
import { refuse } from "./shapes.ts";

const swappedAll = (text: string, pairs: readonly (readonly [before: string, after: string])[]) =>
  pairs.reduce((made, [before, after]) => swapped(made, before, after), text);
const anew = ["create function", "create or replace function"] as const;

const leaving = (compared: string) => `instance i join claim c on c.instance_id = i.id
          where i.server_group_id = g.id and i.deleted_at_ms is null and i.host_id is null
            and c.host_id ${compared} r."hostId" and i.id <> r."instanceId"`;

const groups = swappedAll(groups0003, [
  [
    `and i.host_id = r."hostId" and i.id <> r."instanceId")`,
    `and i.host_id = r."hostId" and i.id <> r."instanceId")
        + (select count(distinct i.id) from ${leaving("=")})`,
  ],
  [
    `and i.host_id <> r."hostId" and i.id <> r."instanceId")`,
    `and i.host_id <> r."hostId" and i.id <> r."instanceId")
        or exists (select from ${leaving("<>")})`,
  ],
  anew,
]);

const index = `create index instance_group_host_idx on instance (server_group_id, host_id, id)
  where server_group_id is not null and deleted_at_ms is null`;

/** What is known of the row before, and what has failed since its last success; two are enough to tell. */
const two = (field: string) => `(
          select coalesce(jsonb_agg(x order by x collate "C"), '[]') from (
            select x from (
              select jsonb_array_elements_text(
                case when s.succeeded or h.failed_builds_of is null then '[]' else h.failed_builds_of->'${field}' end)
              union select unnest(s.${field})
            ) as u(x) where x is not null order by x collate "C" limit 2
          ) few)`;
const since = "filter (where b.place > coalesce(b.last_success, 0))";

const builds = swappedAll(builds0003, [
  ["update host set failed_builds = 0", "update host set failed_builds = 0, failed_builds_of = null"],
  [
    "s.failures + case when s.succeeded then 0 else h.failed_builds end",
    `s.failures + case when s.succeeded then 0 else h.failed_builds end,
        failed_builds_of = case when s.failures > 0 then
          jsonb_build_object('projects', ${two("projects")}, 'images', ${two("images")}) end`,
  ],
  [
    `count(*) ${since} as failures`,
    `count(*) ${since} as failures, array_agg(b.project) ${since} as projects, array_agg(b."imageId") ${since} as images`,
  ],
  [`select r."hostId", r.failed,`, `select r."hostId", r.failed, r.project, r."imageId",`],
  [`("hostId" text, failed boolean)`, `("hostId" text, failed boolean, project text, "imageId" text)`],
  anew,
]);

const enabled = `jsonb_to_recordset(turn->'hostsEnabled') as r("hostId" text, enabled boolean, "failedBuildsMin" bigint)`;

/** Before the hosts are changed. What is missing is refused by the function that changes them. */
const breaker = `create function novact_commit_breaker(turn jsonb) returns boolean language plpgsql as $$
declare
  going bigint;
  least_failed bigint;
  broken bigint;
  remaining bigint;
begin
  update host h set failed_builds_of = null from ${enabled}
    where h.id = r."hostId" and r.enabled and h.failed_builds_of is not null;
  select count(*), min(r."failedBuildsMin") into going, least_failed from ${enabled} join host h on h.id = r."hostId"
    where r."failedBuildsMin" is not null;
  if going = 0 then
    return true;
  end if;
  select count(*) filter (where not h.enabled and h.failed_builds >= least_failed),
      count(*) filter (where h.enabled
        and not exists (select from host_lease l where l.host_id = h.id and l.fenced_by is not null)
        and not exists (select from ${enabled} where r."hostId" = h.id and r."failedBuildsMin" is not null))
    into broken, remaining from host h;
  if remaining = 0 or broken + going > greatest(1, (broken + going + remaining) / 3) or exists (
    select from ${enabled} join host h on h.id = r."hostId" where r."failedBuildsMin" is not null
      and coalesce(least(jsonb_array_length(h.failed_builds_of->'projects'),
        jsonb_array_length(h.failed_builds_of->'images')), 0) < 2
  ) then
    ${refuse(`'{"kind":"conflict"}'`)};
  end if;
  return true;
end $$`;

const turn = swapped(
  turn0005,
  "if turn ? 'hosts' or turn ? 'hostsEnabled' then",
  `if turn ? 'hostsEnabled' then
    done := novact_commit_breaker(turn);
  end if;
  if turn ? 'hosts' or turn ? 'hostsEnabled' then`,
);

/** Of failures from before nobody knows whose they were: they are counted anew. */
const columns = "alter table host add column failed_builds_of jsonb";

export class Migration0010Placement extends Migration {
  override up(): void {
    for (const sql of [index, columns, groups, builds, breaker, turn]) this.addSql(sql);
  }
}
