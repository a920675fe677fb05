/**
 * Actions of plug-ins on instances and hosts. The target is found as the caller sees it, so that another
 * project's is not found (I12); what the action does to it goes through the target's own service with the
 * caller's rights; and what it says about it is committed once for each request id (I5).
 */
import type { CallContext, Service } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { contentHash } from "../request/content-hash.ts";
import type { ExtensionTools, Outcome } from "./definition.ts";
import { callInProcess, type OwnService } from "./in-process.ts";
import { extensionLimits } from "./limits.ts";
import { pluginFailed } from "./own-commit.ts";

export interface ActionParts {
  readonly on: "instance" | "host";
  /** The service of the target. */
  readonly own: OwnService;
  readonly service: Service;
  readonly name: string;
  readonly handler: (acting: never) => Promise<Outcome<unknown>>;
  readonly tools: ExtensionTools;
  /** Whose commit is the plug-in's own. */
  readonly catalog: CatalogOptions;
}

type Target = { readonly id: string; readonly project?: string };

/** The handler of one action. */
export function actionHandler(parts: ActionParts) {
  const { on, service, name, handler, tools, catalog } = parts;
  const method = `${service.noun}.${name}`;
  const mutates = service.methods[name]?.mutates === true;
  const seen = on === "instance" ? tools.instances : tools.hosts;
  const perform = async (request: never, context: CallContext) => {
    const target: Target = await seen.get(context, context.id);
    const command = commands(parts, target.id, context);
    return { target, outcome: await handler({ request, context, target, tools, command } as never) };
  };
  return async (request: never, context: CallContext): Promise<unknown> => {
    if (!mutates) return (await perform(request, context)).outcome.answer;
    const cause = { request, context, options: catalog };
    return unlessAnswered(method, cause, async () => {
      const { target, outcome } = await perform(request, context);
      const { event, body } = outcome.event ?? { event: `${tools.plugin}-${name}`, body: {} };
      const about = { noun: on, id: target.id, event, body, project: target.project ?? adminProject };
      const commit = catalogCommit(method, about, cause);
      return commitOnce({ ...commit, rows: outcome.rows ?? [] }, outcome.answer, catalog);
    });
  };
}

/** Commands to the target, each with a request id of its own that is the same when the action is repeated. */
function commands({ own, service, name, tools }: ActionParts, id: string, context: CallContext) {
  let given = 0;
  return async (command: string, request: object = {}): Promise<unknown> => {
    given += 1;
    if (given > extensionLimits.commandsMax)
      throw pluginFailed(tools.plugin, `an action gives at most ${extensionLimits.commandsMax} commands`);
    const method = own.service.methods[command];
    if (method?.target !== "entity")
      throw new StatusError("unknownMethod", `There is no command ${command} of one ${own.service.noun}.`);
    const cause = { requestId: context.requestId, given };
    const requestId = contentHash(`${service.noun}.${name}`, command, cause);
    return callInProcess(own, command, request, { ...context, id, requestId });
  };
}
