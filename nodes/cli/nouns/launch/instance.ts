/**
 * The instance of novact launch: one of this name that is there, or a new one, published for ssh at the first
 * port of a host that nobody has, where hosts publish ports.
 */
import type { Image } from "../../../../protocol/image.ts";
import type { Instance } from "../../../../protocol/instance.ts";
import { CommandError } from "../../errors.ts";
import { commandLimits } from "../../limits.ts";
import { waitForAll } from "../../progress.ts";
import { repeatable } from "../../repeatable.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import { freeName, isPublishingRefused } from "./choose.ts";
import type { Steps } from "./steps.ts";

export interface InstanceAsked {
  /** Absent: the image's, with a number where there is one of that name. */
  readonly name?: string | undefined;
  readonly image: Pick<Image, "id" | "name">;
  readonly flavor: string;
  readonly network: string;
  readonly keyName: string;
  /** Base64. */
  readonly userData?: string | undefined;
}

const sshPort = 22;

/** The running instance. What Ctrl-C leaves half-made is deleted. @throws CommandError, StatusError */
export async function instanceFor(
  run: Run,
  session: Session,
  asked: InstanceAsked,
  steps: Steps,
): Promise<Instance> {
  const { instances } = await session.instance.list({ limit: commandLimits.namesLookedAtMax }, run.call());
  const there = instances.find(({ name }) => name === asked.name);
  if (there !== undefined) return running(there, asked, steps);
  const name =
    asked.name ??
    freeName(
      asked.image.name,
      instances.map((one) => one.name),
    );
  const { instance, operation } = await create(run, session, { ...asked, name }, steps);
  try {
    const [ended] = await waitForAll(run, session, [{ operation, name }]);
    run.terminal.signal.throwIfAborted();
    if (ended !== undefined && ended.state !== "done")
      throw failed(name, ended.error?.message ?? ended.state);
  } catch (error) {
    if (run.terminal.signal.aborted) await takeAway(session, instance, steps);
    throw error;
  }
  return (await session.instance.get(instance.id, {}, run.call())).instance;
}

function running(there: Instance, { image }: InstanceAsked, steps: Steps): Instance {
  const { name, state } = there;
  if (there.image.id !== image.id)
    throw new CommandError(
      "usage",
      `There is an instance ${name} already, of the image ${there.image.name}.`,
      "Give another --name.",
    );
  if (state !== "running")
    throw new CommandError(
      "notRunning",
      `The instance ${name} is ${state}.`,
      `Start it: novact instance start ${name}.`,
    );
  steps.say("instance", `${name} is there already, and goes on`);
  return there;
}

const failed = (name: string, why: string): CommandError =>
  new CommandError(
    "guestFailed",
    `The instance ${name} was not made: ${why}`,
    `Look why: novact instance explain ${name}; then delete it: novact instance delete ${name}.`,
  );

async function create(
  run: Run,
  session: Session,
  asked: InstanceAsked & { readonly name: string },
  steps: Steps,
) {
  const { name, image, flavor, network, keyName, userData } = asked;
  const request = {
    ...{ name, flavor, image: image.id, keyName, networks: [{ network }] },
    ...(userData === undefined ? {} : { userData }),
  };
  const send = (more: object) => {
    const again = { line: "novact instance create with", requestId: session.newRequestId() };
    return repeatable(again, (requestId) =>
      session.instance.create({ ...request, ...more }, run.call({ requestId })),
    );
  };
  for (let hostPort = commandLimits.sshHostPortMin; ; hostPort += 1) {
    try {
      const made = await send({ publish: [{ hostPort, port: sshPort }] });
      steps.say("instance", `${name}, whose ssh is published at its host's port ${hostPort}`);
      return made;
    } catch (error) {
      if (isPublishingRefused(error)) break;
      const isTaken = error instanceof Error && "reason" in error && error.reason === "hostPortTaken";
      if (!isTaken || hostPort >= commandLimits.sshHostPortMin + commandLimits.sshHostPortsTriedMax)
        throw error;
    }
  }
  const made = await send({});
  steps.say("instance", `${name}; no host publishes ports, so that ssh goes by a floating address`);
  return made;
}

/** After Ctrl-C, with its own deadline. A second Ctrl-C ends the process, and leaves it. */
async function takeAway(
  session: Session,
  { id, name }: Pick<Instance, "id" | "name">,
  steps: Steps,
): Promise<void> {
  try {
    await session.instance.delete(id, {});
    steps.say("instance", `${name} was not up yet, and is deleted`);
  } catch {
    steps.say("instance", `${name} is left half-made: novact instance delete ${id}`);
  }
}
