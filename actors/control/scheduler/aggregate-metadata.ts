/**
 * Whether the metadata of an aggregate means what it says, where a filter or weigher reads it: numbers that
 * are none would be ignored in silence, and a misspelt project would keep its hosts from everybody. Judged
 * when an operator writes it; every other key is free. Pure.
 */
import { nearest } from "../../../protocol/wire/nearest.ts";
import { countKeys, multiplierSuffix, projectsPrefix } from "./facts.ts";
import { schedulerLimits } from "./limits.ts";
import { weighers } from "./weighers/index.ts";

/** Both names of each of our weighers; names of plug-ins' have a dot. */
const weigherNames = weighers.flatMap(({ name, novaName }) => [name, novaName]);

/**
 * What is wrong with a value, as the rest of a sentence about the field; undefined: nothing. `projects`: all
 * there are; undefined: they are not known.
 */
export function metadataFault(
  metadata: Readonly<Record<string, string>>,
  projects: readonly string[] | undefined,
): string | undefined {
  for (const [key, value] of Object.entries(metadata)) {
    const fault = faultOf(key, value, projects);
    if (fault !== undefined) return `has ${key} ${JSON.stringify(value)}, ${fault}`;
  }
  return undefined;
}

function faultOf(key: string, value: string, projects: readonly string[] | undefined): string | undefined {
  if (key.endsWith(multiplierSuffix)) return multiplierFault(key.slice(0, -multiplierSuffix.length), value);
  if (countKeys.includes(key))
    return /^[0-9]{1,9}$/.test(value) ? undefined : "which is no whole number from 0";
  if (key.startsWith(projectsPrefix) && projects !== undefined) return projectsFault(value, projects);
  return undefined;
}

function multiplierFault(weigher: string, value: string): string | undefined {
  if (!weigher.includes(".") && !weigherNames.includes(weigher)) {
    const meant = nearest(weigher, weigherNames);
    const hint = meant === undefined ? `: there are ${weigherNames.join(", ")}` : ` (did you mean ${meant}?)`;
    return `and there is no weigher ${weigher}${hint}`;
  }
  const most = schedulerLimits.multiplierMax;
  const number = value.trim() === "" ? Number.NaN : Number(value);
  return Math.abs(number) <= most ? undefined : `which is no number from -${most} to ${most}`;
}

function projectsFault(value: string, projects: readonly string[]): string | undefined {
  const unknown = value
    .split(",")
    .map((project) => project.trim())
    .find((project) => project !== "" && !projects.includes(project));
  if (unknown === undefined) return undefined;
  const meant = nearest(unknown, projects);
  return `and there is no project ${unknown}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
}
