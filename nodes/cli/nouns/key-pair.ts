/** novact key-pair …: the public keys that guests are made with. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import { keyTypes } from "../../../protocol/guest-data.ts";
import { type KeyPair, keyPair } from "../../../protocol/key-pair.ts";
import { CommandError } from "../errors.ts";
import { time } from "../format.ts";
import { nounCommand } from "../noun-command.ts";
import type { Invoke } from "../run.ts";

export function keyPairCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: keyPair,
    command: "key-pair",
    description: "Public keys that guests are made with. A private key never leaves its computer.",
    client: (api) => api.keyPair,
    columns: [
      { title: "ID", value: ({ id }) => id, spare: true },
      { title: "NAME", value: ({ name }) => name, cut: true },
      { title: "TYPE", value: ({ type }) => type },
      { title: "FINGERPRINT", value: ({ fingerprintSha256 }) => fingerprintSha256 },
    ],
    facts: (pair) => [
      ["id", pair.id],
      ["name", pair.name],
      ["user", pair.user],
      ["type", pair.type],
      ["fingerprint", pair.fingerprintSha256],
      ["MD5", pair.fingerprint],
      ["created", time(pair.createdAtMs)],
      ["public key", pair.publicKey.trimEnd()],
    ],
  });
  const create = new Command("create")
    .description("Imports a public key, or makes a new pair with ssh-keygen and imports its public half.")
    .argument("<name>", "its name; must be free")
    .option("--public-key <file>", "the public key: a line of OpenSSH, or a certificate in PEM")
    .option("--generate <file>", "make a new pair: the private key goes into this file, which must not exist")
    .addOption(new Option("--type <type>", "the kind of key").choices(keyTypes).default("ssh"))
    .action((name: string, options: CreateOptions, typed: Command) =>
      invoke(typed, async (run) => {
        const request = { name, type: options.type, publicKey: publicKeyOf(options) };
        await print(run, await (await session(run)).keyPair.create(request, run.call()));
        return 0;
      }),
    );
  return command.addCommand(create);
}

interface CreateOptions {
  readonly publicKey?: string;
  readonly generate?: string;
  readonly type: KeyPair["type"];
}

/** @throws CommandError usage, when not exactly one of the two is given or the file cannot be read */
function publicKeyOf({ publicKey, generate }: CreateOptions): string {
  if ((publicKey === undefined) === (generate === undefined))
    throw new CommandError("usage", "Give either --public-key or --generate.");
  if (generate !== undefined) makePair(generate);
  const file = publicKey ?? `${generate}.pub`;
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new CommandError("usage", `The file ${file} cannot be read.`, "Name a file that is there.");
  }
}

/** ssh-keygen asks before it replaces a file: without a terminal to answer it refuses, which is wanted. */
function makePair(file: string): void {
  const words = ["-q", "-t", "ed25519", "-N", "", "-f", file];
  const { error, status } = spawnSync("ssh-keygen", words, { stdio: ["ignore", "ignore", "ignore"] });
  if (error === undefined && status === 0) return;
  const why = error === undefined ? `${file} exists, or cannot be written` : "ssh-keygen is not installed";
  throw new CommandError(
    "usage",
    `No key pair was made: ${why}.`,
    "Make one by hand, and give --public-key.",
  );
}
