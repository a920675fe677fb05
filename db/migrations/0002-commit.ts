/**
 * The function `novact_commit`: applies a batch of turns in one transaction and one round trip (decision
 * 0002).
 *
 * It locks the one row of `event_head` first, so that all commits of a cell happen one after the other: no
 * deadlock, no gap in the numbers of events, and every check below sees what was committed before. Each turn
 * runs in its own subtransaction and succeeds or fails alone. What can be refused is refused by an exception
 * with the code NV001 and the result as its text; the result of an unexpected error is `failed`.
 * db/memory/apply.ts does the same in memory.
 *
 * Turns arrive as db/postgres/turn-text.ts writes them: fields named as in the records. Each list is one
 * statement, so that many turns merged into one cost little more than one: most of a small statement is its
 * start, CHECKs and indexes included.
 */
import { Migration } from "@mikro-orm/migrations";

type Shape = readonly (readonly [field: string, type: string])[];

/** `"a text, bMs bigint"` as pairs. */
const shape = (fields: string): Shape =>
  fields.split(", ").map((field) => {
    const [name = "", type = ""] = field.split(" ");
    return [name, type];
  });
const column = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The parts of SQL that follow from a shape: `r` is the row that arrived. */
const record = (fields: Shape) => ({
  definition: fields.map(([name, type]) => `"${name}" ${type}`).join(", "),
  columns: fields.map(([name]) => column(name)).join(", "),
  values: fields.map(([name]) => `r."${name}"`).join(", "),
  assignments: fields.map(([name]) => `${column(name)} = r."${name}"`).join(", "),
  excluded: fields.map(([name]) => `${column(name)} = excluded.${column(name)}`).join(", "),
});

const instance = record(
  shape(
    "id text, project text, name text, version bigint, generation bigint, desired text, stop jsonb, " +
      "resetCount bigint, resetMode text, startCount bigint, built boolean, state text, settled boolean, " +
      "flavor jsonb, image jsonb, metadata jsonb, macAddress text, hostId text, epoch bigint, attempt bigint, " +
      "excludedHosts jsonb, operationId text, failure jsonb, createdAtMs bigint, updatedAtMs bigint, " +
      "deletedAtMs bigint",
  ),
);
const machine = record(
  shape(
    "instanceId text, epoch bigint, hostId text, generation bigint, intentGeneration bigint, " +
      "resetCount bigint, state text, reason text, message text, address text, startedAtMs bigint, atMs bigint",
  ),
);
const operation = record(
  shape(
    "id text, project text, instanceId text, kind text, state text, percent bigint, step text, steps jsonb, " +
      "requestId text, startedAtMs bigint, deadlineAtMs bigint, endedAtMs bigint, error jsonb",
  ),
);
const flavor = record(
  shape("id text, name text, vcpus bigint, memoryMib bigint, diskGib bigint, createdAtMs bigint"),
);
const image = record(
  shape(
    "id text, name text, disk jsonb, kernel jsonb, ramdisk jsonb, commandLine text, properties jsonb, " +
      "createdAtMs bigint",
  ),
);
const inventory = record(
  shape(
    "name text, bootId text, architecture text, hypervisor text, accelerator text, acceleratorReason text, " +
      "hypervisorVersion text, vcpus bigint, memoryMib bigint, diskGib bigint",
  ),
);
const event = record(
  shape(
    "atMs bigint, project text, noun text, id text, event text, requestId text, operationId text, body jsonb",
  ),
);
const key = `"instanceId" text, epoch bigint`;
const claimDefinition = `${key}, "hostId" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint`;

/** What claims take of each host, all in all. */
const sums = (rows: string) => `
      select "hostId", sum(vcpus)::bigint as vcpus, sum("memoryMib")::bigint as memory,
          sum("diskGib")::bigint as disk, count(*) as claims
        from (select ${rows}) c group by "hostId"`;

/**
 * Rows that arrive are few and are looked up by key, however large or small the tables seem when a plan is
 * made: without this, plans that are made while the tables are nearly empty read all of them.
 */
const byIndex = "set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off";

const refuse = (result: string) => `raise exception using errcode = 'NV001', message = ${result}`;

