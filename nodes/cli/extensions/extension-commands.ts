/**
 * The commands of plug-ins, made from their definitions: list, show and delete of a resource as of ours, and
 * a command for every other method, with an option for each field. It calls the API like any other command.
 */
import { Command } from "commander";
import { rawMethods, withRawMethods } from "../../../protocol/raw-rows.ts";
import type { Resource } from "../../../protocol/wire/resource.ts";
import type { CallOptions, Method, Service } from "../../../protocol/wire/service.ts";
import { nounCommand } from "../noun-command.ts";
import { repeatable } from "../repeatable.ts";
import { hostId, instanceId, rowId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { plain } from "../terminal.ts";
import type { Extended } from "./extended.ts";
import { addFieldOptions, kebab, requestIn } from "./field-options.ts";

/** One command for each noun of the plug-ins. */
export function extensionCommands(invoke: Invoke, plugins: readonly Extended[]): readonly Command[] {
  return plugins.flatMap(({ name, parts: { resources = [], services = [], actions = [] } }) => [
    ...services.map((one) => {
      const service = withRawMethods(one.service, resources);
      const resource = resources.find(({ noun }) => noun === service.noun);
      return serviceCommand(invoke, {
        service,
        plugin: name,
        ...(resource === undefined ? {} : { resource }),
      });
    }),
    ...actions.map(({ service, on }) => serviceCommand(invoke, { service, plugin: name, on })),
  ]);
}

interface Described {
  readonly service: Service;
  readonly plugin: string;
  readonly resource?: Resource;
  /** What the ids of an action are of. */
  readonly on?: "instance" | "host";
}

const keptMethods = ["list", "get", "delete"];

function serviceCommand(invoke: Invoke, described: Described): Command {
  const { service, plugin, resource } = described;
  const description = `${service.summary} By the plug-in ${plugin}.`;
  const hasKept = resource !== undefined && keptMethods.every((name) => Object.hasOwn(service.methods, name));
  const command = hasKept
    ? resourceCommand(invoke, resource, service, description)
    : new Command(service.noun).description(description);
  for (const [name, method] of Object.entries(service.methods))
    if (!hasKept || !keptMethods.includes(name))
      command.addCommand(methodCommand(invoke, described, name, method));
  return command;
}

type Shown = Readonly<Record<string, unknown>> & { readonly id: string; readonly name: string };

function resourceCommand(invoke: Invoke, resource: Resource, service: Service, description: string): Command {
  const fields = Object.keys({ ...resource.fields, ...resource.joined });
  const { command } = nounCommand(invoke, {
    resource,
    command: resource.noun,
    description,
    client: (session) => session.of(service) as never,
    columns: [
      { title: "ID", value: (row) => shown(row).id, spare: true },
      { title: "NAME", value: (row) => shown(row).name, cut: true },
      ...fields.map((field) => ({
        title: kebab(field).replaceAll("-", " ").toUpperCase(),
        value: (row: object) => textOf(shown(row)[field]),
        cut: true,
      })),
    ],
    facts: (row) => factsOf(shown(row)),
  });
  return command;
}

const shown = (row: object): Shown => row as Shown;

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return plain(value.join(", "));
  return plain(typeof value === "object" ? JSON.stringify(value) : String(value));
}

const factsOf = (answer: object) =>
  Object.entries(answer).map(([field, value]) => [kebab(field).replaceAll("-", " "), textOf(value)] as const);

function methodCommand(invoke: Invoke, described: Described, name: string, method: Method): Command {
  const { service, resource, on } = described;
  const makes = method.target === "collection" && resource !== undefined && name === "create";
  const without = makes ? ["name"] : [];
  const command = new Command(kebab(name)).description(method.summary);
  if (makes) command.argument("<name>", "its name");
  if (method.target === "entity") command.argument(`<${on ?? service.noun}>`, "its id or name");
  addFieldOptions(command, method, without);
  if (method.mutates) command.option("--request-id <id>", "repeats an earlier request: it is executed once");
  return command.action((...typed: unknown[]) => {
    const ran = typed.at(-1) as Command;
    const [key] = ran.args;
    return invoke(ran, async (run) => {
      const session = await (method.audience === "admin" ? run.adminSession() : run.session());
      const options: Readonly<Record<string, unknown>> = ran.opts();
      const request = { ...requestIn(options, method, without), ...(makes ? { name: key } : {}) };
      const call = { ...described, session, name, method, request, key };
      await printAnswer(
        run,
        resource,
        await send(run, call, String(options.requestId ?? session.newRequestId())),
      );
      return 0;
    });
  });
}

interface Sending extends Described {
  readonly session: Session;
  readonly name: string;
  readonly method: Method;
  readonly request: object;
  /** As it was typed. */
  readonly key: string | undefined;
}

async function send(run: Run, sending: Sending, requestId: string): Promise<object> {
  const { session, service, name, method, request, key = "" } = sending;
  const call = (session.of(service) as Record<string, unknown>)[name] as AnyCall;
  const line = repeatedLine(run);
  const id = method.target === "entity" ? await idOf(run, sending, key) : undefined;
  const ask = (options: CallOptions) =>
    id === undefined ? call(request, options) : call(id, request, options);
  if (!method.mutates) return ask(run.call());
  return repeatable({ line, requestId }, (once) => ask(run.call({ requestId: once })));
}

/** As it was typed, without its request id. */
function repeatedLine(run: Run): string {
  const at = run.argv.indexOf("--request-id");
  return run.typed(`novact ${(at < 0 ? run.argv : run.argv.toSpliced(at, 2)).join(" ")}`);
}

type AnyCall = (...given: readonly unknown[]) => Promise<object>;

function idOf(
  run: Run,
  { session, service, resource, on, name }: Sending,
  key: string,
): Promise<string> | string {
  if (on === "instance") return instanceId(run, session, key);
  if (on === "host") return hostId(run, key);
  // What cannot be read is in no list to be looked up in.
  if (name === "discard" && service.methods.discard === rawMethods.discard) return key;
  if (resource === undefined || !Object.hasOwn(service.methods, "list")) return key;
  return rowId(run, session.of(service) as never, { resource, key });
}

async function printAnswer(run: Run, resource: Resource | undefined, answer: object): Promise<void> {
  const one =
    resource === undefined ? undefined : Object.entries(answer).find(([key]) => key === resource.one)?.[1];
  const value: object = typeof one === "object" && one !== null ? one : answer;
  if (run.json) return run.emit(value);
  const { renderFacts } = await import("../table.ts");
  run.print(renderFacts(factsOf(value), run.paint, run.width));
}

/** Names of the rows of a plug-in's resource, for completion; empty: there is no such noun. */
export async function extensionNames(
  noun: string,
  plugins: readonly Extended[],
  run: Run,
): Promise<readonly string[]> {
  for (const { parts } of plugins) {
    const service = parts.services?.find((one) => one.service.noun === noun)?.service;
    const resource = parts.resources?.find((one) => one.noun === noun);
    if (service === undefined || resource === undefined) continue;
    const session = await (resource.sees === "admin" ? run.adminSession() : run.session());
    const list = (session.of(service) as Record<string, unknown>).list as AnyCall;
    const answer = await list({}, run.call());
    const rows = Object.values(answer).find((value) => Array.isArray(value)) as
      | readonly { name: string }[]
      | undefined;
    return (rows ?? []).map(({ name }) => name);
  }
  return [];
}
