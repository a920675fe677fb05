/** Types that the lanes of the timeline share: the time axis, and the height of a drawing. */

export interface Drawing {
  /** Height of the drawing. */
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
