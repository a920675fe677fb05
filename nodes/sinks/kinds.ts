/** What a sink's driver is. Interfaces only. */
import type { Static, TObject } from "@sinclair/typebox";
import type { EventSink } from "../../actors/ports/event-sink.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";

export interface SinkContext {
  /** Of the sink in cluster.yaml. */
  readonly name: string;
  readonly cell: string;
  /** Directory of cluster.yaml, from which paths in options are relative. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SinkDriver<O extends TObject = TObject> {
  /** Of the driver's options in cluster.yaml; each property's `description` tells a person what to write. */
  readonly options: O;
  /**
   * Makes the sink, at the start of the controller that has it; reaches nobody, and waits for nothing.
   * @throws Error whose message says what in the options cannot be used
   */
  open(context: SinkContext, options: Static<O>): EventSink;
}
