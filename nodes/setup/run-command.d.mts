/** Types of run-command.mjs, which is plain JavaScript so that it can run before npm has brought anything. */

/** How a person ends what is under way. */
export interface Stop {
  /** Aborted by the first Ctrl-C: nothing new begins, and what is under way is asked to end. */
  readonly first: AbortSignal;
  /** Aborted by the second one: what still runs is killed. */
  readonly second: AbortSignal;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The user to run as; absent: ours. */
  readonly uid?: number;
  readonly gid?: number;
  readonly stop?: Stop | undefined;
  /** True: at the first Ctrl-C the program alone gets SIGINT, and all the time that it needs to end well. */
  readonly gentle?: boolean;
  /** False: it stays in our process group. Default: true. */
  readonly ownGroup?: boolean;
  /** True: its output goes to our standard error instead of the result. */
  readonly inherit?: boolean;
  /** Receives the output piece by piece, as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface CommandResult {
  /** Null: a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function runCommand(
  program: string,
  argv: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult>;

export function mustRun(
  program: string,
  argv: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult>;
