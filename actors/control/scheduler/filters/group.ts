/**
 * The filters of server groups with strict policies. The soft policies are weighers. When many are placed at
 * once, those placed earlier count as members.
 */
import { counted } from "../../../../protocol/wire/wording.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

/** Passes the hosts of the members; the first member may go anywhere. */
export const groupAffinity: RequestFilter = {
  name: "groupAffinity",
  effort: efforts.asking,
  only: ({ group }, members) =>
    group?.policy === "affinity" && members.size > 0 ? members.keys() : undefined,
  prepare: ({ group }, members) => {
    if (group?.policy !== "affinity") return undefined;
    const refuse: Refuse = () => ({
      reason: "the group wants its members together, and they are on another host",
      remedy: "move the group's members there, or choose a group with the policy soft-affinity",
    });
    return (host) => members.size === 0 || members.has(host.id) || refuse;
  },
};

/** Passes hosts with fewer members than the group's maximum for one host. */
export const groupAntiAffinity: RequestFilter = {
  name: "groupAntiAffinity",
  effort: efforts.asking,
  prepare: ({ group }, members) => {
    if (group?.policy !== "anti-affinity") return undefined;
    const countMax = group.maxPerHost ?? 1;
    const refuse: Refuse = ({ id }) => ({
      reason: `it may have ${counted(countMax, "member")} of the group, and has ${members.get(id)}`,
      remedy: "move a member of the group away, or choose a group with the policy soft-anti-affinity",
    });
    return (host) => (members.get(host.id) ?? 0) < countMax || refuse;
  },
};