const instances = `create function novact_commit_instances(turn jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
begin
  if turn ? 'created' then
    insert into instance (${instance.columns})
      select ${instance.values} from jsonb_to_recordset(turn->'created') as r(${instance.definition})
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'created') then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  if turn ? 'updated' then
    update instance t set ${instance.assignments}
      from jsonb_to_recordset(turn->'updated') as r(${instance.definition})
      where t.id = r.id and t.version = r.version - 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'updated') then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  return true;
end $$`;

const insertNamed = (name: string, table: string, parts: ReturnType<typeof record>) => `
  if turn ? '${name}' then
    insert into ${table} (${parts.columns})
      select ${parts.values} from jsonb_to_recordset(turn->'${name}') as r(${parts.definition})
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'${name}') then
      ${refuse(`'{"kind":"nameTaken"}'`)};
    end if;
  end if;`;

const removeNamed = (name: string, table: string) => `
  if turn ? '${name}' then
    delete from ${table} where id = any (array(select jsonb_array_elements_text(turn->'${name}')));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'${name}') then
      ${refuse(`'{"kind":"missing"}'`)};
    end if;
  end if;`;

const catalog = `create function novact_commit_catalog(turn jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
begin
  ${removeNamed("flavorsRemoved", "flavor")}
  ${removeNamed("imagesRemoved", "image")}
  if turn ? 'imagesRemoved' and exists (
    select from instance
      where image->>'id' = any (array(select jsonb_array_elements_text(turn->'imagesRemoved')))
        and deleted_at_ms is null
  ) then
    ${refuse(`'{"kind":"inUse"}'`)};
  end if;
  ${insertNamed("flavors", "flavor", flavor)}
  ${insertNamed("images", "image", image)}
  return true;
end $$`;

const hosts = `create function novact_commit_hosts(turn jsonb, now_ms bigint) returns boolean language plpgsql as $$
declare
  changed bigint;
  too_small text;
begin
  if turn ? 'hosts' then
    select h.id into too_small
      from rows from (jsonb_to_recordset(turn->'hosts') as ("hostId" text, ${inventory.definition}))
        with ordinality as r, host h
      where h.id = r."hostId"
        and (h.vcpus_claimed > r.vcpus or h.memory_mib_claimed > r."memoryMib" or h.disk_gib_claimed > r."diskGib")
      order by r.ordinality limit 1;
    if found then
      ${refuse(`jsonb_build_object('kind', 'hostFull', 'hostId', too_small)::text`)};
    end if;
    insert into host as t (id, ${inventory.columns}, vcpus_claimed, memory_mib_claimed, disk_gib_claimed,
        instances, enabled, registered_at_ms)
      select r."hostId", ${inventory.values}, 0, 0, 0, 0, true, now_ms
      from jsonb_to_recordset(turn->'hosts') as r("hostId" text, ${inventory.definition})
      on conflict (id) do update set ${inventory.excluded};
    insert into host_seen as t (host_id, last_seen_at_ms)
      select r."hostId", now_ms from jsonb_to_recordset(turn->'hosts') as r("hostId" text)
      on conflict (host_id) do update set last_seen_at_ms = greatest(t.last_seen_at_ms, excluded.last_seen_at_ms);
  end if;
  if turn ? 'hostsEnabled' then
    update host t set enabled = r.enabled, disabled_reason = r.reason
      from jsonb_to_recordset(turn->'hostsEnabled') as r("hostId" text, enabled boolean, reason text)
      where t.id = r."hostId";
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'hostsEnabled') then
      ${refuse(`'{"kind":"missing"}'`)};
    end if;
  end if;
  return true;
end $$`;

