/** The filters of hints: near other instances, away from them, or one host by its id. */
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

/** Passes only the hosts of the named instances. */
export const sameHost: RequestFilter = {
  name: "sameHost",
  effort: efforts.asking,
  only: ({ hints }) => hints?.sameHost,
  prepare: ({ hints }) => {
    if (hints?.sameHost === undefined) return undefined;
    const wanted = new Set(hints.sameHost);
    const refuse: Refuse = () => ({
      reason: "none of the instances that were named in same_host is there",
      remedy: "leave out the hint same_host, or move one of its instances there",
    });
    return (host) => wanted.has(host.id) || refuse;
  },
};

/** Passes all but the hosts of the named instances. */
export const differentHost: RequestFilter = {
  name: "differentHost",
  effort: efforts.asking,
  prepare: ({ hints }) => {
    if (hints?.differentHost === undefined) return undefined;
    const unwanted = new Set(hints.differentHost);
    const refuse: Refuse = () => ({
      reason: "an instance that was named in different_host is there",
      remedy: "leave out the hint different_host, or move its instances away",
    });
    return (host) => !unwanted.has(host.id) || refuse;
  },
};

/** Passes only the host that an operator chose. */
export const forcedHost: RequestFilter = {
  name: "forcedHost",
  effort: efforts.asking,
  only: ({ hints }) => (hints?.hostId === undefined ? undefined : [hints.hostId]),
  prepare: ({ hints }) => {
    const wanted = hints?.hostId;
    if (wanted === undefined) return undefined;
    const refuse: Refuse = () => ({
      reason: "another host is asked for",
      remedy: "ask for this host, or for none",
    });
    return (host) => host.id === wanted || refuse;
  },
};
