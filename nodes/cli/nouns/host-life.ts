/** novact host fence, remove: fences a host, or forgets it; for operators. */
import { hostname, userInfo } from "node:os";
import { Command } from "commander";
import type { Host } from "../../../protocol/host.ts";
import type { Operation } from "../../../protocol/operation.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import { CommandError } from "../errors.ts";
import { commandLimits } from "../limits.ts";
import { waitForAll } from "../progress.ts";
import { repeatable } from "../repeatable.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { plain } from "../terminal.ts";
import { requestIdOption } from "./host-switch.ts";

type Print = (run: Run, host: Host) => Promise<void>;

interface FenceOptions {
  readonly confirm?: string;
  readonly reason?: string;
  readonly power?: boolean;
  readonly force?: boolean;
  readonly wait?: boolean;
  readonly requestId?: string;
}

export function fenceCommand(invoke: Invoke, print: Print): Command {
  return new Command("fence")
    .description("Says that a host is off, so that its instances may start elsewhere. Asks twice.")
    .argument("<host>", "its id or name")
    .option("--reason <text>", "why it is sure that the host is off; others will read it")
    .option("--power", "let the controller of its power switch it off, and take that for the proof")
    .option(
      "--force",
      "although the host was heard a moment ago; what runs there runs twice unless it is off",
    )
    .option("--confirm <name>", "the host's name typed again: asks nothing, for scripts")
    .option("--wait", "show the steps until the host is proved to be off")
    .option(...requestIdOption)
    .action((key: string, options: FenceOptions, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const { power, force } = options;
        const { host } = await session.host.get(key, {}, run.call());
        const confirm = options.confirm ?? (await confirmed(run, host, power === true));
        const reason = options.reason ?? (power === true ? undefined : await reasonOf(run));
        const request = {
          confirm,
          ...claimedBy(),
          ...(reason === undefined ? {} : { reason }),
          ...(power === undefined ? {} : { power }),
          ...(force === undefined ? {} : { force }),
        };
        const again = {
          line: "the same command with",
          requestId: options.requestId ?? session.newRequestId(),
        };
        const wait = options.wait === true ? { wait: false } : {};
        const fenced = await repeatable(again, (requestId) =>
          session.host.fence(
            host.id,
            { ...request, ...wait },
            run.call({ requestId, atLeastMs: commandLimits.fenceTimeoutMs }),
          ),
        );
        await print(run, options.wait === true ? await endOf(run, session, fenced) : fenced.host);
        return 0;
      }),
    );
}

/** The host when its fence has ended. @throws StatusError why it failed */
async function endOf(
  run: Run,
  session: Session,
  { host, operation }: { readonly host: Host; readonly operation?: Operation },
): Promise<Host> {
  if (operation === undefined) return host;
  const [ended] = await waitForAll(run, session, [{ operation, name: host.name }]);
  if (ended !== undefined && ended.error !== null) throw StatusError.fromBody(ended.error);
  return (await session.host.get(host.id, {}, run.call())).host;
}

/** The name of the logged-in user; nothing when the user has no name. */
function claimedBy(): { claimedBy?: string } {
  try {
    return { claimedBy: `${userInfo().username}@${hostname()}` };
  } catch {
    // The user id has no entry in the password file.
    return {};
  }
}

/** Asks the operator to type the host's name. @throws CommandError */
async function confirmed(run: Run, { name, instances }: Host, power: boolean): Promise<string> {
  const what = power ? "Its power is switched off" : "You say that it is off";
  run.remark(
    `${what}: ${counted(instances, "instance")} of ${plain(name)} may start elsewhere. Twice is data lost.`,
  );
  const typed = await run.terminal.ask(`Type the name of the host to go on: `);
  if (typed === undefined)
    throw new CommandError(
      "usage",
      "Nobody is there to confirm it.",
      `Repeat the name: --confirm ${plain(name)}`,
    );
  if (typed.trim() !== name) throw new CommandError("confirmMismatch", `The host is called ${plain(name)}.`);
  const sure = await run.terminal.ask(power ? "Switch it off? [yes/no] " : "Is it off, for sure? [yes/no] ");
  if (sure?.trim() !== "yes") throw new CommandError("usage", "Nothing was done.", "Answer yes to go on.");
  return name;
}

async function reasonOf(run: Run): Promise<string> {
  const reason = (await run.terminal.ask("Why is it sure? "))?.trim();
  if (reason !== undefined && reason !== "") return reason;
  throw new CommandError(
    "usage",
    "Say why it is sure that the host is off.",
    "Add --reason TEXT, or --power.",
  );
}

/**
 * The remark after a host was removed: a host that is alive registers again at once, and is given new
 * instances.
 */
const afterwards = ({ alive }: Host): string =>
  alive
    ? "But it was heard a moment ago: it registers again, enabled. Stop its agent first, then remove it."
    : "An agent that still runs there registers again: stop it.";

export function removeCommand(invoke: Invoke, print: Print): Command {
  return new Command("remove")
    .description(
      "Forgets a host that nothing is on, or a fenced one with what was deleted, or left and cannot run there.",
    )
    .argument("<host>", "its id or name")
    .option(...requestIdOption)
    .action((key: string, options: { readonly requestId?: string }, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const again = {
          line: "the same command with",
          requestId: options.requestId ?? session.newRequestId(),
        };
        const { host } = await repeatable(again, (requestId) =>
          session.host.remove(key, {}, run.call({ requestId })),
        );
        if (run.json) await print(run, host);
        else run.print(`${plain(host.name)} is removed. ${afterwards(host)}`);
        return 0;
      }),
    );
}
