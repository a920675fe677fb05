/**
 * Names of things by their ids, for rows that have only ids. Each is looked up once; a thing that is gone,
 * or that the caller may not see, has none, and no list fails for want of a name.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { resources } from "../../../protocol/resources.ts";
import type { Resource } from "../../../protocol/wire/resource.ts";
import { commandLimits } from "../limits.ts";
import { readPages } from "../pages.ts";
import type { Run } from "../run.ts";
import type { Session } from "../session.ts";
import { eachOf } from "../several/each.ts";

/** A thing in an event's words: its noun and its id. */
export interface Thing {
  readonly noun: string;
  readonly id: string;
}

type Name = readonly [id: string, name: string];
type Find = (session: Session, ids: readonly string[], run: Run) => Promise<readonly Name[]>;

const oneByOne =
  (find: (session: Session, id: string, run: Run) => Promise<string>): Find =>
  async (session, ids, run) => {
    const some = ids.slice(-commandLimits.namesLookedUpMax);
    const found = await eachOf(some, (id) => find(session, id, run));
    return found.flatMap((result, at): Name[] =>
      result.status === "fulfilled" ? [[some[at] ?? "", result.value]] : [],
    );
  };

/** What has a name of its own, by the nouns of events; a quota's id is its project. */
const finders: Readonly<Record<string, Find>> = {
  instance: instanceNames,
  host: hostNames,
  ...Object.fromEntries(Object.keys(resources).map((key) => rowFinder(key as keyof typeof resources))),
};

function rowFinder(key: keyof typeof resources): readonly [noun: string, find: Find] {
  const { noun, one }: Resource = resources[key];
  const find = oneByOne(async (session, id, run) => {
    const answer = new Map(Object.entries(await session[key].get(id, {}, run.call())));
    return answer.get(one)?.name ?? id;
  });
  return [noun, find];
}

async function instanceNames(session: Session, ids: readonly string[], run: Run): Promise<readonly Name[]> {
  const names: Name[] = [];
  for (let at = 0; at < ids.length; at += wireLimits.filterValuesMax) {
    const some = ids.slice(at, at + wireLimits.filterValuesMax);
    const { rows } = await readPages(async (page) => {
      const query = { ...page, ids: some, deleted: true };
      const { instances, nextMarker } = await session.instance.list(query, run.call());
      return { rows: instances, nextMarker };
    });
    names.push(...rows.map(({ id, name }): Name => [id, name]));
  }
  return names;
}

/** All hosts are one page of a small cluster, and a few of a large one. */
async function hostNames(session: Session, ids: readonly string[], run: Run): Promise<readonly Name[]> {
  if (ids.length < fewHosts)
    return oneByOne(async (_, id) => (await session.host.get(id, {}, run.call())).host.name)(
      session,
      ids,
      run,
    );
  const { rows } = await readPages(async (page) => {
    const { hosts, nextMarker } = await session.host.list(page, run.call());
    return { rows: hosts, nextMarker };
  });
  return rows.map(({ id, name }) => [id, name]);
}

const fewHosts = 4;

const keyOf = ({ noun, id }: Thing): string => `${noun} ${id}`;

export class Names {
  readonly #run: Run;
  readonly #session: Session;
  readonly #known = new Map<string, string | undefined>();

  constructor(run: Run, session: Session) {
    this.#run = run;
    this.#session = session;
  }

  /** The name, as far as it was looked up. */
  of(thing: Thing): string | undefined {
    return this.#known.get(keyOf(thing));
  }

  /** The name, else the end of the id: it differs even between things that were made in one moment. */
  shown(thing: Thing): string {
    return this.of(thing) ?? shortId(thing.id);
  }

  /** A name that was said anyway. */
  learn(thing: Thing, name: string): void {
    this.#known.set(keyOf(thing), name);
  }

  /** Looks up those that are not known yet. A thing that cannot be found keeps its id. */
  async lookUp(things: readonly Thing[]): Promise<void> {
    const unknown = new Map<string, Set<string>>();
    for (const thing of things) {
      if (this.#known.has(keyOf(thing)) || !Object.hasOwn(finders, thing.noun)) continue;
      // Known to have been asked for: it is not asked for again, whatever comes of it.
      this.#known.set(keyOf(thing), undefined);
      unknown.set(thing.noun, (unknown.get(thing.noun) ?? new Set()).add(thing.id));
    }
    await eachOf([...unknown], async ([noun, ids]) => {
      const found = await finders[noun]?.(this.#session, [...ids], this.#run);
      for (const [id, name] of found ?? []) this.learn({ noun, id }, name);
    });
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The end of a UUID; any other id as it is. */
export const shortId = (id: string): string => (uuid.test(id) ? `…${id.slice(-12)}` : id);
