/**
 * How PostgreSQL reads pages of lists: along an index, and never more rows than a page may meet, whatever the
 * filter. Judged by the plans that it took: for the given values, and for any values, which prepared
 * statements turn to after some executions.
 */
import { MikroORM } from "@mikro-orm/postgresql";
import { expect } from "chai";
import type { EventQuery } from "../../actors/ports/event-reads.ts";
import type { InstanceQuery } from "../../actors/ports/instance-reads.ts";
import type { OperationQuery } from "../../actors/ports/operation-reads.ts";
import type { Store } from "../../actors/ports/store.ts";
import { openStore, ormOptions } from "../../db/postgres/connect.ts";
import type { Statement } from "../../db/postgres/database.ts";
import { eventsStatement } from "../../db/postgres/event-statements.ts";
import { instancesStatement, operationsStatement } from "../../db/postgres/list-statements.ts";
import { readLimits } from "../../db/rows/limits.ts";
import { instanceWalk, metMax, operationWalk } from "../../db/rows/list-page.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import * as rows from "../support/store-rows.ts";

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Plan[];
}

const columns = { i: "i.id", m: "m.state", c: "c.host_id", o: "o.id" };
const made = readLimits.listScanMax * 3;
const limit = 100;
const project = "p";

const nodesOf = (plan: Plan): readonly Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** Rows of the table that were looked at. */
const looked = (plan: Plan, table: string): number =>
  nodesOf(plan)
    .filter((node) => node["Relation Name"] === table)
    .reduce((sum, node) => {
      return sum + (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"];
    }, 0);

const scans = (plan: Plan, table: string): readonly string[] =>
  nodesOf(plan)
    .filter((node) => node["Relation Name"] === table)
    .map((node) => node["Node Type"]);

const literal = (value: unknown): string => {
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `'{${value.map((one) => `"${String(one)}"`).join(",")}}'`;
  return `'${String(value)}'`;
};

describe("the plans of lists", function () {
  this.timeout(120_000);
  let store: Store;
  let orm: MikroORM;
  const execute = async (sql: string) => orm.em.getConnection().execute<Record<string, unknown>[]>(sql);

  before(async function () {
    const url = await postgresUrl(this);
    store = await openStore({ url, clock: systemClock, log: silentLog });
    await store.commit({ ...rows.catalog, hosts: [rows.inventory("h1")] });
    for (let from = 0; from < made; from += 2_500) await store.commit(part(from, 2_500));
    orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
    for (const table of ["instance", "operation", "event", "machine"]) await execute(`analyze ${table}`);
  });
  after(async () => {
    await orm?.close(true);
    await store?.close();
  });

  /** The plan for these values, and the plan for any. */
  async function plansOf({ text, values = [] }: Statement): Promise<readonly Plan[]> {
    const plans: Plan[] = [];
    await execute(`prepare listed as ${text}`);
    for (const mode of ["force_custom_plan", "force_generic_plan"]) {
      await execute(`set plan_cache_mode = ${mode}`);
      const given = values.length === 0 ? "" : `(${values.map(literal).join(", ")})`;
      const [row] = await execute(`explain (analyze, format json) execute listed${given}`);
      const explained = row?.["QUERY PLAN"] as readonly { readonly Plan: Plan }[] | undefined;
      plans.push(...(explained ?? []).map((one) => one.Plan));
    }
    await execute("deallocate listed");
    return plans;
  }

  const instances: readonly Omit<InstanceQuery, "limit">[] = [
    { project },
    {},
    { project, deleted: true },
    { project, names: ["name-7", "name-8"] },
    { project, states: ["failed"] },
    { project, states: ["running", "failed", "stopped"] },
    { hostIds: ["h1"] },
    { ids: ["i-0000010", "i-0000011"] },
    { project, namePattern: "none*" },
    { project, metadata: { a: "nothing" } },
    { project, flavors: ["none"], images: ["none"], states: ["running"] },
    { project, createdAfterMs: 5, createdBeforeMs: 6 },
    { project, changedSinceMs: rows.wallMs + 1, deleted: true },
    { states: ["failed"] },
    { names: ["name-7"] },
    { project, locked: true },
    { project, names: ["name-7"], states: ["deleted"], deleted: true },
    { hostIds: ["h1"], deleted: true },
  ];
  for (const order of ["oldest", "newest"] as const)
    for (const query of instances)
      it(`of instances by ${JSON.stringify(query)}, ${order} first`, async () => {
        const asked = { ...query, order, limit };
        const walk = instanceWalk(asked);
        const each = walk.by === "ids" ? 1 : Math.max(1, walk.values.length);
        const parts = each * (query.deleted === true ? 2 : 1);
        // What is met, by each walk; and the page itself, by its ids.
        const most = parts * metMax(asked, walk) + limit;
        for (const plan of await plansOf(instancesStatement(columns, asked))) {
          expect(looked(plan, "instance"), JSON.stringify(plan)).to.be.at.most(most);
          expect(scans(plan, "instance")).to.not.include("Seq Scan");
        }
      });

  const operations: readonly Omit<OperationQuery, "limit">[] = [
    { project },
    {},
    { entityIds: ["i-0000010", "i-0000011"] },
    { states: ["running"] },
    { noun: "host", entityIds: ["h1"], states: ["running"] },
    { project, noun: "host" },
    { project, states: ["running"] },
    { project, states: ["failed"] },
    { project, kinds: ["stop"], sinceMs: rows.wallMs },
  ];
  for (const order of ["oldest", "newest"] as const)
    for (const query of operations)
      it(`of operations by ${JSON.stringify(query)}, ${order} first`, async () => {
        const asked = { ...query, order, limit };
        const walk = operationWalk(asked);
        const most = Math.max(1, walk.values.length) * metMax(asked, walk) + limit;
        for (const plan of await plansOf(operationsStatement(columns, asked))) {
          expect(looked(plan, "operation"), JSON.stringify(plan)).to.be.at.most(most);
          expect(scans(plan, "operation")).to.not.include("Seq Scan");
        }
      });

  const events: readonly Omit<EventQuery, "limit" | "after">[] = [
    {},
    { project },
    { id: "i-0000010" },
    { project, id: "i-0000010", nouns: ["instance"] },
    { nouns: ["host"] },
    { project, names: ["nothing"] },
  ];
  for (const order of ["oldest", "newest"] as const)
    for (const query of events)
      it(`of events by ${JSON.stringify(query)}, ${order} first`, async () => {
        const asked = { ...query, order, limit, after: 0 };
        const judged = query.id === undefined && (query.nouns ?? query.names) !== undefined;
        const most = judged ? readLimits.eventScanMax : limit;
        for (const plan of await plansOf(eventsStatement("e.sequence, e.id", asked))) {
          expect(looked(plan, "event"), JSON.stringify(plan)).to.be.at.most(most);
          // The window of a page that judges may hold the whole table.
          if (!judged) expect(scans(plan, "event")).to.not.include("Seq Scan");
        }
      });
});

/** Instances, each with an operation that has ended and an event. */
function part(from: number, count: number) {
  const ids = Array.from({ length: count }, (_, n) => `i-${String(from + n).padStart(7, "0")}`);
  const made = ids.map((id, n) =>
    rows.instance(id, {
      ...{ project, name: `name-${(from + n) % 1_000}`, state: n % 2 === 0 ? "running" : "stopped" },
      ...(n % 10 === 0 ? { hostId: "h1", ownerEpoch: 1 } : {}),
    }),
  );
  const ended = { project, state: "done" as const, endedAtMs: 5 };
  return {
    instances: made.map((row) => ({ expectedVersion: 0, row })),
    operations: ids.map((id) => rows.operation(`o${id}`, id, ended)),
    events: ids.map((id) => rows.event(id, "accepted", { project })),
  };
}
