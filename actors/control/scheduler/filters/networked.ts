/** Passes hosts that can plug guests into networks, if the instance says which interfaces its guest has. */
import { canPlug } from "../../../../protocol/host-drivers.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

const refuse: Refuse = () => ({
  reason: "the guest is to be on networks, and the host has none to plug guests into",
  remedy: "give the node a network driver in cluster.yaml, or create the instance without networks",
});

export const networked: RequestFilter = {
  name: "networked",
  effort: efforts.another,
  prepare: ({ networked: wanted }) => {
    if (wanted === undefined) return undefined;
    return ({ drivers }) => canPlug(drivers) || refuse;
  },
};
