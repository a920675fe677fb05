/** The logs of serial consoles, as a host reads them. Types only. */

export interface ConsolePage {
  readonly text: string;
  readonly offset: number;
  readonly nextOffset: number;
  readonly more: boolean;
}

/**
 * The serial consoles' logs: positions are bytes since the guest's first byte and never change, also when the
 * log was trimmed.
 */
export interface Consoles {
  /** Undefined when there is no log. */
  read(instanceId: string, from: { offset?: number; tailLines?: number }): Promise<ConsolePage | undefined>;
  /** Trims every log to driverLimits.consoleLogBytesMax. */
  trim(): Promise<void>;
}
