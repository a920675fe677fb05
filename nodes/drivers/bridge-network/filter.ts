/**
 * What the driver asks of who filters packets and answers guests (rules/, nodes/responder). The driver itself
 * makes devices, and passes nothing without it. Types only.
 */
import type { HostNetworking } from "../../../protocol/networking.ts";
import type { ToolOptions, ToolResult } from "../tool.ts";
import type { PortRecord } from "../user-network/ports.ts";

/** The namespace that all bridges and taps are in. */
export interface FabricEntrance {
  /** Runs a tool in it, as root. @throws Error when the tool does not exist; AbortError */
  run(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult>;
  /** Path by which root enters it (`nsenter --net=`), as long as this agent lives. */
  path(): Promise<string>;
  /**
   * A process that lives in the namespace has this as its working directory, which only root may enter: so an
   * agent's next life finds it again, and the namespace with it.
   */
  readonly directory: string;
}

/** What a host is to be filtered by. */
export interface FilterState {
  /** Null: no picture has come yet; nothing passes. */
  readonly networking: HostNetworking | null;
  /** Ports without a place in the picture are closed. */
  readonly ports: readonly PortRecord[];
  /** Path of the file that says what the guest of a port is told. Absent: guests are told nothing. */
  readonly toldPath?: ((portId: string) => string) | undefined;
  /**
   * True: what the last call has brought is believed to be there, and only what differs from it is brought.
   * Not after a failure: then it looks all the same.
   */
  readonly trusts?: boolean;
}

/**
 * An address by which the fabric itself reaches a port, for answers to what a guest asks its host; or by
 * which frames of guests come to the responder.
 */
export interface ServiceRoute {
  readonly bridge: string;
  readonly address: string;
  readonly mac: string;
  /** The number of the bridge's hatch, when the address is the responder's, for guests' frames. */
  readonly hatch?: number;
}

export interface PacketFilter {
  /**
   * From its end on packets pass as the state says, and no others, and connections that the state does not
   * allow have ended. It looks at what is there, and not at what it remembers, unless the state `trusts` it:
   * whatever is missing is made again. Called before devices are made and changed, and after those that go
   * are gone; again and again with the same state. Answers what the fabric has to have routes to.
   */
  apply(state: FilterState, fabric: FabricEntrance, signal: AbortSignal): Promise<readonly ServiceRoute[]>;
  /**
   * Ports of the last state that were given no rules, because the kernel takes none of theirs: nothing passes
   * them. By id, with what the kernel says. Absent: none.
   */
  readonly refused?: ReadonlyMap<string, string>;
  /** Why what guests ask their host is not answered at present; undefined: it is. Absent: nobody asks. */
  unanswered?(): string | undefined;
  /** The agent ends; `guests`: and so have they, and the namespace with all that is in it. */
  detach(guests: boolean): Promise<void>;
}
