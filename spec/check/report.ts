/** What a check of a plug-in tells the command that started it. Types only. */

export interface CheckTask {
  /** `docs`: its document alone is made. Absent: it is checked. */
  readonly wanted?: "docs";
  /** A package's name, or a directory. */
  readonly target: string;
  /** Absent: none. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Of the hosts that its filters and weighers are asked about. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface Checked {
  /** As `filter cooling.coolEnough`. */
  readonly part: string;
  readonly check: "loads" | "purity" | "contract" | "simulation";
  /** `notRun`: it cannot be tried; `detail` says what would be needed. */
  readonly result: "passed" | "failed" | "notRun";
  readonly detail: string;
}

export interface CheckReport {
  readonly name: string;
  readonly version: string;
  readonly checks: readonly Checked[];
}

export type CheckMessage =
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "done"; readonly report: CheckReport }
  | { readonly kind: "document"; readonly text: string }
  /** It could not be loaded. */
  | { readonly kind: "refused"; readonly message: string; readonly next: string };
