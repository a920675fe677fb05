/**
 * What the driver `bridge` takes to change one port on a host of many, to compare everything with its
 * picture, and to know of ports on other hosts.
 */
import type { FarPicture } from "../../protocol/networking.ts";
import { round, spread, timed } from "./figures.ts";
import { BenchHost, killed, never } from "./network-host.ts";
import { farPorts, portsPerNetwork } from "./network-pictures.ts";
import type { Note } from "./note.ts";

export interface PortSizes {
  /** Ports that the host has, for each series. */
  readonly sizes: readonly number[];
  readonly farPorts: number;
  readonly comparePorts: number;
  readonly rounds: number;
}

const hosts = 10;

/** Ports one after the other are added and removed again. */
async function changes(
  host: BenchHost,
  { count, rounds, far }: { readonly count: number; readonly rounds: number; readonly far?: FarPicture[] },
) {
  const others = numbers(count);
  const samples = { told: [] as number[], made: [] as number[], plugged: [] as number[] };
  const [added, removed]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    const { opener, all, ...steps } = await host.add(count, others, far);
    for (const name of ["told", "made", "plugged"] as const) samples[name].push(steps[name]);
    added.push(all);
    await killed(opener);
    removed.push(await host.remove(count, others, far));
  }
  const { told, made, plugged } = samples;
  return {
    ...{ addMs: spread(added), removeMs: spread(removed) },
    ...{ pictureMs: spread(told), ensureMs: spread(made), pluggedMs: spread(plugged) },
  };
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

async function withHost<T>(work: (host: BenchHost) => Promise<T>): Promise<T> {
  const host = await BenchHost.make();
  try {
    return await work(host);
  } finally {
    await host.close();
  }
}

export const portsOfHost = (count: number, { rounds }: PortSizes, note: Note): Promise<unknown> =>
  withHost(async (host) => {
    await host.fill(numbers(count));
    const figures = { ports: count, ...(await changes(host, { count, rounds })) };
    note("portsOfHost", figures);
    return figures;
  });

/** A network of many ports of which ten are here. */
export const portsOfNetwork = ({ farPorts: count, rounds }: PortSizes, note: Note): Promise<unknown> =>
  withHost(async (host) => {
    const own = numbers(portsPerNetwork - 1);
    await host.fill(own);
    const perHost = Math.ceil(count / hosts);
    const far = [...farPorts(count, perHost)];
    const picture = host.picture(own, far);
    const first = await timed(() => host.network.apply(picture, never));
    // The same picture again makes the driver compare everything.
    const again = await timed(() => host.network.apply(picture, never));
    const one: number[] = [];
    for (let round = 1; round <= rounds; round += 1)
      for (const more of [1, 0]) {
        const next = [...farPorts(count + more, perHost)];
        one.push((await timed(() => host.network.apply(host.picture(own, next), never))).ms);
      }
    const figures = {
      ...{
        farPorts: count,
        allMs: round(first.ms),
        compareMs: round(again.ms),
        oneMoreOrLessMs: spread(one),
      },
      ownPort: await changes(host, { count: own.length, rounds, far }),
    };
    note("portsOfNetwork", figures);
    return figures;
  });

/** Everything is compared with its picture: by an agent that has run, and by one that begins. */
export const compares = ({ comparePorts: count, rounds }: PortSizes, note: Note): Promise<unknown> =>
  withHost(async (host) => {
    const all = numbers(count);
    await host.fill(all);
    const [running, beginning]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      const picture = host.picture(all);
      await host.network.apply(picture, never);
      running.push((await timed(() => host.network.apply(picture, never))).ms);
      await host.network.detach(false);
      host.open();
      beginning.push((await timed(() => host.network.list())).ms);
    }
    const figures = {
      ...{ ports: count, networks: Math.ceil(count / portsPerNetwork) },
      ...{ compareMs: spread(running), beginMs: spread(beginning), target: "at most 3,000 ms" },
    };
    note("compares", figures);
    return figures;
  });
