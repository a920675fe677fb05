/** What bootstrap.mjs offers to TypeScript. */
export function linkEntries(): void;
export function linkExamples(): void;
