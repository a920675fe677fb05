/**
 * What plug-ins say of hosts, for filters and weighers: made of rows once a second, in a loop for each
 * plug-in, and read by the scheduler from memory. A plug-in that fails, or takes too long, harms nobody: its
 * last facts stand, and it is named to people. Nothing is placed by these facts but by the plug-in's own
 * filters.
 */
import type { ResourceRow } from "../../../protocol/wire/resource.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import { type PeriodicActor, periodicActor } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import type { ExtensionFacts, NamedExtensions } from "./definition.ts";
import { territoryOf } from "./implement.ts";
import { extensionLimits } from "./limits.ts";
import { type Readable, readableRows, reader } from "./own-rows.ts";

export interface FactsOptions {
  readonly store: StorePart<{ rows: "list"; hosts: "all" }>;
  readonly log: Log;
  /** Hears of each failure, in words; name: `acme.facts`. */
  readonly note: (name: string, what: string) => void;
}

type FactsOfHost = Readonly<Record<string, unknown>>;

interface Said {
  readonly value: unknown;
  /** Its JSON. */
  readonly text: string;
}
type SaidOfHosts = ReadonlyMap<string, Said>;

/** Facts of all plug-ins, by host. One object of a host stays the same as long as its facts do. */
export class FactsBoard {
  /** By plug-in, then by host. */
  readonly #said = new Map<string, SaidOfHosts>();
  readonly #byHost = new Map<string, FactsOfHost>();
  /** Plug-ins that have facts and have said none yet; another list after each change. */
  #awaited: readonly string[];
  readonly #shown = new WeakMap<HostRecord, Shown>();

  /** @param plugins those that will say facts */
  constructor(plugins: readonly string[] = []) {
    this.#awaited = plugins;
  }

  /**
   * Answers what is wrong with the facts of single hosts, in words: too much of one, or nothing that JSON can
   * hold. Such a host keeps what was said of it before.
   */
  say(plugin: string, facts: Readonly<Record<string, unknown>>): readonly string[] {
    const before: SaidOfHosts = this.#said.get(plugin) ?? new Map();
    const now = new Map<string, Said>();
    const faults: string[] = [];
    for (const [hostId, value] of Object.entries(facts)) {
      const said = value === undefined ? undefined : saidOf(hostId, value);
      if (typeof said === "string") faults.push(said);
      const kept = typeof said === "string" ? before.get(hostId) : said;
      if (kept !== undefined) now.set(hostId, kept);
    }
    this.#said.set(plugin, now);
    if (this.#awaited.includes(plugin)) this.#awaited = this.#awaited.filter((one) => one !== plugin);
    for (const hostId of new Set([...before.keys(), ...now.keys()]))
      if (before.get(hostId)?.text !== now.get(hostId)?.text) this.#renew(hostId);
    return faults;
  }

  #renew(hostId: string): void {
    const all = [...this.#said].flatMap(([plugin, said]) => {
      const one = said.get(hostId);
      return one === undefined ? [] : [[plugin, one.value] as const];
    });
    if (all.length === 0) this.#byHost.delete(hostId);
    else this.#byHost.set(hostId, Object.freeze(Object.fromEntries(all)));
  }

  /**
   * The record itself where a host has no facts and no plug-in's first facts are awaited; otherwise a copy,
   * which stays the same object until facts change.
   */
  readonly withFacts = (hosts: readonly HostRecord[]): readonly HostWithFacts[] =>
    this.#byHost.size === 0 && this.#awaited.length === 0
      ? hosts
      : hosts.map((host) => this.#shownWith(host));

  #shownWith(host: HostRecord): HostWithFacts {
    const facts = this.#byHost.get(host.id);
    const awaited = this.#awaited;
    if (facts === undefined && awaited.length === 0) return host;
    const known = this.#shown.get(host);
    if (known?.facts === facts && known?.awaited === awaited) return known.host;
    const shown = {
      ...host,
      ...(facts === undefined ? {} : { facts }),
      ...(awaited.length === 0 ? {} : { factsAwaited: awaited }),
    };
    this.#shown.set(host, { facts, awaited, host: shown });
    return shown;
  }
}

type HostWithFacts = HostRecord & { readonly facts?: FactsOfHost; readonly factsAwaited?: readonly string[] };

interface Shown {
  readonly facts: FactsOfHost | undefined;
  readonly awaited: readonly string[];
  readonly host: HostWithFacts;
}

