/** Passes hosts whose guests can be told about themselves by a drive, if the instance's guest is to be. */
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

const refuse: Refuse = () => ({
  reason: "the guest is to have a config drive, which the host does not make",
  remedy: "create the instance without key, user data and config drive, or upgrade the agent of the host",
});

export const configDrive: RequestFilter = {
  name: "configDrive",
  effort: efforts.another,
  prepare: ({ configDrive: wanted }) => {
    if (wanted === undefined) return undefined;
    return ({ drivers }) => drivers?.abilities.configDrive === true || refuse;
  },
};
