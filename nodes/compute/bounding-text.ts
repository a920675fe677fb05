/** What a node's log says at its start of the bounds that its guests have, and what to do where one lacks. */
import type { Bounding } from "../../actors/ports/hypervisor.ts";

export interface BoundingText {
  readonly level: "info" | "warn";
  readonly text: string;
}

const words = {
  memory: "in memory",
  processes: "in processes",
  cpu: "in CPU time",
  freezer: "when they are stopped",
} as const;

const next =
  "As root, cgroups have to be mounted and writable; any other user needs a cgroup of its own: " +
  "systemd-run --user --scope -p Delegate=yes npx novact up.";

export function boundingText({ why, ...bounding }: Bounding): BoundingText {
  const parts = Object.entries(words).map(([what, word]) => ({ word, by: by(bounding, what) }));
  const held = parts.flatMap(({ word, by: how }) => (how === "none" ? [] : [`${word} by ${how}`]));
  const lacking = parts.flatMap(({ word, by: how }) => (how === "none" ? [word] : []));
  if (lacking.length === 0) return { level: "info", text: `guests are bounded ${held.join(", ")}` };
  const rest = held.length === 0 ? "" : ` They are bounded ${held.join(", ")}.`;
  return { level: "warn", text: `guests are not bounded ${lacking.join(", ")}: ${why}.${rest} ${next}` };
}

const by = (bounding: Omit<Bounding, "why">, what: string) =>
  Object.entries(bounding).find(([name]) => name === what)?.[1] ?? "none";