/** What is said of a host; a text: why that cannot be. */
function saidOf(hostId: string, value: unknown): Said | string {
  try {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) return `what it says of the host ${hostId} is no JSON`;
    if (Buffer.byteLength(text) > extensionLimits.factsBytesMax)
      return `it says more than ${extensionLimits.factsBytesMax} bytes of the host ${hostId}`;
    // Parsed again: nobody can change what was said, and it holds what JSON can.
    return { value: JSON.parse(text), text };
  } catch (thrown) {
    return `what it says of the host ${hostId} is no JSON: ${textOf(thrown)}`;
  }
}

/** Begins a loop for each plug-in that has facts. */
export function startFacts(
  system: ActorSystem,
  plugins: readonly NamedExtensions[],
  options: FactsOptions,
): FactsBoard {
  const board = new FactsBoard(plugins.filter(({ parts }) => parts.facts).map(({ name }) => name));
  for (const plugin of plugins) {
    const { facts } = plugin.parts;
    if (facts !== undefined) system.spawn(factsLoop(plugin, facts, { ...options, board }));
  }
  return board;
}

function factsLoop(
  plugin: NamedExtensions,
  facts: ExtensionFacts,
  { board, ...options }: FactsOptions & { readonly board: FactsBoard },
): PeriodicActor<number> {
  const readable = reader({ territory: territoryOf(plugin), log: options.log });
  const name = `${plugin.name}.facts`;
  const definition = periodicActor<number>({
    name: `facts-${plugin.name}`,
    pauseMs: () => extensionLimits.factsPeriodMs,
    roundMsMax: extensionLimits.factsRoundMsMax,
    begin: () => 0,
    round: async (failedReads, { clock, signal }, round) => {
      const read = await readFor(facts, options, readable);
      if (signal.aborted) return 0;
      if ("thrown" in read) {
        round.fail();
        // That the store is away for a moment is no failure of the plug-in.
        if (failedReads + 1 >= extensionLimits.factsReadsFailedMax) options.note(name, textOf(read.thrown));
        return failedReads + 1;
      }
      try {
        assertAll(read.rows);
        const said = assertFacts(facts.of({ ...read, nowMs: clock.nowMs() }));
        const faults = board.say(plugin.name, said);
        if (faults[0] !== undefined) options.note(name, faultsText(faults[0], faults.length - 1));
        round.did(`${Object.keys(said).length} hosts`);
      } catch (thrown) {
        round.fail();
        options.note(name, textOf(thrown));
      }
      return 0;
    },
  });
  definition.next(0);
  return definition;
}

/** What facts are made of, or why it could not be read. */
async function readFor(facts: ExtensionFacts, options: FactsOptions, readable: Readable) {
  try {
    const rows = await rowsFor(facts, options, readable);
    const hosts = (await options.store.hosts.all()).map(({ id, name }) => ({ id, name }));
    return { rows, hosts };
  } catch (thrown) {
    return { thrown };
  }
}

async function rowsFor(
  { from }: ExtensionFacts,
  { store }: FactsOptions,
  readable: Readable,
): Promise<Readonly<Record<string, readonly ResourceRow[]>>> {
  const query = { limit: extensionLimits.factsRowsMax + 1, readable };
  const all = await Promise.all(
    from.map(async (one) => [one.noun, await readableRows(one, store.rows, query)] as const),
  );
  return Object.fromEntries(all) as Readonly<Record<string, readonly ResourceRow[]>>;
}

/** Facts made of some of the rows may say the contrary of what all rows say. */
function assertAll(rows: Readonly<Record<string, readonly ResourceRow[]>>): void {
  const most = extensionLimits.factsRowsMax;
  const excess = Object.keys(rows).find((noun) => (rows[noun]?.length ?? 0) > most);
  if (excess !== undefined) throw new Error(`there are more than ${most} rows of ${excess}`);
}

function assertFacts(said: unknown): Readonly<Record<string, unknown>> {
  if (typeof said !== "object" || said === null || Array.isArray(said) || said instanceof Promise)
    throw new Error("it must answer an object of facts by the ids of hosts, at once");
  return { ...said };
}

const faultsText = (first: string, others: number): string =>
  others === 0 ? first : `${first}; and so with ${counted(others, "other host")}`;

const textOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : "something without words").slice(0, 200);
