/** What the lanes of the timeline share: the axis of time, and how much height a drawing took. Types only. */

export interface Drawing {
  /** Height that was used. */
  readonly height: number;
  readonly text: string;
}

export interface Axis {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly left: number;
  readonly width: number;
  x(atMs: number): number;
}
