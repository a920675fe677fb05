/** What a driver of power controllers is. Interfaces only; prove-off.ts alone judges when a host is off. */
import type { Static, TObject } from "@sinclair/typebox";
import type { ControlOptions, PowerControl } from "./control.ts";

export interface PowerContext extends Omit<ControlOptions, "password"> {
  /** Directory of cluster.yaml, from which paths in options are relative. */
  readonly directory: string;
}

/** A power controller of a plug-in; the proof's `kind` is its driver's name. */
export type DriverControl = Omit<PowerControl, "kind">;

export interface PowerDriver<O extends TObject = TObject> {
  /** Of the driver's options in cluster.yaml; each property's `description` tells a person what to write. */
  readonly options: O;
  /**
   * Makes one power controller for one attempt to switch its host off. Called at the start as well, to hear
   * of files that cannot be used: it reaches nobody, and opens nothing.
   * @throws Error with words for operators
   */
  open(context: PowerContext, options: Static<O>): DriverControl;
}
