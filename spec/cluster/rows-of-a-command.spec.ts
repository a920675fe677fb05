/**
 * How many rows a tenant's command leaves behind, and for how long: SECURITY.md has the figure, by which an
 * operator can tell what a project that commands without end can fill.
 */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { Commit } from "../../actors/records/commit.ts";
import { admissionLimits } from "../../protocol/limits/admission.ts";
import { retentionLimits } from "../../protocol/limits/retention.ts";
import { resources } from "../../protocol/resources.ts";
import type { Resource } from "../../protocol/wire/resource.ts";
import { controllerWorld } from "../support/controller-world.ts";

/** Rows that a command may add to the tables, beside those of the table that it only changes. */
const rowsMax = 8;
/** Rows that a create and its delete leave, with the rows of machine and claim, which go with the delete. */
const rowsOfPair = 15;

describe("the rows of a command", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let rows: number;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a");
    rows = 0;
    const commit = world.store.commit.bind(world.store);
    world.store.commit = async (changes) => {
      const result = await commit(changes);
      if (result.kind === "committed") rows += addedBy(changes);
      return result;
    };
  });
  afterEach(() => world.stop());

  const added = async (command: () => Promise<unknown>): Promise<number> => {
    const before = rows;
    await command();
    return rows - before;
  };

  it("are few, whatever the command, and fewer when it changes nothing", async () => {
    const { instance: api } = world.demo;
    let id = "";
    const counts: Record<string, number> = {};
    const count = async (name: string, command: () => Promise<unknown>) => {
      counts[name] = await added(command);
    };
    await count("create", async () => {
      const asked = { name: "one", flavor: "tiny", image: "tiny", wait: true };
      id = (await api.create(asked)).instance.id;
    });
    await count("start what runs", () => api.start(id, { wait: true }));
    await count("pause", () => api.pause(id, { wait: true }));
    await count("unpause", () => api.unpause(id, { wait: true }));
    await count("stop", () => api.stop(id, { wait: true }));
    await count("start", () => api.start(id, { wait: true }));
    await count("delete", () => api.delete(id, { wait: true }));
    await count("a refused start", () => api.start(id, {}).catch(() => undefined));
    await count("a list", () => api.list({}));
    for (const [name, amount] of Object.entries(counts)) expect(amount, name).to.be.at.most(rowsMax);
    expect((counts.create ?? 0) + (counts.delete ?? 0), "create and delete").to.be.at.most(rowsOfPair);
    expect([counts["a refused start"], counts["a list"]]).to.deep.equal([0, 0]);
    const repeated = { requestId: "again" };
    await api.list({});
    const makeGroup = () => world.demo.serverGroup.create({ name: "g", policy: "affinity" }, repeated);
    await makeGroup();
    expect(await added(makeGroup)).to.equal(0);
  });

  it("that stay until their project removes them are so many of each noun, and no more", () => {
    const made = Object.values<Resource>(resources).filter(({ makes }) => makes === "project");
    expect(made.length).to.be.greaterThan(1);
    const unlimited = made.filter(({ limit }) => limit === undefined).map(({ noun }) => noun);
    expect(unlimited).to.deep.equal([]);
  });

  it("are told to operators as they are, with how long they are kept", () => {
    const security = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8").replaceAll(
      "\n  ",
      " ",
    );
    const hours = retentionLimits.requestKeptMs / 3_600_000;
    const days = retentionLimits.eventKeptMs / (24 * 3_600_000);
    const { projectCommandsPerDayMax: aDay } = admissionLimits;
    const figure = (count: number) => count.toLocaleString("en-US");
    expect(security).to.include(`leaves at most ${rowsMax} rows behind`);
    expect(security).to.include(`leave ${rowsOfPair - 2} rows together`);
    // A day's at once, and then a day's in each day of the longest time that something is kept.
    expect(security).to.include(`${figure(aDay)} commands executed a day`);
    expect(security).to.include(`${figure(aDay * rowsMax)} rows a day`);
    expect(security).to.include(`some ${figure(aDay * rowsMax * (days + 1))} at most in ${days} days`);
    expect(security).to.include(`kept for ${hours} hours`).and.to.include(`kept for ${days} days`);
  });
});

/** Rows that are new: a machine, an instance or an operation that is written again is there already. */
function addedBy({ request, events = [], operations = [], instances = [], claims = [] }: Commit): number {
  const made = instances.filter(({ expectedVersion }) => expectedVersion === 0);
  const begun = operations.filter(({ endedAtMs }) => endedAtMs === null);
  return (request === undefined ? 0 : 1) + events.length + begun.length + 2 * made.length + claims.length;
}
