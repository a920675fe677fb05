/**
 * Commits that need addresses which nobody else has: addresses are chosen, and chosen anew as long as
 * somebody else was faster. That no address is given twice is the commit's.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { AddressAsked, Addresses, ChosenAddress } from "./addresses.ts";

/** How often other addresses are chosen because somebody else was faster. */
const attemptsMax = 10;

export interface Allocating<A> {
  readonly asked: readonly AddressAsked[];
  readonly addresses: Addresses;
  readonly commit: (chosen: readonly ChosenAddress[]) => Promise<A>;
  /** The addresses in the answer: a request that was executed before has those of then. */
  readonly given: (answer: A) => readonly string[];
  readonly taken: () => StatusError;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** @throws subnetFull; what `commit` throws; `taken`, when others were faster each time */
export async function allocating<A>({ asked, addresses, ...about }: Allocating<A>): Promise<A> {
  const { commit, given, taken, signal } = about;
  const isLate = () => signal.aborted;
  for (let attempt = 1; ; attempt += 1) {
    const chosen = await addresses.patiently((own) => addresses.choose(asked, own), isLate);
    try {
      const answer = await commit(chosen);
      const texts = given(answer);
      const own = texts.every((text, at) => text === chosen[at]?.address);
      addresses.settled(chosen, own ? "committed" : "refused");
      return answer;
    } catch (thrown) {
      const isTaken = thrown instanceof StatusError && thrown.reason === "nameTaken";
      addresses.settled(chosen, isTaken ? "taken" : "refused");
      if (!isTaken) throw thrown;
      if (attempt === attemptsMax) throw taken();
    }
  }
}
