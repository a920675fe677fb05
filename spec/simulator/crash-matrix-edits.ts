/** Edits and locks in the crash matrix, as data. */
import { type Act, command, created, type Operation, one, today } from "./crash-matrix-acts.ts";

const setting = (key: string): Act => command("set", 0, { request: { metadata: { [key]: "1" } } });
const locked = [...created, command("lock", 2_000, { request: { reason: "keep" } })];

export const edits: readonly Operation[] = [
  { ...today, ...one("set", created, [setting("a")], ["running", "running a=1"]) },
  {
    ...today,
    ...{ name: "two sets at once", prepare: created, act: [setting("a"), setting("b")] },
    done: [["running a=1 b=1"]],
    undone: [["running a=1"], ["running b=1"], ["running"]],
  },
  { ...today, ...one("lock", created, [command("lock")], ["running", "running locked by project"]) },
  { ...today, ...one("unlock", locked, [command("unlock")], ["running locked by project", "running"]) },
  {
    ...today,
    ...{ name: "delete of locked", prepare: locked, act: [command("delete")] },
    ...{ done: [["running locked by project"]], undone: [["running locked by project"]] },
  },
  {
    // Whichever command comes first decides.
    ...today,
    ...{ name: "lock and delete at once", prepare: created, act: [command("lock"), command("delete")] },
    done: [["running locked by project"], ["deleted"], ["deleted locked by project"]],
    undone: [["running"]],
  },
];
