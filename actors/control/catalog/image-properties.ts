/**
 * An image's properties from a request: novact's own fields, and further ones under Nova's names, which
 * scheduler filters read. A property of Nova's that novact has a field for is stored in that field, so that
 * it stands in one place. Pure.
 */
import type { Image } from "../../../protocol/image.ts";
import { type Architecture, architectures } from "../../../protocol/kinds.ts";
import { StatusError } from "../../../protocol/wire/status.ts";

type Properties = Image["properties"];

/** Names of hypervisors that stand for another one's: images of other clouds have them. */
export type HypervisorAliases = Readonly<Record<string, string>>;

/** @throws INVALID_ARGUMENT schemaMismatch for properties that contradict each other or have no meaning */
export function propertiesOf(said: Partial<Properties>, aliases: HypervisorAliases): Properties {
  const { extra, architecture, hypervisor, ...rest } = said;
  for (const [name, value] of Object.entries(extra ?? {}))
    if (name.startsWith("trait:") && value !== "required" && value !== "forbidden")
      throw refusal(`The property ${name} is ${value}; it can be required or forbidden.`);
  const runsUnder = agreed("hypervisor", hypervisor, hypervisorIn(extra, aliases));
  return {
    architecture: agreed("architecture", architecture, architectureIn(extra)) ?? "x86_64",
    memoryMibMin: 0,
    diskGibMin: 0,
    ...rest,
    ...(runsUnder === undefined ? {} : { hypervisor: runsUnder }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

const refusal = (message: string) => new StatusError("schemaMismatch", message);

function agreed<T extends string>(what: string, own: T | undefined, novas: T | undefined): T | undefined {
  if (own === undefined || novas === undefined || own === novas) return own ?? novas;
  throw refusal(`The image's ${what} is ${own}, and by its property in Nova's name it is ${novas}.`);
}

function architectureIn(extra: Properties["extra"]): Architecture | undefined {
  const text = extra?.hw_architecture;
  const known = architectures.find((one) => one === text);
  if (text !== undefined && known === undefined)
    throw refusal(`The property hw_architecture is ${text}; it can be ${architectures.join(" or ")}.`);
  return known;
}

/** For Nova, an accelerator may be a hypervisor of its own. */
function hypervisorIn(extra: Properties["extra"], aliases: HypervisorAliases): string | undefined {
  const text = extra?.img_hv_type?.toLowerCase();
  return text !== undefined && Object.hasOwn(aliases, text) ? aliases[text] : text;
}
