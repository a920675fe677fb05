/**
 * The way to ssh where no host publishes ports: a floating address, by a router between the network of the
 * instance and the one that leads outside. Both are taken if they are there. ssh is let in to this instance
 * alone, by a group of its own: the project's other instances stay as closed as they were.
 */
import type { Instance } from "../../../../protocol/instance.ts";
import { CommandError } from "../../errors.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import { outsideOf, routerTo } from "./choose.ts";
import type { Steps } from "./steps.ts";

const names = { router: "gate", group: "ssh" } as const;
const sshPort = 22;

/** Leads a floating address to the instance's first port. @throws CommandError usage, StatusError */
export async function leadOutside(
  run: Run,
  session: Session,
  { name, interfaces }: Pick<Instance, "name" | "interfaces">,
  steps: Steps,
): Promise<void> {
  const [first] = interfaces ?? [];
  const subnet = first?.addresses.find(({ address }) => !address.includes(":"))?.subnetId;
  const { networks } = await session.network.list({}, run.call());
  const outside = outsideOf(networks);
  if (first === undefined || subnet === undefined || outside === undefined)
    throw new CommandError(
      "usage",
      `Nothing leads to ssh of ${name}: no host publishes ports, and no network that leads outside has addresses.`,
      `Read what it says: novact instance console ${name}; or have operators make such a network: novact network create.`,
    );
  await routerFor(run, session, { networkId: first.networkId, subnet, outside }, steps);
  // The address is last: a launch that finds it takes the rest for done.
  await letSshIn(run, session, first.portId, steps);
  const target = { port: first.portId };
  const { floatingIp } = await session.floatingIp.create({ network: outside.id, target }, run.call());
  steps.say("address", `${floatingIp.name} of ${outside.name} leads to ${name}`);
}

interface Between {
  readonly networkId: string;
  readonly subnet: string;
  readonly outside: { readonly id: string; readonly name: string };
}

async function routerFor(run: Run, session: Session, between: Between, steps: Steps): Promise<void> {
  const { outside, subnet, networkId } = between;
  const { routers } = await session.router.list({}, run.call());
  const there = routerTo(routers, outside.id, networkId);
  if (there?.isJoined === true) {
    steps.say("router", `${there.router.name} leads to ${outside.name}`);
    return;
  }
  const asked = { name: names.router, externalNetwork: outside.id };
  const router = there?.router ?? (await session.router.create(asked, run.call())).router;
  await session.router.addInterface(router.id, { subnet }, run.call());
  steps.say("router", `${router.name} leads the network to ${outside.name} from now on`);
}

/** The group is made once, with its rule, and given to the port beside those that it has. */
async function letSshIn(run: Run, session: Session, portId: string, steps: Steps): Promise<void> {
  const { securityGroups } = await session.securityGroup.list({ name: names.group }, run.call());
  const group = securityGroups[0]?.id ?? (await makeGroup(run, session));
  const { port } = await session.port.get(portId, {}, run.call());
  if (port.securityGroupIds.includes(group)) return;
  await session.port.set(portId, { securityGroups: [...port.securityGroupIds, group] }, run.call());
  steps.say("group", `${names.group} lets everybody there reach its port ${sshPort}`);
}

async function makeGroup(run: Run, session: Session): Promise<string> {
  const { securityGroup } = await session.securityGroup.create({ name: names.group }, run.call());
  const rule = { group: securityGroup.id, direction: "ingress", protocol: "tcp", portMin: sshPort } as const;
  try {
    await session.securityGroupRule.create(rule, run.call());
  } catch (error) {
    // A group without its rule would be taken for one that has it. Not by the signal of Ctrl-C.
    await session.securityGroup.delete(securityGroup.id, {}).catch(() => undefined);
    throw error;
  }
  return securityGroup.id;
}
