/**
 * Tells the person at the screen of `up` what becomes of nodes, as any operator could hear it: it asks the
 * cluster every few seconds. A cluster that does not answer is not its business, for the keepers tell that;
 * it never ends the cluster, and must never hold up its end.
 */
import { wireLimits } from "../../protocol/limits/wire.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import { type ClusterConfig, plainConfigFile } from "../config/config.ts";
import { commandAgain, typedCommand } from "../package/typed-command.ts";
import { connect } from "../sdk/sdk.ts";
import { upLimits } from "./limits.ts";
import {
  type HostFacts,
  movedLine,
  newsOf,
  type Picture,
  pictureOf,
  reasonsToEmulate,
  type Seen,
  seenOf,
  strangersLine,
} from "./node-picture.ts";

export interface NodeWatchOptions {
  readonly config: ClusterConfig;
  readonly say: (text: string) => void;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** What the watch asks of a cluster. */
export interface WatchedCluster {
  readonly host: {
    list(page: { limit: number; marker?: string }): Promise<{
      readonly hosts: readonly HostFacts[];
      readonly nextMarker?: string;
    }>;
  };
  readonly instance: {
    list(query: { hostId: string; limit: number }): Promise<{ readonly instances: readonly unknown[] }>;
  };
}

/** Resolves when the signal is aborted; never rejects. */
export async function watchNodes({ config, say, signal }: NodeWatchOptions): Promise<void> {
  const given = config.file === plainConfigFile() ? {} : { config: config.file };
  const configured = new Set(config.nodes.map(({ name }) => name));
  const emulating = new Set(config.nodes.filter(isToldToEmulate).map(({ name }) => name));
  const watch = new NodeWatch({ say, configured, emulating, command: commandAgain(typedCommand(), given) });
  while (!signal.aborted) {
    try {
      await using admin = await connect({ config: config.file, project: adminProject });
      while (!signal.aborted) {
        await watch.look(admin);
        await pause(upLimits.nodeWatchPeriodMs, signal);
      }
    } catch {
      // The cluster is going, or does not answer now: the keepers tell why, and the picture is kept.
      await pause(upLimits.nodeWatchPeriodMs, signal);
    }
  }
}

const isToldToEmulate = ({ drivers }: ClusterConfig["nodes"][number]): boolean =>
  drivers.hypervisor.options.accelerator === "tcg";

/** A fenced host whose instances leave. */
interface Leaving {
  readonly host: Seen;
  readonly had: number;
  left: number;
  /** Looks since the number last changed. */
  still: number;
}

export interface Telling {
  readonly say: (text: string) => void;
  /** Names of the nodes that there should be. */
  readonly configured: ReadonlySet<string>;
  /** Names of nodes whose guests are emulated on purpose. */
  readonly emulating: ReadonlySet<string>;
  /** What a person types for `novact`. */
  readonly command: string;
}

export class NodeWatch {
  readonly #telling: Telling;
  #picture: Picture | undefined;
  #leaving: readonly Leaving[] = [];
  /** Why guests are emulated, as far as it was told. */
  readonly #emulated = new Set<string>();

  constructor(telling: Telling) {
    this.#telling = telling;
  }

  /** Looks at the hosts, and tells what is new. The first look tells only who is configured no more. */
  async look(cluster: WatchedCluster): Promise<void> {
    const { say, configured, emulating, command } = this.#telling;
    const hosts = await hostsOf(cluster);
    if (this.#picture === undefined) {
      this.#picture = pictureOf(hosts);
      const line = strangersLine(hosts, configured, command);
      if (line !== undefined) say(line);
      return;
    }
    const { picture, lines, fenced } = newsOf(this.#picture, hosts);
    this.#picture = picture;
    for (const line of lines) say(line);
    for (const reason of reasonsToEmulate(hosts, picture, emulating)) this.#tellEmulated(reason);
    // Of many at once the line above has the number: one more for each would flood the screen.
    if (fenced.length <= upLimits.nodesToldApartMax)
      for (const host of fenced) this.#leave(host, picture.lost.get(host.id)?.instances ?? 0);
    const leaving: Leaving[] = [];
    for (const one of this.#leaving) if (!(await this.#hasSettled(one, cluster))) leaving.push(one);
    this.#leaving = leaving;
  }

  #tellEmulated(reason: string): void {
    if (this.#emulated.has(reason)) return;
    this.#emulated.add(reason);
    this.#telling.say(`KVM is not used, and guests are emulated, which is slow: ${reason}`);
  }

  #leave(host: Seen, had: number): void {
    if (had > 0) this.#leaving = [...this.#leaving, { host, had, left: had, still: 0 }];
  }

  /** Tells where the instances of a lost host are, once nothing has changed for a while or all have left. */
  async #hasSettled(one: Leaving, cluster: WatchedCluster): Promise<boolean> {
    const query = { hostId: one.host.id, limit: wireLimits.pageLengthMax };
    const { instances } = await cluster.instance.list(query);
    one.still = instances.length === one.left ? one.still + 1 : 0;
    one.left = instances.length;
    if (one.left > 0 && one.still < upLimits.nodeSettledLooksMin) return false;
    this.#telling.say(movedLine(one.host, one.had, one.left));
    return true;
  }
}

async function hostsOf(cluster: WatchedCluster): Promise<readonly Seen[]> {
  const hosts: Seen[] = [];
  let marker: string | undefined;
  do {
    const page = await cluster.host.list({
      limit: wireLimits.pageLengthMax,
      ...(marker === undefined ? {} : { marker }),
    });
    hosts.push(...page.hosts.map(seenOf));
    marker = page.nextMarker;
  } while (marker !== undefined);
  return hosts;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
