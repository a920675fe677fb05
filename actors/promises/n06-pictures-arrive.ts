/** N6: once nothing changes any more, each host with guests on networks has applied what the store says. */
import type { Checker, Quiet } from "./facts.ts";
import { isSame, text } from "./n02-only-what-is-allowed.ts";
import { NetworkingHistory } from "./networking-history.ts";

export function picturesArrive(): Checker {
  const history = new NetworkingHistory();
  return {
    promise: "N6",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      return fact.kind === "quiet" ? behind(history, fact) : [];
    },
  };
}

function behind(history: NetworkingHistory, { networks = [] }: Quiet): readonly string[] {
  return networks.flatMap(({ hostId, ports, applied }) => {
    const wanted = history.now(hostId);
    if (ports === 0 || (applied !== null && isSame(applied, wanted))) return [];
    const has = applied === null ? "nothing" : text(applied);
    return [`Host ${hostId} has applied ${has} for good, and not ${text(wanted)}.`];
  });
}
