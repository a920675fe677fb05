/** Passes hosts that make ephemeral and swap disks, if the instance is to have some. */
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

const refuse: Refuse = () => ({
  reason: "the flavor has an ephemeral or a swap disk, which the host does not make",
  remedy: "choose a flavor without them, or upgrade the agent of the host",
});

export const localDisks: RequestFilter = {
  name: "localDisks",
  effort: efforts.another,
  prepare: ({ localDisks: wanted }) => {
    if (wanted === undefined) return undefined;
    return ({ drivers }) => drivers?.abilities.localDisks === true || refuse;
  },
};
