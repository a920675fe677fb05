/** Limits of plug-ins: how long one may take to load, and how much of its words is shown. */
export const pluginLimits = {
  /** A plug-in that has not loaded after this time is refused: to wait for ever would look like a hang. */
  loadMsMax: 10_000,
  /** Characters of what a plug-in threw that an error shows. */
  thrownLengthMax: 300,
  /** Filters and weighers of one plug-in, and its drivers of one kind. */
  partsMax: 100,
} as const;
