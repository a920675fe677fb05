/**
 * What is wrong with plug-ins: parts that fail when they are asked, and processes that have others than the
 * controller that was asked. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import type { PluginVersion } from "../../../protocol/release.ts";
import { atMost } from "./at-most.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";
import { doctorLimits } from "./limits.ts";

export const pluginFindings = (input: DoctorInput, known: Known): Finding[] => [
  ...failing(input),
  ...atMost(doctorLimits.hostFindingsMax, differing(input, known), "plug-ins"),
];

const failing = ({ faults = [] }: DoctorInput): Finding[] =>
  faults.map(({ name, what }) => ({
    kind: "drift",
    subject: `plug-in ${name.split(".")[0] ?? name}`,
    message: name.endsWith(".facts")
      ? `${name} could not be made: ${what}. The last ones stand; before the first ones its filters refuse.`
      : `${name} has failed when the scheduler asked it: ${what}. A filter then refuses the host, a weigher counts 0.`,
    next: "Mend the plug-in or its options; or leave this part out of scheduler in cluster.yaml. Then start anew.",
  }));

interface Process {
  readonly subject: string;
  /** Undefined: it does not say. */
  readonly plugins: readonly PluginVersion[] | undefined;
}

function differing({ controllers = [], answers }: DoctorInput, known: Known): Finding[] {
  const [asked, ...others] = controllers;
  const expected = asked?.release?.plugins;
  if (asked === undefined || expected === undefined) return [];
  const processes: Process[] = [
    ...others.map(({ name, release }) => ({ subject: `controller ${name}`, plugins: release?.plugins })),
    ...answers.flatMap((one) =>
      "audit" in one ? [{ subject: hostCalled(known, one.hostId), plugins: one.audit.plugins }] : [],
    ),
  ];
  return processes.flatMap(({ subject, plugins }) => {
    if (plugins === undefined || textOf(plugins) === textOf(expected)) return [];
    return {
      kind: "drift" as const,
      subject,
      message: `It has loaded ${textOf(plugins)}; ${asked.name}, which was asked, has ${textOf(expected)}.`,
      next: "Install the same versions for both, and restart the one that is behind: plugins in cluster.yaml.",
    };
  });
}

/** Sorted, so that the order of two lists makes no difference. */
const textOf = (plugins: readonly PluginVersion[]): string =>
  plugins.length === 0
    ? "no plug-ins"
    : plugins
        .map(({ name, version }) => `${name} ${version}`)
        .sort()
        .join(", ");
