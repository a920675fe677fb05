/** novact instance interface …: the interfaces of an instance, which come and go while it runs. */
import { Command } from "commander";
import type { Interface } from "../../../protocol/interface.ts";
import { CommandError } from "../errors.ts";
import { repeatable } from "../repeatable.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke } from "../run.ts";
import type { Column } from "../table.ts";
import { addressesOf } from "./interface-options.ts";
import { finishChanges } from "./verbs.ts";

interface Waiting {
  readonly wait?: boolean;
  readonly requestId?: string;
}

interface Attaching extends Waiting {
  readonly network?: string;
  readonly address?: string;
  readonly port?: string;
}

export const interfaceCommand = (invoke: Invoke): Command =>
  new Command("interface")
    .description("The network interfaces of an instance.")
    .addCommand(listCommand(invoke))
    .addCommand(attachCommand(invoke))
    .addCommand(detachCommand(invoke));

const columns: readonly Column<Interface>[] = [
  { title: "PORT", value: ({ portId }) => portId },
  { title: "ADDRESSES", value: (one) => addressesOf([one]) ?? "-", cut: true },
  { title: "MAC", value: ({ mac }) => mac },
  { title: "NETWORK", value: ({ networkId }) => networkId, spare: true },
  { title: "CHANGE", value: ({ change }) => change ?? "-" },
];

function listCommand(invoke: Invoke): Command {
  return new Command("list")
    .description("Lists its interfaces, in the order in which its guest has them.")
    .argument("<instance>", "its id or name")
    .action((key: string, _options: object, typed: Command) =>
      invoke(typed, async (run) => {
        const session = await run.session();
        const { instance } = await session.instance.get(await instanceId(run, session, key), {}, run.call());
        const interfaces = instance.interfaces ?? [];
        if (run.json) run.emit(run.bare ? interfaces : { items: interfaces });
        else if (interfaces.length === 0) run.remark(`${instance.name} is on no network.`);
        else {
          const { renderTable } = await import("../table.ts");
          run.print(renderTable(columns, interfaces, run.tableOptions));
        }
        return 0;
      }),
    );
}

const waiting = (command: Command): Command =>
  command
    .option("--wait", "wait for the end, and show the steps")
    .option("--request-id <id>", "the same id again does nothing twice and gives the same answer");

function attachCommand(invoke: Invoke): Command {
  const command = new Command("attach")
    .description("Plugs it into one more network or port, also while it runs.")
    .argument("<instance>", "its id or name")
    .option("--network <network>", "a port is made on this network, by name or id; it goes with the instance")
    .option("--address <address>", "with --network: this address, and no other")
    .option("--port <port>", "into this port, by name or id; it stays when it is detached");
  return waiting(command).action((key: string, options: Attaching, typed: Command) =>
    invoke(typed, async (run) => {
      const { network, address, port, wait = false, requestId } = options;
      if ((network === undefined) === (port === undefined))
        throw new CommandError("usage", "Either a network or a port is needed.", "Give --network or --port.");
      const session = await run.session();
      const id = await instanceId(run, session, key);
      const asked = { ...(network && { network }), ...(address && { address }), ...(port && { port }) };
      const again = { line: "the same command with", requestId: requestId ?? session.newRequestId() };
      const changed = await repeatable(again, (request) =>
        session.instance.interfaceAttach(id, asked, run.call({ requestId: request })),
      );
      return finishChanges(run, session, { changes: [changed], wait, single: true, verb: "attach" });
    }),
  );
}

function detachCommand(invoke: Invoke): Command {
  const command = new Command("detach")
    .description("Unplugs it from a port, also while it runs. A port that was made for it goes.")
    .argument("<instance>", "its id or name")
    .argument("<port>", "the port's id or name, or one of its addresses");
  return waiting(command).action((key: string, port: string, options: Waiting, typed: Command) =>
    invoke(typed, async (run) => {
      const { wait = false, requestId } = options;
      const session = await run.session();
      const id = await instanceId(run, session, key);
      const again = { line: "the same command with", requestId: requestId ?? session.newRequestId() };
      const changed = await repeatable(again, (request) =>
        session.instance.interfaceDetach(id, { port }, run.call({ requestId: request })),
      );
      return finishChanges(run, session, { changes: [changed], wait, single: true, verb: "detach" });
    }),
  );
}
