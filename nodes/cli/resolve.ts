/** Names in place of ids: finds the one instance that a name means, or lists the candidates. */
import type { Instance } from "../../protocol/instance.ts";
import { nounInWords, type Resource } from "../../protocol/wire/resource.ts";
import type { CallOptions } from "../../protocol/wire/service.ts";
import { isIdShaped } from "../../protocol/wire/text.ts";
import { CommandError } from "./errors.ts";
import type { Run } from "./run.ts";
import type { Session } from "./session.ts";

const token = /^[A-Za-z0-9_-]{1,64}$/;
/** Most candidates that the message lists. */
const namedMax = 10;
/** Most names of instances that the hint proposes. */
const alikeMax = 3;

/** The id of an instance, from its id or name. @throws CommandError instanceNotFound, ambiguous */
export async function instanceId(run: Run, session: Session, key: string): Promise<string> {
  if (isIdShaped(key)) return key;
  const { instances } = await session.instance.list({ name: key, limit: namedMax + 1 }, run.call());
  const [only, ...others] = instances;
  if (only !== undefined && others.length === 0) return only.id;
  if (only !== undefined) throw ambiguous(key, instances);
  throw new CommandError(
    "instanceNotFound",
    token.test(key)
      ? `There is no instance ${key}.`
      : `There is no instance "${key}" in the project ${session.project}.`,
    await alikeHint(run, session, key),
  );
}

/** Names the instances whose names begin with what was typed; undefined: there are none. */
async function alikeHint(run: Run, session: Session, key: string): Promise<string | undefined> {
  const namePattern = `${key.replaceAll(/[\\*?]/g, "\\$&")}*`;
  const { instances } = await session.instance.list({ namePattern, limit: alikeMax + 1 }, run.call());
  if (instances.length === 0) return undefined;
  const names = instances.slice(0, alikeMax).map(({ name }) => name);
  if (instances.length > alikeMax) names.push("…");
  return `Did you mean ${names.join(", ")}? Several at once: --name '${key}*', where a command takes filters.`;
}

function ambiguous(key: string, instances: readonly Instance[]): CommandError {
  const ids = instances.slice(0, namedMax).map(({ id, state }) => `${id} (${state})`);
  if (instances.length > namedMax) ids.push("and more");
  const message = `The name "${key}" belongs to several instances:\n${ids.join("\n")}`;
  return new CommandError("ambiguous", message, "Name the one that is meant by its id.");
}

interface Listing {
  list(page: { readonly name: string; readonly limit: number }, options?: CallOptions): Promise<object>;
}

/**
 * What stands in a subject for a row that is called so: the word itself where a subject can hold it, since
 * the server finds names as well; else the id, which a list tells. @throws CommandError notFound, ambiguous
 */
export async function rowId(
  run: Run,
  api: Listing,
  { resource, key }: { readonly resource: Resource; readonly key: string },
): Promise<string> {
  if (token.test(key)) return key;
  const answer = await api.list({ name: key, limit: 2 }, run.call());
  const [found = []] = Object.values(answer).filter((value) => Array.isArray(value)) as { id: string }[][];
  const [only, ...others] = found;
  const words = nounInWords(resource);
  if (only === undefined) throw new CommandError("notFound", `There is no ${words} "${key}".`);
  if (others.length === 0) return only.id;
  const ids = found.map(({ id }) => id).join("\n");
  const message = `The name "${key}" belongs to several ${words}s:\n${ids}`;
  throw new CommandError("ambiguous", message, "Name the one that is meant by its id.");
}

/** The id of a host, from its id or name. */
export async function hostId(run: Run, key: string): Promise<string> {
  if (isIdShaped(key)) return key;
  const session = await run.adminSession();
  const { host } = await session.host.get(key, {}, run.call());
  return host.id;
}
