/** What is asked of the plug-in in a plan: the method, whom it is about, and the request. Pure. */
import type { Method, Service } from "../../protocol/wire/service.ts";
import { careService, flagService, noteService, windowService } from "../support/toy-services.ts";
import type { SurroundingCall } from "./client-surroundings.ts";
import type { CommandKind } from "./plan.ts";
import { type ExtensionCommand, extensionCommands, flagColor, flagName } from "./plan-extensions.ts";

/** Services that only the plug-in has, by noun. */
export const extensionServices: ReadonlyMap<string, Service> = new Map(
  [flagService, noteService, careService, windowService].map((service): [string, Service] => [
    service.noun,
    service,
  ]),
);

export const isExtension = (command: CommandKind): command is ExtensionCommand =>
  extensionCommands.some((one) => one === command);

/** The method of the plug-in; undefined: it is not one of its. */
export function extensionMethod(method: string): Method | undefined {
  const [noun = "", name = ""] = method.split(".");
  return extensionServices.get(noun)?.methods[name];
}

/** `own`: an instance of the client's; `foreign`: one of somebody else's. */
export function extensionCall(
  command: ExtensionCommand,
  target: number,
  { own, foreign }: { readonly own: string | undefined; readonly foreign: string | undefined },
): SurroundingCall {
  const name = flagName(target);
  switch (command) {
    case "flagCreate":
      return { method: "signal-flag.create", id: "", request: { name, color: flagColor(target) } };
    case "flagHoist":
      return { method: "signal-flag.hoist", id: name, request: { raised: target % 3 === 0 } };
    case "flagGet":
      return { method: "signal-flag.get", id: name, request: {} };
    case "flagDelete":
      return { method: "signal-flag.delete", id: name, request: {} };
    case "flagList":
      return { method: "signal-flag.list", id: "", request: {} };
    case "guestMark": {
      const id = target % 4 === 0 ? foreign : own;
      if (target % 3 === 0) return { method: "guest-care.rest", id, request: {} };
      return { method: "guest-care.jot", id, request: { words: `mark ${target % 5}` } };
    }
  }
}
