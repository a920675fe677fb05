/** Passes hosts whose ports can lead to guests, if ports of the new instance are to be published. */
import { canPublish } from "../../../../protocol/host-drivers.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

const refuse: Refuse = () => ({
  reason: "ports of the guest are to be published, which the host's network driver does not do",
  remedy:
    "let the node's agent run as an ordinary user, with the network driver user, or create the instance without --publish",
});

export const publishing: RequestFilter = {
  name: "publishing",
  effort: efforts.another,
  prepare: ({ publishing: wanted }) => {
    if (wanted === undefined) return undefined;
    return ({ drivers }) => canPublish(drivers) || refuse;
  },
};