const claims = `create function novact_commit_claims(turn jsonb) returns boolean language plpgsql as $$
declare
  one jsonb;
  fitting text[];
  full_host text;
  changed bigint;
begin
  if turn ? 'claimsReleased' then
    with gone as (
      delete from claim t using jsonb_to_recordset(turn->'claimsReleased') as r(${key})
        where t.instance_id = r."instanceId" and t.epoch = r.epoch
        returning t.*
    ), sums as (${sums(`host_id as "hostId", vcpus, memory_mib as "memoryMib", disk_gib as "diskGib" from gone`)})
    update host h set vcpus_claimed = vcpus_claimed - s.vcpus, memory_mib_claimed = memory_mib_claimed - s.memory,
        disk_gib_claimed = disk_gib_claimed - s.disk, instances = instances - s.claims
      from sums s where h.id = s."hostId";
  end if;
  if not turn ? 'claims' then
    return true;
  end if;
  if jsonb_array_length(turn->'claims') = 1 then
    -- By far the most common: the same as below, at a third of the cost.
    one := turn->'claims'->0;
    update host set vcpus_claimed = vcpus_claimed + (one->>'vcpus')::bigint,
        memory_mib_claimed = memory_mib_claimed + (one->>'memoryMib')::bigint,
        disk_gib_claimed = disk_gib_claimed + (one->>'diskGib')::bigint, instances = instances + 1
      where id = one->>'hostId' and vcpus_claimed + (one->>'vcpus')::bigint <= vcpus
        and memory_mib_claimed + (one->>'memoryMib')::bigint <= memory_mib
        and disk_gib_claimed + (one->>'diskGib')::bigint <= disk_gib;
    if not found then
      ${refuse(`jsonb_build_object('kind', 'hostFull', 'hostId', one->>'hostId')::text`)};
    end if;
    insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib)
      values (one->>'instanceId', (one->>'epoch')::bigint, one->>'hostId', (one->>'vcpus')::bigint,
        (one->>'memoryMib')::bigint, (one->>'diskGib')::bigint)
      on conflict do nothing;
    if not found then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
    return true;
  end if;
  with sums as (${sums(`* from jsonb_to_recordset(turn->'claims') as r(${claimDefinition})`)}), taken as (
    update host h set vcpus_claimed = vcpus_claimed + s.vcpus, memory_mib_claimed = memory_mib_claimed + s.memory,
        disk_gib_claimed = disk_gib_claimed + s.disk, instances = instances + s.claims
      from sums s where h.id = s."hostId" and vcpus_claimed + s.vcpus <= h.vcpus
        and memory_mib_claimed + s.memory <= h.memory_mib and disk_gib_claimed + s.disk <= h.disk_gib
      returning h.id
  )
  select array_agg(t.id), min(s."hostId") filter (where t.id is null) into fitting, full_host
    from sums s left join taken t on t.id = s."hostId";
  if full_host is not null then
    select r."hostId" into full_host from (
      select r."hostId", r.ordinality, sum(r.vcpus) over earlier as vcpus, sum(r."memoryMib") over earlier as memory,
          sum(r."diskGib") over earlier as disk
        from rows from (jsonb_to_recordset(turn->'claims') as (${claimDefinition})) with ordinality as r
        window earlier as (partition by r."hostId" order by r.ordinality)
    ) r left join host h on h.id = r."hostId"
      where r."hostId" <> all (coalesce(array_remove(fitting, null), '{}')) and (
        h.id is null or h.vcpus_claimed + r.vcpus > h.vcpus or h.memory_mib_claimed + r.memory > h.memory_mib
          or h.disk_gib_claimed + r.disk > h.disk_gib)
      order by r.ordinality limit 1;
    ${refuse(`jsonb_build_object('kind', 'hostFull', 'hostId', full_host)::text`)};
  end if;
  insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib)
    select r."instanceId", r.epoch, r."hostId", r.vcpus, r."memoryMib", r."diskGib"
      from jsonb_to_recordset(turn->'claims') as r(${claimDefinition})
    on conflict do nothing;
  get diagnostics changed = row_count;
  if changed <> jsonb_array_length(turn->'claims') then
    ${refuse(`'{"kind":"conflict"}'`)};
  end if;
  return true;
end $$`;

const progress = `create function novact_commit_progress(turn jsonb) returns boolean language plpgsql as $$
begin
  if turn ? 'machinesGone' then
    delete from machine t using jsonb_to_recordset(turn->'machinesGone') as r(${key})
      where t.instance_id = r."instanceId" and t.epoch = r.epoch;
  end if;
  if turn ? 'machines' then
    insert into machine as t (${machine.columns})
      select ${machine.values} from jsonb_to_recordset(turn->'machines') as r(${machine.definition})
      on conflict (instance_id, epoch) do update set ${machine.excluded}
        where t.generation < excluded.generation;
  end if;
  if turn ? 'operations' then
    insert into operation as t (${operation.columns})
      select ${operation.values} from jsonb_to_recordset(turn->'operations') as r(${operation.definition})
      on conflict (id) do update set ${operation.excluded};
  end if;
  return true;
end $$`;

