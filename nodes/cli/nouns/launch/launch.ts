/**
 * novact launch: from the name of an image to a shell, in one command: image, network, key, flavor, instance,
 * ssh. Each step takes what is there before it makes something, and says which it did; so the same command
 * again goes on where it ended. Only what this run left half-made is taken away at Ctrl-C.
 */
import { Command } from "commander";
import type { Image } from "../../../../protocol/image.ts";
import type { Instance } from "../../../../protocol/instance.ts";
import { CommandError } from "../../errors.ts";
import { gibibytes, mebibytes } from "../../format.ts";
import type { Invoke, Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import { guestFieldsOf } from "../guest-options.ts";
import { logIn, loginOf, wayOf } from "../ssh.ts";
import { flavorFor } from "./choose.ts";
import { imageFor } from "./image.ts";
import { instanceFor } from "./instance.ts";
import { type KeyChosen, keyFor, networkOf } from "./network.ts";
import { leadOutside } from "./outside.ts";
import { untilSsh, type Way } from "./reach.ts";
import { Steps } from "./steps.ts";

interface LaunchOptions {
  readonly name?: string;
  readonly source?: string;
  readonly flavor?: string;
  readonly network?: string;
  readonly key?: string;
  readonly publicKey?: string;
  readonly userData?: string;
  readonly login?: string;
  readonly ssh?: boolean;
}

export function launchCommand(invoke: Invoke): Command {
  return new Command("launch")
    .description("Makes an instance of an image, wherever the image comes from, and logs in.")
    .argument("<image>", "its name or id here, or its name elsewhere: novact image catalogue")
    .argument("[command...]", "what to run there by ssh, after --; without it, a shell")
    .option("--name <name>", "of the instance; one that is there goes on (default: the image's)")
    .option("--source <name>", "the only source of the catalogue to look in")
    .option("--flavor <flavor>", "its size (default: the smallest that fits)")
    .option("--network <network>", "the network that it is on (default: the project's only one)")
    .option("--key <key>", "the key pair that may log in (default: of a key in ~/.ssh)")
    .option("--public-key <file>", "the public key that may log in")
    .option("--user-data <file>", "what the guest does at its first boot, a script or cloud-config")
    .option("--login <user>", "as this user (default: that of the image, or root)")
    .option("--no-ssh", "do not wait for ssh, and do not log in")
    .action((word: string, words: readonly string[], options: LaunchOptions, typed: Command) =>
      invoke(typed, (run) => launch(run, word, words, options)),
    );
}

async function launch(
  run: Run,
  word: string,
  words: readonly string[],
  options: LaunchOptions,
): Promise<number> {
  const session = await run.session();
  const steps = new Steps(run);
  const { userData } = guestFieldsOf({ ...(options.userData && { userData: options.userData }) });
  const image = await imageFor(run, session, { word, source: options.source }, steps);
  const flavor = await flavorOf({ run, session, steps }, image, options.flavor);
  const network = await networkOf(run, session, options.network, steps);
  const key = await keyFor(run, session, options, steps);
  const asked = { name: options.name, image, flavor, network, keyName: key.keyName, userData };
  const instance = await instanceFor(run, session, asked, steps);
  try {
    return await goIn({ run, session, steps, instance, key, words, options });
  } finally {
    if (run.terminal.signal.aborted) tellLeft(instance, steps);
  }
}

async function flavorOf(
  { run, session, steps }: Pick<Going, "run" | "session" | "steps">,
  image: Image,
  asked: string | undefined,
): Promise<string> {
  if (asked !== undefined) return asked;
  const { flavors } = await session.flavor.list({}, run.call());
  const { name, vcpus, memoryMib, diskGib, ephemeralGib = 0, swapMib = 0 } = flavorFor(flavors, image);
  const disk = diskGib === 0 ? "the image's disk" : `${gibibytes(diskGib)} of disk`;
  const more = [
    ...(ephemeralGib > 0 ? [`${gibibytes(ephemeralGib)} of ephemeral disk`] : []),
    ...(swapMib > 0 ? [`${mebibytes(swapMib)} of swap`] : []),
  ];
  const size = [`${vcpus} vCPU`, `${mebibytes(memoryMib)} of memory`, disk, ...more].join(", ");
  steps.say("flavor", `${name}, the smallest that fits: ${size}`);
  return name;
}

interface Going {
  readonly run: Run;
  readonly session: Session;
  readonly steps: Steps;
  readonly instance: Instance;
  readonly key: KeyChosen;
  readonly words: readonly string[];
  readonly options: LaunchOptions;
}

/** Answers the exit code of ssh, where it is run. */
async function goIn({ run, session, steps, instance, key, words, options }: Going): Promise<number> {
  const login = options.login ?? (await loginOf(run, session, instance));
  const made = () => madeWay({ run, session, steps, instance });
  const known = await unlessRefused(wayOf(run, session, instance));
  const way = known ?? (options.ssh === false ? await unlessRefused(made()) : await made());
  const shown = { instance, keyPair: key.keyName, ssh: way === undefined ? null : { ...way, login } };
  if (way !== undefined && options.ssh !== false)
    await untilSsh(run, session, { id: instance.id, name: instance.name, way }, steps);
  if (run.json) {
    run.emit(shown);
    return 0;
  }
  if (way === undefined || options.ssh === false) {
    run.print(`${instance.id}  ${instance.name}  ${instance.state}`);
    return 0;
  }
  steps.say("ssh", `as ${login}; again: novact instance ssh ${instance.name}`);
  const identity = key.identity === undefined ? {} : { identity: key.identity };
  return logIn(run, session, { instance, way, words, options: { login, ...identity } });
}

/** A way to the instance; undefined: none from this computer. */
async function unlessRefused(way: Promise<Way>): Promise<Way | undefined> {
  try {
    return await way;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** @throws CommandError that says what leads nowhere, and how to go on */
async function madeWay({
  run,
  session,
  steps,
  instance,
}: Pick<Going, "run" | "session" | "steps" | "instance">): Promise<Way> {
  const { publishedPorts } = await session.publishedPort.list({}, run.call());
  const ports = (instance.interfaces ?? []).map(({ portId }) => portId);
  // A published port answers on its host's computer alone, and is no way from here.
  const isElsewhere = publishedPorts.some(({ portId }) => ports.includes(portId));
  if (!isElsewhere) await leadOutside(run, session, instance, steps);
  return wayOf(run, session, instance);
}

const tellLeft = ({ name }: Instance, steps: Steps): void =>
  steps.say("instance", `${name} runs on: novact instance ssh ${name}, or novact instance delete ${name}`);
