/**
 * Whether somebody keeps what a flavor's extra specs ask for, judged when the flavor is made: an unknown key
 * of a namespace that is Nova's is a requirement that nobody would keep, and is refused. Other namespaces are
 * free: filters of plug-ins and metadata of aggregates have theirs. Pure; it must never refuse what a filter
 * here reads.
 */
import { nearest } from "../../../protocol/wire/nearest.ts";
import { requirementFault } from "./matching.ts";
import { numaDemand } from "./numa.ts";

interface Size {
  readonly vcpus: number;
  readonly memoryMib: number;
}

/** Namespaces of which every key is known: what is kept of each. Source: nova/api/validation/extra_specs. */
const closed: Readonly<Record<string, readonly string[]>> = {
  hw: ["cpu_policy", "mem_page_size", "numa_nodes"],
  os: [],
  pci_passthrough: [],
  quota: [],
  resources: [],
};

const traitNamespace = "trait";
/** Their keys are an operator's own, their values requirements (matching.ts). */
const matched = ["capabilities", "aggregate_instance_extra_specs"] as const;
const namespaces = [...Object.keys(closed), traitNamespace, ...matched];

/** Nova's groups of requirements, as in `resources1:VCPU` and `trait_NIC:CUSTOM_FAST`. */
const grouped = /^(resources|trait)(?:[0-9]|_)/;

/** What is wrong with a spec, as the rest of a sentence about the field; undefined: somebody keeps each. */
export function extraSpecsFault(specs: Readonly<Record<string, string>>, size: Size): string | undefined {
  for (const [key, value] of Object.entries(specs)) {
    const fault = faultOf(key, value);
    if (fault !== undefined) return fault;
  }
  const demand = numaDemand({ ...size, extraSpecs: specs });
  return typeof demand === "string" ? `cannot be met: ${demand}` : undefined;
}

function faultOf(key: string, value: string): string | undefined {
  const colon = key.indexOf(":");
  const namespace = key.slice(0, Math.max(0, colon));
  const name = key.slice(colon + 1);
  if (namespace === "" || matched.some((one) => one === namespace)) return valueFault(key, value);
  if (namespace === traitNamespace) return traitFault(key, name, value);
  const known = Object.hasOwn(closed, namespace) ? closed[namespace] : undefined;
  if (known !== undefined)
    return known.includes(name)
      ? undefined
      : `has ${key}, which nothing here keeps${instead(namespace, name)}`;
  if (grouped.test(namespace))
    return `has ${key}, which nothing here keeps: groups of requirements are not known`;
  // Short words are near to many.
  const meant = nearest(namespace, namespaces, namespace.length < 4 ? 0 : 1);
  return meant === undefined ? undefined : `has ${key}, which nothing here keeps${hint(meant, name)}`;
}

const hint = (namespace: string, name: string): string => ` (did you mean ${namespace}:${name}?)`;

function instead(namespace: string, name: string): string {
  const known = closed[namespace] ?? [];
  if (known.length === 0) return `; leave it out, as all of ${namespace}:`;
  const meant = nearest(name, known);
  if (meant !== undefined) return hint(namespace, meant);
  return `: there are ${known.map((one) => `${namespace}:${one}`).join(", ")}`;
}

const traitValues = ["required", "forbidden"];

function traitFault(key: string, name: string, value: string): string | undefined {
  if (!/^[A-Za-z0-9_]+$/.test(name)) return `has ${key}, and a trait's name has letters, digits and _ only`;
  if (traitValues.includes(value)) return undefined;
  return `has ${key} ${value}; it can be required or forbidden`;
}

function valueFault(key: string, value: string): string | undefined {
  const fault = requirementFault(value);
  return fault === undefined ? undefined : `has ${key} ${value}, ${fault}`;
}