/** Answers the turn's result; events get the numbers after `newest`. */
const turn = `create function novact_commit_turn(turn jsonb, newest bigint, now_ms bigint) returns jsonb
language plpgsql as $$
declare
  known request;
  changed bigint;
  done boolean;
begin
  if turn ? 'requests' then
    insert into request (project, request_id, content_hash, answer, at_ms)
      select r.project, r."requestId", r."contentHash", r.answer::json, r."atMs"
        from jsonb_to_recordset(turn->'requests')
          as r(project text, "requestId" text, "contentHash" text, answer text, "atMs" bigint)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'requests') then
      select t.* into strict known from request t
        where t.project = turn->'requests'->0->>'project' and t.request_id = turn->'requests'->0->>'requestId';
      ${refuse(`jsonb_build_object('kind', 'duplicate', 'request', jsonb_build_object(
        'project', known.project, 'requestId', known.request_id, 'contentHash', known.content_hash,
        'answer', known.answer::text, 'atMs', known.at_ms))::text`)};
    end if;
  end if;
  if turn ? 'created' or turn ? 'updated' then
    done := novact_commit_instances(turn);
  end if;
  if turn ?| array['flavors', 'flavorsRemoved', 'images', 'imagesRemoved'] then
    done := novact_commit_catalog(turn);
  end if;
  if turn ? 'hosts' or turn ? 'hostsEnabled' then
    done := novact_commit_hosts(turn, now_ms);
  end if;
  if turn ? 'claims' or turn ? 'claimsReleased' then
    done := novact_commit_claims(turn);
  end if;
  if turn ?| array['machines', 'machinesGone', 'operations'] then
    done := novact_commit_progress(turn);
  end if;
  if not turn ? 'events' then
    return '{"kind":"committed","lastSequence":0}';
  end if;
  insert into event (sequence, ${event.columns})
    select newest + r.ordinality, ${event.values}
      from rows from (jsonb_to_recordset(turn->'events') as (${event.definition})) with ordinality as r;
  get diagnostics changed = row_count;
  return jsonb_build_object('kind', 'committed', 'lastSequence', newest + changed);
end $$`;

/**
 * A batch of one writer process, numbered by it: a number that is not above its last one was fenced off, or
 * is done.
 */
const commit = `create function novact_commit(writer text, batch_number bigint, now_ms bigint, turns jsonb) returns jsonb
language plpgsql ${byIndex} as $$
declare
  before bigint;
  newest bigint;
  result jsonb;
  results jsonb := '[]';
  constraint_of_error text;
begin
  select last_sequence into strict before from event_head for update;
  newest := before;
  for i in 0 .. jsonb_array_length(turns) - 1 loop
    begin
      result := novact_commit_turn(turns->i, newest, now_ms);
    exception
      when sqlstate 'NV001' then
        result := sqlerrm::jsonb;
      when others then
        get stacked diagnostics constraint_of_error = constraint_name;
        result := jsonb_build_object('kind', 'failed', 'code', sqlstate, 'message', sqlerrm,
          'constraint', constraint_of_error);
    end;
    newest := greatest(newest, (result->>'lastSequence')::bigint);
    results := results || result;
  end loop;
  if newest > before then
    update event_head set last_sequence = newest;
  end if;
  insert into commit_writer as t (id, batch, results, at_ms) values (writer, batch_number, results, now_ms)
    on conflict (id) do update set batch = excluded.batch, results = excluded.results, at_ms = excluded.at_ms
      where t.batch < excluded.batch;
  if not found then
    raise exception using errcode = 'NV000', message = 'the batch was given up by its writer';
  end if;
  return results;
end $$`;

/**
 * Finds out what became of a batch whose answer was lost: its results, or null, and then it will never be
 * applied.
 */
const recover = `create function novact_recover(writer text, batch_number bigint, now_ms bigint) returns jsonb
language plpgsql as $$
declare
  known commit_writer;
begin
  perform from event_head for update;
  select * into known from commit_writer where id = writer;
  if known.batch = batch_number then
    return known.results;
  end if;
  insert into commit_writer as t (id, batch, results, at_ms) values (writer, batch_number, null, now_ms)
    on conflict (id) do update set batch = excluded.batch, results = null, at_ms = excluded.at_ms;
  return null;
end $$`;

export class Migration0002Commit extends Migration {
  override up(): void {
    for (const sql of [instances, catalog, hosts, claims, progress, turn, commit, recover]) this.addSql(sql);
  }
}
