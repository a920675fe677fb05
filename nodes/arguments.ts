/**
 * The command line of nodes/main.ts, from words to a task. Pure: it must never print, read a file or end the
 * process.
 */
import { parseArgs } from "node:util";

export const usage = `Usage: main.ts up                        a whole cluster on this computer
       main.ts controller [--index N]    one controller, 0 being the first
       main.ts compute --name NODE       one compute node of the configuration
Options: --config FILE   the configuration (default: NOVACT_CONFIG, or cluster.yaml)
         --network JSON  of a compute node that leaves its network driver to up: what up has chosen
         --help, --version`;

export type Task =
  | { readonly kind: "help" | "version" }
  | { readonly kind: "up"; readonly config: string | undefined }
  | { readonly kind: "controller"; readonly config: string | undefined; readonly index: number }
  | ({ readonly kind: "compute"; readonly config: string | undefined } & NodeNamed);

interface NodeNamed {
  readonly name: string;
  /** As network-choice.ts of the configuration writes it; undefined: what the configuration says. */
  readonly network: string | undefined;
}

/** The words make no command. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "INVALID_ARGUMENT";

  constructor(message: string) {
    super(`${message}\n${usage}`);
  }
}

/** The task that the words ask for. @throws UsageError */
export function taskOf(argv: readonly string[]): Task {
  const { positionals, values } = parsed(argv);
  if (values.help === true) return { kind: "help" };
  if (values.version === true) return { kind: "version" };
  const [kind = "", excess] = positionals;
  if (excess !== undefined) throw new UsageError(`${excess} is one word too many.`);
  const { config, index, name, network } = values;
  refuseOthers(kind, { index, name, network });
  if (kind === "up") return { kind, config };
  if (kind === "controller") return { kind, config, index: indexOf(index) };
  if (kind !== "compute")
    throw new UsageError(kind === "" ? "No role is named." : `There is no role ${kind}.`);
  if (name === undefined) throw new UsageError("Which node? Name it with --name.");
  return { kind, config, name, network };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        config: { type: "string" },
        index: { type: "string" },
        name: { type: "string" },
        network: { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Refuses an option that belongs to another role. */
function refuseOthers(
  kind: string,
  { index, name, network }: Readonly<Record<"index" | "name" | "network", string | undefined>>,
) {
  if (index !== undefined && kind !== "controller") throw new UsageError("Only a controller has an --index.");
  if (name !== undefined && kind !== "compute") throw new UsageError("Only a compute node has a --name.");
  if (network !== undefined && kind !== "compute")
    throw new UsageError("Only a compute node has a --network.");
}

function indexOf(text = "0"): number {
  if (!/^\d{1,4}$/.test(text)) throw new UsageError(`${text} is no number of a controller: 0, 1, …`);
  return Number(text);
}
