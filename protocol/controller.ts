/**
 * What the controllers are doing at this moment, for operators who look for what stands still. A controller
 * has two halves, each with its own event loop, and each half answers for itself: of a controller whose
 * actors are stuck, the safety channel still answers.
 */
import { type Static, Type } from "@sinclair/typebox";
import { answer, Count, literals, nullable, request } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

/** The two halves of a controller: what serves commands, and what hears the hosts and counts their leases. */
const controllerHalves = ["actors", "safety"] as const;

/** `resting`: it has crashed, and is made anew after a while. */
const ActorPhase = literals(["starting", "up", "crashed", "resting", "ending", "ended"]);

export const ActorState = answer({
  /** Names from the root, joined by `/`. */
  path: Type.String(),
  kind: Type.String(),
  phase: ActorPhase,
  /** How often the supervisor made the actor anew. */
  restarts: Count,
  /** Messages in its mailbox. */
  waiting: Count,
});
export type ActorState = Static<typeof ActorState>;

export const LoopState = answer({
  name: Type.String(),
  phase: ActorPhase,
  restarts: Count,
  /** Time from the end of a round to the next, as it is now. */
  pauseMs: Count,
  /** A round that takes longer is given up. */
  roundMsMax: Count,
  /** Rounds that have ended or were given up, since the half began. */
  rounds: Count,
  /** Time since the last round ended; null: none has. */
  endedAgoMs: nullable(Count),
  tookMs: nullable(Count),
  /** Whether the last round failed, threw or was given up. */
  failed: Type.Boolean(),
  /** What the last round did, in a few words; empty: nothing worth a word. */
  did: Type.String(),
  /** For how long a round has been under way; null: none is. */
  underWayMs: nullable(Count),
  /** Rounds that were given up and have still not ended. */
  hanging: Count,
});
export type LoopState = Static<typeof LoopState>;

const ResidentsState = answer({
  /** The kind: `instance`, … */
  noun: Type.String(),
  /** Those in memory. */
  loaded: Count,
  /** Those that are leaving memory. */
  leaving: Count,
  /** Messages in the mailboxes of all of them. */
  waiting: Count,
});

export const ControllerHalf = answer({
  /** Of the controller: `controller-1`, … */
  name: Type.String(),
  half: literals(controllerHalves),
  upMs: Count,
  loops: Type.Array(LoopState),
  /** Actors that are no loops; of those that are loaded on demand, the ones with messages or restarts. */
  actors: Type.Array(ActorState),
  /** Such actors that are not in the list, because it would be too long. */
  actorsLeftOut: Count,
  residents: Type.Array(ResidentsState),
  /** The writer of the half's commits; null: the half has none. */
  commits: nullable(
    answer({
      /** Commits in the queue. */
      waiting: Count,
      /** Commits in the batch that is being written, and for how long it has been. */
      writing: Count,
      writingMs: Count,
    }),
  ),
  /** Who publishes committed events to the stream; null: not this half. */
  publisher: nullable(
    answer({
      /** Number of the last event that the stream is known to have; null: not known yet. */
      publishedUpTo: nullable(Count),
      /** Number of the last event that is committed; null: the store did not say. */
      committedUpTo: nullable(Count),
      /** Rounds that failed in a row. */
      failures: Count,
    }),
  ),
});
export type ControllerHalf = Static<typeof ControllerHalf>;

export const controllerService = service({
  noun: "controller",
  version: "1.0.0",
  summary: "What the controllers are doing at this moment.",
  methods: {
    debug: method({
      request: request({}),
      answer: answer({
        /** Name of the controller that asked the others. */
        answeredBy: Type.String(),
        /** Every half that answered within a second, ordered by name. */
        halves: Type.Array(ControllerHalf),
        /** Halves that the asked controller has heard before, and did not hear now: `controller-2 actors`. */
        silent: Type.Array(Type.String()),
      }),
      target: "collection",
      audience: "admin",
      mutates: false,
      summary: "Shows actors, loops, residents, commits and published events of every controller.",
    }),
  },
});
