/**
 * What clients see of words that a controller of the version before does not know, as README says it: an
 * entry of a list is left out, and one that is asked for by itself is refused; nothing else is in their way.
 */
import type { TSchema } from "@sinclair/typebox";
import { expect } from "chai";
import { sayable } from "../../protocol/wire/sayable.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { previousSnapshot } from "../versions/snapshot.ts";

/** The answer's schema in the version before. */
function formerly(noun: string, method: string): TSchema {
  const schema = previousSnapshot()[noun]?.methods[method]?.answer;
  if (schema === undefined) throw new Error(`The version before has no ${noun}.${method}.`);
  return schema;
}

describe("words that a controller of the version before does not know", () => {
  it("hide an instance from its lists, and are refused by name; the others are shown", async () => {
    const world = await controllerWorld();
    await world.host("h1");
    const asked = { flavor: "tiny", image: "tiny", wait: true } as const;
    const { instance } = await world.demo.instance.create({ ...asked, name: "sound" });
    await world.stop();
    const ended = { ...instance, id: "i-2", machine: { ...instance.machine, reason: "memoryExceeded" } };
    const { answer, leftOut } = sayable(formerly("instance", "list"), { instances: [instance, ended] }) ?? {};
    expect(answer).to.deep.equal({ instances: [instance] });
    expect(leftOut).to.have.length(1);
    expect(leftOut?.[0]).to.contain("i-2");
    expect(validatorOf(formerly("instance", "get")).accepts({ instance })).to.equal(true);
    expect(validatorOf(formerly("instance", "get")).accepts({ instance: ended })).to.equal(false);
    expect(sayable(formerly("instance", "get"), { instance: ended })).to.equal(undefined);
  });

  it("hide a host that a plug-in's power controller has fenced; the others are shown", async () => {
    const world = await controllerWorld();
    await world.host("h1");
    const { host } = await world.admin.host.get("h1", {});
    await world.stop();
    const said = { address: "strip/4", said: "outlet off", tookMs: 12, atMs: 1 };
    const proof = { ...said, kind: "power", control: "acme-strip" };
    const fenced = { ...host, id: "h2", lease: { ...host.lease, fencedBy: proof } };
    const schema = formerly("host", "list");
    const known = { ...fenced, lease: { ...fenced.lease, fencedBy: { ...proof, control: "redfish" } } };
    expect(validatorOf(schema).accepts({ hosts: [host, known] }), "a proof that it knows").to.equal(true);
    const { answer, leftOut } = sayable(schema, { hosts: [host, fenced] }) ?? {};
    expect(answer).to.deep.equal({ hosts: [host] });
    expect(leftOut?.[0]).to.contain("h2");
  });
});
