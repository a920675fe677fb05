/** Ways outside of a node, as its configuration has them. Types only. */
export interface OutsideOption {
  /** The computer's device that is on the operator's network. */
  readonly device: string;
  /** The node's own address there, with the prefix of its range: 203.0.113.7/24. */
  readonly address: string;
}

/** By the name of the operator's network. */
export type OutsideOptions = Readonly<Record<string, OutsideOption>>;
