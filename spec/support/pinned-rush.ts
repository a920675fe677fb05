/** Creates of guests with pinned CPUs, all at once, on few hosts: for any store. */
import { expect } from "chai";
import type { StatusError } from "../../protocol/wire/status.ts";
import type { controllerWorld } from "./controller-world.ts";

export type World = Awaited<ReturnType<typeof controllerWorld>>;

/** Two NUMA nodes of two CPUs each. */
export const nodes = [0, 1].map(() => ({
  vcpus: 2,
  memoryMib: 4_096,
  hugePages: [{ sizeKib: 2_048, total: 256 }],
}));

export const dedicated = { "hw:cpu_policy": "dedicated" };

export async function boundHosts(world: World, count: number): Promise<void> {
  const said = { vcpus: 32, numa: nodes };
  await Promise.all(Array.from({ length: count }, (_, n) => world.host(`h${n}`, said)));
}

/**
 * 100 creates at once on four hosts of four CPUs each: 16 get CPUs, no CPU is given twice, the others hear
 * why.
 */
export async function pinnedRush(world: World): Promise<void> {
  await boundHosts(world, 4);
  const flavor = { name: "pinned", vcpus: 1, memoryMib: 128, diskGib: 0, extraSpecs: dedicated };
  await world.admin.flavor.create(flavor);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, (_, n) =>
      world.demo.instance.create({ name: `m${n}`, flavor: "pinned", image: "tiny" }),
    ),
  );
  const made = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value.instance] : []));
  expect(made).to.have.length(16);
  for (const host of await world.store.hosts.list({ limit: 10 })) {
    expect(host.pinnedCpus).to.equal(4);
    expect(host.numaClaimed.map(({ pinnedCpus }) => pinnedCpus)).to.deep.equal([2, 2]);
  }
  const errors = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as StatusError] : []));
  for (const error of errors) expect(error.reason).to.equal("noValidHost");
  const late = await world.demo.instance
    .create({ name: "late", flavor: "pinned", image: "tiny" })
    .catch((error: unknown) => error);
  expect(String(late)).to.contain("1 CPU of its own is asked for, 0 of 4 are nobody's own");
}
