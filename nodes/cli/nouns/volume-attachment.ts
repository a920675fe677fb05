/** novact volume attach, detach: volumes that come to instances and leave them, also while they run. */
import { Command } from "commander";
import { volume } from "../../../protocol/volume.ts";
import { parseCount } from "../format.ts";
import { repeatable } from "../repeatable.ts";
import { instanceId, rowId } from "../resolve.ts";
import type { Invoke } from "../run.ts";
import { finishChanges } from "./verbs.ts";

export interface Waiting {
  readonly wait?: boolean;
  readonly requestId?: string;
}

interface Detaching extends Waiting {
  readonly force?: boolean;
}

interface Attaching extends Waiting {
  readonly place?: number;
  readonly deleteOnTermination?: boolean;
}

export const waiting = (command: Command): Command =>
  command
    .option("--wait", "wait for the end, and show the steps")
    .option("--request-id <id>", "the same id again does nothing twice and gives the same answer");

export function attachCommand(invoke: Invoke): Command {
  const command = new Command("attach")
    .description("Gives an instance a volume, also while it runs.")
    .argument("<instance>", "its id or name")
    .argument("<volume>", "the volume's id or name")
    .option("--place <n>", "its place, from 0 (default: the lowest one that is free)", parseCount)
    .option("--delete-on-termination", "it is deleted with the instance");
  return waiting(command).action((instance: string, key: string, options: Attaching, typed: Command) =>
    invoke(typed, async (run) => {
      const { place, deleteOnTermination, wait = false, requestId } = options;
      const session = await run.session();
      const id = await instanceId(run, session, instance);
      const asked = {
        volume: await rowId(run, session.volume, { resource: volume, key }),
        ...(place === undefined ? {} : { place }),
        ...(deleteOnTermination === true ? { deleteOnTermination } : {}),
      };
      const again = { line: "the same command with", requestId: requestId ?? session.newRequestId() };
      const changed = await repeatable(again, (request) =>
        session.instance.volumeAttach(id, asked, run.call({ requestId: request })),
      );
      return finishChanges(run, session, { changes: [changed], wait, single: true, verb: "attach" });
    }),
  );
}

export function detachCommand(invoke: Invoke): Command {
  const command = new Command("detach")
    .description("Takes a volume from an instance. What its guest has not written by then is lost.")
    .argument("<instance>", "its id or name")
    .argument("<volume>", "the volume's id or name")
    .option("--force", "at once: the guest is not asked, or not any longer");
  return waiting(command).action((instance: string, key: string, options: Detaching, typed: Command) =>
    invoke(typed, async (run) => {
      const { wait = false, force = false, requestId } = options;
      const session = await run.session();
      const id = await instanceId(run, session, instance);
      const asked = {
        volume: await rowId(run, session.volume, { resource: volume, key }),
        ...(force ? { force } : {}),
      };
      const again = { line: "the same command with", requestId: requestId ?? session.newRequestId() };
      const changed = await repeatable(again, (request) =>
        session.instance.volumeDetach(id, asked, run.call({ requestId: request })),
      );
      return finishChanges(run, session, { changes: [changed], wait, single: true, verb: "detach" });
    }),
  );
}
