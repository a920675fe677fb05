/**
 * The judge of all promises: takes facts in the order in which they happened, and says which promise each of
 * them breaks. Simulated and real clusters have the same judge.
 */
import type { Checker, Fact, Violation } from "./facts.ts";
import { oneWriter } from "./i01-one-writer.ts";
import { neverTwo } from "./i02-never-two.ts";
import { neverOverfull } from "./i03-never-overfull.ts";
import { answeredIsDurable } from "./i04-answered-is-durable.ts";
import { sameIdSameAnswer } from "./i05-same-id-same-answer.ts";
import { nothingStuck } from "./i06-nothing-stuck.ts";
import { nothingLeaks } from "./i07-nothing-leaks.ts";
import { observationAndIntent } from "./i08-observation-and-intent.ts";
import { recoveryNeedsProof } from "./i09-recovery-needs-proof.ts";
import { everyChangeIsAnEvent } from "./i10-every-change-is-an-event.ts";
import { nothingUnbounded } from "./i11-nothing-unbounded.ts";
import { tenantsApart } from "./i12-tenants-apart.ts";
import { noAddressTwice } from "./n01-no-address-twice.ts";
import { onlyWhatIsAllowed } from "./n02-only-what-is-allowed.ts";
import { nothingForged } from "./n03-nothing-forged.ts";
import { networksApart } from "./n04-networks-apart.ts";
import { oneHostAnswers } from "./n05-one-host-answers.ts";
import { picturesArrive } from "./n06-pictures-arrive.ts";
import { nothingIsLeft } from "./n07-nothing-is-left.ts";
import { rulesFirst } from "./n08-rules-first.ts";
import { restartsChangeNothing } from "./n09-restarts-change-nothing.ts";
import { revokedIsOver } from "./n10-revoked-is-over.ts";
import { oneEpochWrites } from "./v01-one-epoch-writes.ts";
import { detachesEnd } from "./v02-detaches-end.ts";
import { noFileWithoutRow } from "./v03-no-file-without-row.ts";
import { imagesAsTheyWereRecorded } from "./v07-images-as-they-were-recorded.ts";
import { writesSurvive } from "./v09-writes-survive.ts";
import { noBaseIsEvicted } from "./v10-no-base-is-evicted.ts";
import { imagesOfThoseWhoMay } from "./v12-images-of-those-who-may.ts";
import { copiesHoldBoth } from "./v13-copies-hold-both.ts";
import { volumesOfAnInstance } from "./v14-volumes-of-an-instance.ts";
import { imagesOfInstances } from "./v15-images-of-instances.ts";

export interface Judge {
  see(fact: Fact): readonly Violation[];
}

/** A new checker for each promise: a checker remembers one history. */
export function allCheckers(): readonly Checker[] {
  return [
    oneWriter(),
    neverTwo(),
    neverOverfull(),
    answeredIsDurable(),
    sameIdSameAnswer(),
    nothingStuck(),
    nothingLeaks(),
    observationAndIntent(),
    recoveryNeedsProof(),
    everyChangeIsAnEvent(),
    nothingUnbounded(),
    tenantsApart(),
    noAddressTwice(),
    onlyWhatIsAllowed(),
    nothingForged(),
    networksApart(),
    oneHostAnswers(),
    picturesArrive(),
    nothingIsLeft(),
    rulesFirst(),
    restartsChangeNothing(),
    revokedIsOver(),
    oneEpochWrites(),
    detachesEnd(),
    noFileWithoutRow(),
    imagesAsTheyWereRecorded(),
    writesSurvive(),
    noBaseIsEvicted(),
    imagesOfThoseWhoMay(),
    copiesHoldBoth(),
    volumesOfAnInstance(),
    imagesOfInstances(),
  ];
}

export function createJudge(checkers: readonly Checker[] = allCheckers()): Judge {
  return {
    see: (fact) =>
      checkers.flatMap((checker) =>
        checker.see(fact).map((message) => ({ promise: checker.promise, atMs: fact.atMs, message })),
      ),
  };
}
