/**
 * Tells hosts that their picture of networks may have changed: the hosts whose last answer was made of rows
 * that a commit has touched. Only speed depends on it, since every host asks again by itself.
 */
import type { HostNetworkingAnswer } from "../../../protocol/networking.ts";
import type { Clock, Timer } from "../../../protocol/wire/transport.ts";
import type { NetworkingRows } from "../../ports/networking-reads.ts";
import type { Store } from "../../ports/store.ts";
import { type BehindRouter, behindRouters } from "./behind-routers.ts";
import { networkingLimits } from "./limits.ts";
import { partsFor, pictureOf } from "./picture.ts";

export interface NetworkingNewsOptions {
  readonly store: Pick<Store, "networking">;
  /** Tells one host; may fail, which is no fault. */
  readonly tell: (hostId: string) => Promise<unknown>;
  readonly clock: Clock;
}

interface Wanted {
  readonly ports: number;
  readonly version: number;
  /** Hashes. */
  readonly parts: readonly string[];
  readonly networkIds: readonly string[];
  readonly behindRouters: readonly BehindRouter[];
}

interface Asked {
  readonly hostId: string;
  /** Hashes of the parts that the host has. */
  readonly have: readonly string[];
}

export class NetworkingNews {
  readonly #options: NetworkingNewsOptions;
  /** By host: the ids of what its last answer was made of. */
  readonly #madeOf = new Map<string, ReadonlySet<string>>();
  readonly #touched = new Set<string>();
  /** Hosts that are being told; true: something has been touched since. */
  readonly #telling = new Map<string, boolean>();
  #timer: Timer | undefined;

  constructor(options: NetworkingNewsOptions) {
    this.#options = options;
  }

  /** @throws UNAVAILABLE storeUnavailable */
  async answer({ hostId, have }: Asked): Promise<HostNetworkingAnswer> {
    const rows = await this.#options.store.networking.ofHost(hostId);
    this.#madeOf.delete(hostId);
    if (rows.ports.length > 0) this.#madeOf.set(hostId, idsIn(rows));
    const [oldest] = this.#madeOf.keys();
    if (this.#madeOf.size > networkingLimits.hostsRememberedMax) this.#madeOf.delete(oldest ?? "");
    return partsFor(pictureOf(rows), new Set(have));
  }

  /** What a host is to apply, and how many ports it has. @throws UNAVAILABLE storeUnavailable */
  readonly wanted = async (hostId: string): Promise<Wanted> => {
    const rows = await this.#options.store.networking.ofHost(hostId);
    const { version, networks, groups, far = [], routers = [] } = partsFor(pictureOf(rows), new Set());
    const parts = [...networks, ...groups, ...far, ...routers].map(({ hash }) => hash);
    const networkIds = rows.networks.map(({ id }) => id);
    const ports = rows.ports.length;
    return { ports, version, parts, networkIds, behindRouters: behindRouters(rows) };
  };

  /** Ids of what commits have made, changed or removed, and of what that refers to. */
  touched(ids: readonly string[]): void {
    if (ids.length === 0 || this.#madeOf.size === 0) return;
    for (const id of ids) this.#touched.add(id);
    this.#timer ??= this.#options.clock.after(networkingLimits.newsCollectedMs, () => this.#send());
  }

  close(): void {
    this.#timer?.cancel();
    this.#touched.clear();
  }

  #send(): void {
    this.#timer = undefined;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const [hostId, ids] of this.#madeOf) {
      if (!touched.some((id) => ids.has(id))) continue;
      if (this.#telling.has(hostId)) this.#telling.set(hostId, true);
      else void this.#tell(hostId);
    }
  }

  /** Never rejects. A host that cannot be told asks by itself when it is back. */
  async #tell(hostId: string): Promise<void> {
    do {
      this.#telling.set(hostId, false);
      const heard = await this.#options.tell(hostId).then(
        () => true,
        () => false,
      );
      if (!heard) break;
    } while (this.#telling.get(hostId) === true);
    this.#telling.delete(hostId);
  }
}

function idsIn({
  ports,
  networks,
  subnets,
  memberships,
  rules,
  far,
  published,
  routers,
  routerInterfaces,
  floating,
}: NetworkingRows): ReadonlySet<string> {
  const of = [...ports, ...networks, ...subnets, ...memberships, ...rules, ...far, ...published];
  const led = [...routers, ...floating].map(({ id }) => id);
  const outside = routers.flatMap(({ outside: to }) => to?.networkId ?? []);
  const named = rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []);
  const gates = routerInterfaces.map(({ portId }) => portId);
  const routed = [...led, ...outside, ...gates];
  return new Set([
    ...of.map(({ id }) => id),
    ...routed,
    ...memberships.map(({ groupId }) => groupId),
    ...named,
  ]);
}
