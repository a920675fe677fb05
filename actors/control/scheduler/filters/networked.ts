/**
 * Passes hosts that can plug guests into networks, if the instance says which interfaces its guest has, and
 * whose network carries the packets of all of them.
 */
import { canPlug } from "../../../../protocol/host-drivers.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

const noDriver: Refuse = () => ({
  reason: "the guest is to be on networks, and the host has none to plug guests into",
  remedy: "give the node a network driver in cluster.yaml, or create the instance without networks",
});

export const networked: RequestFilter = {
  name: "networked",
  effort: efforts.another,
  prepare: ({ networked: wanted }) => {
    if (wanted === undefined) return undefined;
    const { mtuBytes } = wanted;
    const tooLarge: Refuse = ({ drivers }) => ({
      reason:
        `a network of the guest has packets of ${mtuBytes} bytes, and the host carries ` +
        `${drivers?.networking?.mtuBytesMax} bytes at most`,
      remedy: "create the instance on a network with a smaller MTU",
    });
    return ({ drivers }) => {
      if (!canPlug(drivers)) return noDriver;
      // An agent of before does not say what it carries; it refuses the guest itself.
      return mtuBytes <= (drivers?.networking?.mtuBytesMax ?? mtuBytes) || tooLarge;
    };
  },
};
