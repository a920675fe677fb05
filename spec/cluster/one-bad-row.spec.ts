/**
 * A row that cannot be sent to clients, or to a host, harms no other: lists leave it out, and its capacity
 * comes back. Requests that would make such a row are refused.
 */
import { expect } from "chai";
import type { Instance } from "../../protocol/instance.ts";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { type Noted, rememberingLog } from "../support/wire-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const reasonOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "",
    (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
  );
const pairs = <V = string>(prefix: string, count: number, value: V | string = "v") =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, value]));
const long = (length: number) => "x".repeat(length);

describe("one bad row", () => {
  const noted: Noted[] = [];
  let world: World;
  let host: Awaited<ReturnType<World["host"]>>;
  beforeEach(async () => {
    noted.length = 0;
    world = await controllerWorld({ log: rememberingLog(noted) });
    host = await world.host("a");
  });
  afterEach(() => world.stop());

  const create = (question: { readonly name: string; readonly count?: number }) =>
    world.demo.instance.create({ flavor: "tiny", image: "tiny", ...question });

  it("is not made by the suffix of a name: its longest must fit", async () => {
    const { nameLengthMax } = fieldLimits;
    expect(await reasonOf(create({ name: long(nameLengthMax - 1), count: 1 }))).to.equal("schemaMismatch");
    expect(await reasonOf(create({ name: long(nameLengthMax - 2), count: 10 }))).to.equal("schemaMismatch");
    expect(await world.store.instances.list({ limit: 10 })).to.deep.equal({ rows: [] });
    const { instance } = await create({ name: long(nameLengthMax - 2), count: 2 });
    expect(instance.name).to.equal(`${long(nameLengthMax - 2)}-1`);
    // As validators count: a character beyond the first plane is one.
    expect((await create({ name: "𝄞".repeat(nameLengthMax - 2), count: 1 })).instance.state).to.be.a(
      "string",
    );
    expect((await create({ name: long(nameLengthMax) })).instance.name).to.have.length(nameLengthMax);
  });

  it("is not made by metadata that comes bit by bit", async () => {
    const { aggregate } = world.admin;
    const half = Math.ceil(fieldLimits.metadataKeysMax / 2);
    await aggregate.create({ name: "g", metadata: pairs("a", half) });
    expect(await reasonOf(aggregate.set("g", { metadata: pairs("b", half + 1) }))).to.equal("schemaMismatch");
    expect((await aggregate.get("g", {})).aggregate.metadata).to.deep.equal(pairs("a", half));
    const swapped = { ...pairs("a", half, null), ...pairs("b", half) };
    expect((await aggregate.set("g", { metadata: swapped })).aggregate.metadata).to.deep.equal(
      pairs("b", half),
    );
    await aggregate.set("g", { metadata: pairs("c", fieldLimits.metadataKeysMax - half) });
    expect((await aggregate.list({})).aggregates).to.have.length(1);
  });

  it("is left out of lists, and nobody else's rows are", async () => {
    await create({ name: "good" });
    const bad = await spoilt(world, await create({ name: "bad" }));
    await create({ name: "better" });
    const names = ({ instances }: { readonly instances: readonly Instance[] }) =>
      instances.map(({ name }) => name);
    expect(names(await world.demo.instance.list({}))).to.deep.equal(["good", "better"]);
    expect(names(await world.admin.instance.list({}))).to.deep.equal(["good", "better"]);
    const first = await world.demo.instance.list({ limit: 2 });
    expect(names(first)).to.deep.equal(["good"]);
    expect(first.nextMarker).to.equal(bad);
    expect(names(await world.demo.instance.list({ limit: 2, marker: bad }))).to.deep.equal(["better"]);
    const errors = noted.filter(({ level }) => level === "error");
    expect(errors).to.have.length(3);
    expect(JSON.stringify(errors)).to.include(bad).and.not.include(long(100));
  });

  it("gives its claim back when it is deleted, though no host understands what it shall be", async () => {
    host.silent = true;
    const id = await spoilt(world, await create({ name: "bad" }));
    host.silent = false;
    // The row differs from the one in its actor's memory.
    await host.register();
    expect(await reasonOf(world.demo.instance.delete(id, {}))).to.equal("internal");
    const [operation] = (await world.demo.operation.list({ instanceId: id })).operations.slice(-1);
    const ended = await world.demo.operation.get(operation?.id ?? "", { waitMs: 20_000 });
    expect(ended.operation).to.include({ kind: "delete", state: "done" });
    expect(await world.store.hosts.get("a")).to.include({ vcpusClaimed: 0, instances: 0 });
  }).timeout(30_000);
});

/** Writes a row as a version with other limits may have written it. */
async function spoilt(
  { store }: World,
  { instance: { id } }: { readonly instance: Instance },
): Promise<string> {
  for (;;) {
    const loaded = await store.instances.load(id);
    if (loaded === undefined) throw new Error(`no instance ${id}`);
    const { version } = loaded.instance;
    const row = { ...loaded.instance, name: long(fieldLimits.nameLengthMax + 1), version: version + 1 };
    const { kind } = await store.commit({ instances: [{ expectedVersion: version, row }] });
    if (kind === "committed") return id;
  }
}
