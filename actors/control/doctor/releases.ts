/**
 * What every process of the cell runs: the controllers by their roll call, the hosts by asking each. It only
 * asks; a host that is silent, or does not know the question, is listed with the reason.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { Release, Running } from "../../../protocol/release.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import { doctorLimits } from "./limits.ts";

export interface ReleaseOptions {
  readonly store: StorePart<{ hosts: "list" }>;
  readonly alive: (hostId: string) => boolean;
  /** @throws StatusError */
  readonly askHost: (hostId: string) => Promise<Release>;
  readonly callControllers: () => Promise<readonly Running[]>;
}

/** Controllers first, then the hosts in order of id, at most a page of them. @throws storeUnavailable */
export async function releases(options: ReleaseOptions): Promise<Running[]> {
  const [controllers, hosts] = await Promise.all([
    options.callControllers(),
    options.store.hosts.list({ limit: wireLimits.pageLengthMax }),
  ]);
  const running: Running[] = [...controllers].sort((one, other) => (one.name < other.name ? -1 : 1));
  for (let from = 0; from < hosts.length; from += doctorLimits.hostsAskedAtOnceMax) {
    const some = hosts.slice(from, from + doctorLimits.hostsAskedAtOnceMax);
    running.push(...(await Promise.all(some.map((host) => ask(host, options)))));
  }
  return running;
}

async function ask({ id, name }: HostRecord, { alive, askHost }: ReleaseOptions): Promise<Running> {
  const about = { kind: "host", id, name } as const;
  if (!alive(id)) return { ...about, why: "it is silent" };
  try {
    return { ...about, release: await askHost(id) };
  } catch (thrown) {
    const { reason } = StatusError.from(thrown, "Asking a host");
    const why = reason === "unknownMethod" ? "its agent is older than this question" : "it does not answer";
    return { ...about, why };
  }
}
