/**
 * Runs that broke a promise once, each with a sentence of what was wrong. Seeds find other things when plans
 * change; what shall be kept for certain is kept as a plan (`--minimize` writes one).
 */
import type { Plan } from "./plan.ts";
import type { PlanSize } from "./plan-parameters.ts";

export interface Regression {
  readonly run: { readonly seed: string; readonly size?: PlanSize } | Plan;
  /** What broke, and why. */
  readonly broke: string;
}

/** Small, and nothing but what is written down goes wrong. */
const calm = {
  ...{ controllers: 1, hosts: 2, clients: 1, hostVcpus: 4, latencyMs: 1, lost: 0, doubled: 0, late: 0 },
  ...{ storeLatencyMs: 1, rolledBack: 0, answerLost: 0, slow: 0, driverLatencyMs: 5, startMs: 50 },
  ...{ refused: 0, hang: 0, shutdownMs: 500, oneVersion: true },
};

/** Found before plans had volumes. */
const volumeless = { volumes: false } as const;

export const regressions: readonly Regression[] = [
  {
    run: { seed: "30000441" },
    broke: "I7: a report was judged by a claim of room on another host that had been given back meanwhile.",
  },
  {
    run: { seed: "56" },
    broke: "I11: a host sent more than 400 answers to ensure in one second (commit 5169e7f).",
  },
  {
    run: { seed: "52213" },
    broke:
      "I9: old news in a controller, and an agent that had forgotten its tombstones: an old epoch was started.",
  },
  {
    run: { seed: "52668" },
    broke: "I2: the same, and the guest of the new epoch was running on another host.",
  },
  {
    run: { seed: "1064" },
    broke: "I6: a fence without a lease froze a guest for ever.",
  },
  {
    run: { seed: "505824" },
    broke:
      "I6: a life with a full disk used generations that its file did not know; the next one's were not news.",
  },
  {
    run: { seed: "511745" },
    broke: "I7: the same for what had come to rest, of which hosts were asked nothing.",
  },
  {
    run: { seed: "12000600", size: volumeless },
    broke: "I7: the simulator broke a machine's turn before it had begun, outside of all supervision.",
  },
  {
    run: { seed: "15000547", size: volumeless },
    broke: "I6: a fence begun by a clock that was an hour ahead was left alone for that hour.",
  },
  {
    run: { seed: "13000528", size: volumeless },
    broke: "I7: the simulator's store let a statement take 13 s, which the server ends after 4 s.",
  },
  {
    run: { seed: "13000158" },
    broke: "I7: the simulator asked the doctor while a round of the directory was still hanging.",
  },
  {
    run: { seed: "3004504", size: volumeless },
    broke: "I7: a lease that lapsed took the timer of a soft reboot: nobody ever pressed the button again.",
  },
  {
    run: { seed: "4008548" },
    broke: "I7: a life with a full disk counted below what the one before it had said, in the same state.",
  },
  {
    run: { seed: "9000882", size: volumeless },
    broke: "I7: a report was answered as stored by rows of before a conflict; its host did not say it again.",
  },
  {
    run: { seed: "70001909", size: volumeless },
    broke: "N6: the simulator did not wait until a host asks by itself, for a member of a group that went.",
  },
  {
    run: { seed: "127" },
    broke:
      "N10: the checker took the answers to who was called, and called back, for the revoked connection.",
  },
  {
    run: { seed: "880000002665" },
    broke:
      "I7: a machine whose actor had crashed in going was made anew to be removed, and stopped half way.",
  },
  {
    run: { seed: "881000000659" },
    broke: "I7: the checker asked of a host that was removed and off that it clean itself.",
  },
  {
    run: { seed: "881000001375" },
    broke: "I6: an interface of a router that was removed between two reads was shown without an address.",
  },
  {
    run: { seed: "881000001484" },
    broke: "I2: the simulator started a computer 1.4 s after it was proved off, faster than any boots.",
  },
  {
    run: { seed: "881000002276" },
    broke:
      "N10: the checker took a drop at a floating address's former host for the end of a new connection.",
  },
  {
    run: { seed: "881000002544" },
    broke: "I7: a storage was not told of a closing while a look at it found the machine still there.",
  },
  {
    run: { seed: "887000000014" },
    broke: "I12: an image that was unshared between two reads of a list was shown to its former member.",
  },
  {
    run: {
      seed: "scheduler given up",
      parameters: calm,
      commands: [{ atMs: 40_000, client: 0, command: "create", target: 0 }],
      faults: [
        ...[
          { atMs: 3_500, fault: "actorCrash" as const, target: 0, forMs: 30_000, message: "heard", times: 7 },
        ],
      ],
      faultyMs: 45_000,
    },
    broke: "I6: a controller whose scheduler was given up by its supervisor went on without one.",
  },
  {
    run: {
      seed: "three rounds hang",
      parameters: calm,
      commands: [{ atMs: 50_000, client: 0, command: "create", target: 0 }],
      faults: [3_500, 16_000, 30_000].map((atMs) => {
        return { atMs, fault: "loopHangs" as const, target: 0, forMs: 10_000, message: "space", times: 1 };
      }),
      faultyMs: 45_000,
    },
    broke:
      "I6: rounds of one loop hung for ever in the simulator, three of them: no further one could begin.",
  },
];
