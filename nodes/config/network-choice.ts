/**
 * The network driver of a node that leaves it to `up`, and why it is that one: `up` says it to the node's
 * process in one argument. Pure; an argument that is no choice is refused, whoever wrote it.
 */
import { type Static, Type } from "@sinclair/typebox";
import { HostText } from "../../protocol/offered.ts";
import { answer } from "../../protocol/wire/schema.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";
import { builtInDrivers } from "../drivers/built-in.ts";
import { checkPart } from "./explain.ts";

const NetworkChoice = answer({
  driver: Type.Union([Type.Literal("user"), Type.Literal("bridge")]),
  options: Type.Record(Type.String(), Type.Unknown()),
  /** A sentence for people. */
  why: HostText,
});
export type NetworkChoice = Static<typeof NetworkChoice>;

/** What a tool says of why it fails may be of several lines. */
export const networkArgument = (choice: NetworkChoice): string =>
  JSON.stringify({ ...choice, why: choice.why.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ") });

/** @throws StatusError schemaMismatch */
export function readNetworkArgument(text: string): NetworkChoice {
  const choice = parsed(text);
  if (!validatorOf(NetworkChoice).accepts(choice)) throw refused("it is no choice");
  const part = { value: { ...choice.options }, at: ["options"], lineOf: () => 1 };
  const checked = checkPart(part, builtInDrivers.networks[choice.driver].options);
  if (!checked.ok) throw refused(checked.findings.map(({ message }) => message).join(" "));
  return choice;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const refused = (why: string): StatusError =>
  new StatusError("schemaMismatch", `--network is what npm start has chosen for a node: ${why}.`);
