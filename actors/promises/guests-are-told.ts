/**
 * A part of I4: what was asked for a guest reaches the guest, at each of its starts, whatever was restarted
 * in between. The words of a request are followed to the row, and from the row to the drive of each process.
 */
import type { InstanceChange } from "../records/commit.ts";
import { textOf } from "./calls.ts";
import type { Fact, GuestProcess, Invoked } from "./facts.ts";
import { isCommitted } from "./ledger.ts";

interface Asked {
  readonly hostname: string;
  readonly userData: string;
}

/** What must be on the drive of an instance; undefined: it has none. */
type Promised = Asked | undefined;

export function guestsAreTold(): { see(fact: Fact): readonly string[] } {
  const requests = new Map<string, Invoked["request"]>();
  const promised = new Map<string, Promised>();
  return {
    see(fact) {
      if (fact.kind === "invoked" && fact.method === "instance.create")
        requests.set(keyOf(fact), fact.request);
      if (isCommitted(fact)) {
        const { request, instances = [] } = fact.commit;
        const made = instances.filter(({ expectedVersion }) => expectedVersion === 0);
        for (const one of made) promised.set(one.row.id, promisedOf(one));
        const asked = request && requests.get(keyOf(request));
        return asked === undefined ? [] : made.flatMap((one) => lost(one, asked));
      }
      if (fact.kind !== "guestStarted" || !promised.has(fact.instanceId)) return [];
      return untold(fact, promised.get(fact.instanceId));
    },
  };
}

const keyOf = ({ project, requestId }: { project: string; requestId: string }) => `${project} ${requestId}`;

function promisedOf({ row: { guest }, guestData }: InstanceChange): Promised {
  if (guest?.configDrive !== true) return undefined;
  return { hostname: guest.hostname, userData: guestData?.userData ?? "" };
}

function lost({ row, guestData }: InstanceChange, asked: Invoked["request"]): readonly string[] {
  const userData = textOf(asked.userData);
  if (userData === (guestData?.userData ?? "")) return [];
  return [`Instance ${row.id} was made without the user data that was asked for.`];
}

function untold({ instanceId, told }: GuestProcess, promised: Promised): readonly string[] {
  const same = told?.hostname === promised?.hostname && told?.userData === promised?.userData;
  return same ? [] : [`A guest of ${instanceId} started, and was not told what was asked for it.`];
}
