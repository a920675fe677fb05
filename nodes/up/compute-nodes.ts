/**
 * The compute nodes of a cluster. Each is judged, started and kept by itself: what is wrong with one of them
 * must never keep another one, a controller or a server down.
 */

import { credentialsFile, readCredentials } from "../bus/credentials.ts";
import { hostUser } from "../bus/users.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { hostIdOf } from "../config/host-id.ts";
import { failureOf } from "../package/failure.ts";

export interface JudgedNodes {
  /** Nodes that can be started, with their hosts' ids, by name. */
  readonly sound: ReadonlyMap<string, string>;
  /** What keeps the others down until the next start of the cluster, by name. */
  readonly broken: ReadonlyMap<string, Error>;
}

/** Reads, or makes, what each node needs before NATS can start: its id and its credentials. */
export function judgeNodes(config: ClusterConfig): JudgedNodes {
  const sound = new Map<string, string>();
  const broken = new Map<string, Error>();
  for (const { name } of config.nodes) {
    try {
      const hostId = hostIdOf(config, name);
      if (config.nats.url === undefined)
        readCredentials(credentialsFile(statePaths(config).nats, hostUser(hostId)));
      sound.set(name, hostId);
    } catch (error) {
      broken.set(name, error instanceof Error ? error : new Error(String(error)));
    }
  }
  return { sound, broken };
}

/** A line for people about each node that stays down. @throws the fault of the first one when all do */
export function tellBroken({ sound, broken }: JudgedNodes, say: (text: string) => void): void {
  const [first] = broken.values();
  if (sound.size === 0 && first !== undefined) throw first;
  for (const [name, error] of broken) {
    say(`${name} stays down until the cluster is started again: ${failureOf(error).text}`);
  }
}
