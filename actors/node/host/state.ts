/**
 * How a host stands with its controllers.
 *
 *   unregistered ──register──▶ registering ──accepted──▶ registered ──not known──▶ unregistered
 *        ▲                          │ failed                  │ unanswered
 *        └────────── retry ─────────┴─────────────────────────┘ (back-off; the guests notice nothing)
 *
 * The ledger knows what to report; this state is only about when. Pure data.
 */
export interface Reporting {
  readonly phase: "unregistered" | "registering" | "registered";
  /** Reports under way. */
  readonly inFlight: number;
  /** A report is to be sent at the next opportunity. */
  readonly due: boolean;
  /** The next report lists everything. */
  readonly completeDue: boolean;
  /** A timer for passing states runs. */
  readonly passing: boolean;
  /** Failures in a row; while `waiting` nothing is sent. */
  readonly failures: number;
  readonly waiting: boolean;
  readonly stopping: boolean;
}

export const silent: Reporting = {
  phase: "unregistered",
  inFlight: 0,
  due: false,
  completeDue: false,
  passing: false,
  failures: 0,
  waiting: false,
  stopping: false,
};
