/** V10: no image goes from a host's cache while the files of a guest there are based on it. */
import type { Checker } from "./facts.ts";

export function noBaseIsEvicted(): Checker {
  /** By host and instance, and by host: checksums. */
  const needed = new Map<string, { readonly hostId: string; readonly sha256s: readonly string[] }>();
  const cached = new Map<string, Set<string>>();
  return {
    promise: "V10",
    see(fact) {
      if (fact.kind === "imagesLetGo") needed.delete(`${fact.hostId} ${fact.instanceId}`);
      if (fact.kind === "imageCached")
        cached.set(fact.hostId, (cached.get(fact.hostId) ?? new Set()).add(fact.sha256));
      if (fact.kind === "imageEvicted") {
        cached.get(fact.hostId)?.delete(fact.sha256);
        const of = [...needed].filter(([, one]) => one.hostId === fact.hostId);
        return of.flatMap(([key, { sha256s }]) =>
          sha256s.includes(fact.sha256) ? [`${key} needs the image ${fact.sha256}, which was evicted.`] : [],
        );
      }
      if (fact.kind !== "imagesNeeded") return [];
      const { hostId, instanceId, sha256s } = fact;
      needed.set(`${hostId} ${instanceId}`, { hostId, sha256s });
      return sha256s
        .filter((sha256) => cached.get(hostId)?.has(sha256) !== true)
        .map((sha256) => `${hostId} makes ${instanceId} of the image ${sha256}, which it has not got.`);
    },
  };
}
