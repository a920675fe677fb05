/**
 * How a benchmark tells a part of its figures as soon as the part is measured: what comes later may fail or
 * be aborted, and must not take these figures with it.
 */
export type Note = (part: string, figures: unknown) => void;

/** For callers that wait for all figures. */
export const unnoted: Note = () => undefined;
