/** The parts that operations of the crash matrix are made of, as data. */
import type { CommandKind, FaultKind } from "./plan.ts";
import type { Parameters } from "./plan-parameters.ts";
import type { PlannedRequest } from "./plan-surroundings.ts";

export type Act = { readonly atMs: number } & (
  | {
      readonly command: CommandKind;
      readonly target?: number;
      readonly wait?: boolean;
      readonly count?: number;
      readonly timeoutMs?: number;
      readonly request?: PlannedRequest;
    }
  | {
      readonly ask: string;
      readonly id: string;
      readonly request: Readonly<Record<string, unknown>>;
      /** An operator asks, of whom nothing more is expected. Absent: the client does. */
      readonly operator?: true;
    }
  /** Asked of an instance of the client, the first one that it has heard of being 0. */
  | {
      readonly ask: string;
      readonly ofInstance: number;
      readonly request: Readonly<Record<string, unknown>>;
    }
  | { readonly fault: FaultKind; readonly target: number; readonly forMs: number }
  /** Happens to whoever does this step first. `refuse`: its hypervisor says no to everything. */
  | { readonly at: RegExp; readonly happens: "refuse" | "fillDisk" | "kill"; readonly forMs: number }
);

export interface Operation {
  readonly name: string;
  readonly parameters?: Partial<Parameters>;
  readonly prepare: readonly Act[];
  readonly act: readonly Act[];
  /** Everything there is, in words as in crash-matrix-end.ts: each of these is right when all is done. */
  readonly done: readonly (readonly string[])[];
  /** And these are right as well when it was refused, or when nobody knows. */
  readonly undone: readonly (readonly string[])[];
}

type More = Omit<Extract<Act, { command: CommandKind }>, "atMs" | "command">;

export const command = (kind: CommandKind, atMs = 0, more: More = {}): Act => ({
  atMs,
  command: kind,
  ...more,
});
export const fault = (kind: FaultKind, atMs = 0, forMs = 1_500, target = 0): Act => ({
  ...{ atMs, fault: kind, forMs, target },
});
export const ask = (method: string, id: string, request: Readonly<Record<string, unknown>> = {}): Act => ({
  ...{ atMs: 0, ask: method, id, request },
});

export const created = [command("create")];
export const one = (
  name: string,
  prepare: readonly Act[],
  act: readonly Act[],
  [from, to]: [string, string],
) => ({ name, prepare, act, done: [[to]], undone: [[from]] }) satisfies Operation;

/** No controller plays the previous version, which lacks these methods and would refuse the call. */
export const today = { parameters: { oneVersion: true } } as const;
