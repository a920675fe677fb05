/**
 * Passes hosts that can plug guests into networks, if the instance says which interfaces its guest has, and
 * whose network carries the packets of all of them, and keeps their limits.
 */
import { canCarry, canLimit, canPlug } from "../../../../protocol/host-drivers.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

const noDriver: Refuse = () => ({
  reason: "the guest is to be on networks, and the host has none to plug guests into",
  remedy: "give the node a network driver in cluster.yaml, or create the instance without networks",
});

const noOverlay: Refuse = () => ({
  reason: "the network driver of the host carries the operator's own networks only",
  remedy:
    "create the instance on a network with a physical network, or give a node the driver bridge or user",
});

const notThere =
  (name: string): Refuse =>
  () => ({
    reason: `the network driver of the host plugs no guest into the physical network ${name}`,
    remedy: "name the device of that network in the options of a node's network driver",
  });

const noFilter: Refuse = () => ({
  reason: "a port of the guest has portSecurity, and the network driver of the host filters nothing",
  remedy: "create the instance with a port that was made with --no-port-security",
});

const noLimits: Refuse = () => ({
  reason: "a port of the guest has a bandwidth limit, which the host's network driver does not keep",
  remedy: "take the limit from the port: novact port set --no-bandwidth-in --no-bandwidth-out",
});

export const networked: RequestFilter = {
  name: "networked",
  effort: efforts.another,
  prepare: ({ networked: wanted }) => {
    if (wanted === undefined) return undefined;
    const { mtuBytes, isLimited = false } = wanted;
    const tooLarge: Refuse = ({ drivers }) => ({
      reason:
        `a network of the guest has packets of ${mtuBytes} bytes, and the host carries ` +
        `${drivers?.networking?.mtuBytesMax} bytes at most`,
      remedy: "create the instance on a network with a smaller MTU",
    });
    const leads = wanted.physicalNetworks ?? [];
    return ({ drivers }) => {
      if (!canPlug(drivers)) return noDriver;
      const lacking = leads.find((one) => !canCarry(drivers, one));
      if (lacking !== undefined) return lacking === null ? noOverlay : notThere(lacking);
      if (wanted.filtered === true && drivers?.networking?.filters === false) return noFilter;
      if (isLimited && !canLimit(drivers)) return noLimits;
      // An agent of before does not say what it carries; it refuses the guest itself.
      return mtuBytes <= (drivers?.networking?.mtuBytesMax ?? mtuBytes) || tooLarge;
    };
  },
};
