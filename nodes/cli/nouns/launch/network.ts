/** The network and the key pair of novact launch: those that are there, or new ones. */

import { CommandError } from "../../errors.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import { keyNameOf, networkFor } from "./choose.ts";
import { keyInFile, type OwnKey, ownKeys } from "./own-keys.ts";
import type { Steps } from "./steps.ts";

/** As the demo of a new cluster has it. */
const made = { network: "lan", subnet: "lan-v4", cidr: "10.0.0.0/24" } as const;

/** What to ask for as network. A network that has no range yet when it fails is taken away. */
export async function networkOf(
  run: Run,
  session: Session,
  asked: string | undefined,
  steps: Steps,
): Promise<string> {
  if (asked !== undefined) {
    steps.say("network", asked);
    return asked;
  }
  const { networks } = await session.network.list({}, run.call());
  const there = networkFor(networks);
  if (there !== undefined) {
    steps.say("network", `${there.name}, the project's only one`);
    if (there.subnetIds.length === 0) await addRange(run, session, there.id, steps);
    return there.id;
  }
  const { network } = await session.network.create({ name: made.network }, run.call());
  try {
    steps.say("network", `the project has none: ${network.name} is made`);
    await addRange(run, session, network.id, steps);
  } catch (error) {
    // Not by the signal of Ctrl-C, which may be what ended it.
    await session.network.delete(network.id, {}).catch(() => undefined);
    throw error;
  }
  return network.id;
}

async function addRange(run: Run, session: Session, network: string, steps: Steps): Promise<void> {
  await session.subnet.create({ name: made.subnet, network, cidr: made.cidr }, run.call());
  steps.say("network", `it has the range ${made.cidr} (${made.subnet})`);
}

export interface KeyAsked {
  /** A key pair of the project, by name or id. */
  readonly key?: string | undefined;
  /** The file of a public key. */
  readonly publicKey?: string | undefined;
}

export interface KeyChosen {
  /** Name or id of the key pair. */
  readonly keyName: string;
  /** The file of the private key, where it is known. */
  readonly identity: string | undefined;
}

/** @throws CommandError usage, when there is no key */
export async function keyFor(run: Run, session: Session, asked: KeyAsked, steps: Steps): Promise<KeyChosen> {
  const { keyPairs } = await session.keyPair.list({}, run.call());
  if (asked.key !== undefined) {
    const pair = keyPairs.find(({ id, name }) => name === asked.key || id === asked.key);
    const own = ownKeys(run.terminal.env).find(({ key }) => pair?.publicKey.trim().startsWith(key));
    steps.say("key", asked.key);
    return { keyName: asked.key, identity: own?.identity };
  }
  const own = asked.publicKey === undefined ? bestOf(ownKeys(run.terminal.env)) : keyInFile(asked.publicKey);
  const same = keyPairs.find(({ publicKey }) => publicKey.trim().startsWith(own.key));
  if (same !== undefined) {
    steps.say("key", `${same.name}, of ${own.file}`);
    return { keyName: same.name, identity: own.identity };
  }
  const request = { name: keyNameOf(own.key), publicKey: own.line };
  const { keyPair } = await session.keyPair.create(request, run.call());
  steps.say("key", `${keyPair.name} is made of ${own.file}`);
  return { keyName: keyPair.name, identity: own.identity };
}

/** One whose private half is here, else any. @throws CommandError usage */
function bestOf(keys: readonly OwnKey[]): OwnKey {
  const best = keys.find(({ identity }) => identity !== undefined) ?? keys[0];
  if (best !== undefined) return best;
  throw new CommandError(
    "usage",
    "There is no public key in ~/.ssh to log in with.",
    "Make one: ssh-keygen -t ed25519; or name a key pair: --key NAME.",
  );
}
