/** Full file systems, of hosts and of the controller that was asked. Pure. */

import type { Finding } from "../../../protocol/host.ts";
import { spaceLimits } from "../../../protocol/limits/space.ts";
import { fullBelow, type Space } from "../../../protocol/space.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";

export function spaceFindings({ answers, spaces = [] }: DoctorInput, known: Known): Finding[] {
  const ofHosts = answers.flatMap((answer) =>
    "audit" in answer ? fullOnes(answer.audit.space ?? [], hostCalled(known, answer.hostId)) : [],
  );
  return [...ofHosts, ...fullOnes(spaces, "controllers")];
}

const bytesPerMib = 1024 * 1024;

const fullOnes = (spaces: readonly Space[], subject: string): Finding[] =>
  spaces
    .filter(({ full }) => full)
    .map(({ of, freeMib, totalMib }) => ({
      kind: "stuck",
      subject,
      message: `The file system of the ${of} is full: no new guest is made there.`,
      // The numbers change between two looks, and the doctor compares messages.
      next: `Free space there: ${freeMib} of ${totalMib} MiB are free, ${enoughMib(totalMib)} are needed.`,
    }));

const enoughMib = (totalMib: number): number =>
  Math.ceil((fullBelow({ totalBytes: totalMib * bytesPerMib }) * spaceLimits.roomAgainShare) / bytesPerMib);
