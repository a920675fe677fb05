/**
 * What the command prints when every text in every answer is hostile: as an older version may have stored it,
 * or a host may say it. Nothing that steers a terminal or cannot be seen comes out, in a pipe or not.
 */
import type { TSchema } from "@sinclair/typebox";
import { expect } from "chai";
import type { Connect, Session } from "../../../nodes/cli/session.ts";
import { services } from "../../../protocol/services.ts";
import type { Method, Service } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

/** A window's title, a control sequence, a change of direction, what nobody sees, a line, half a pair. */
const hostile = "\u001b]0;x\u0007\u009b31m\u202egpj\u200b\u2028\ufeff\ud801";
/** What the command itself writes on a terminal: colours, and a line that is written over. */
const escapeCharacter = "\u001b";
const ours = new RegExp(`${escapeCharacter}\\[[0-9;]*m|\r`, "gu");
const unseen = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The answer with the hostile text behind each of its texts that is for people. */
function spoilt(schema: TSchema | undefined, value: unknown): unknown {
  if (typeof value === "string") return isForPeople(schema) ? `${value}${hostile}` : value;
  if (typeof value !== "object" || value === null) return value;
  const schemas: readonly TSchema[] = schema?.anyOf ?? [schema];
  const is = schemas.find(({ type }) => type === "object" || type === "array") ?? schema;
  if (Array.isArray(value)) return value.map((one: unknown) => spoilt(is?.items, one));
  const [things] = Object.values<TSchema>(is?.patternProperties ?? {});
  return Object.fromEntries(
    Object.entries(value).map(([name, part]: [string, unknown]) => [
      things === undefined ? name : `${name}${hostile}`,
      spoilt(things ?? is?.properties?.[name], part),
    ]),
  );
}

/** Not for words of closed lists, ids and checksums, which no text of anybody can become. */
function isForPeople(schema: TSchema | undefined): boolean {
  const texts: readonly TSchema[] = schema?.anyOf ?? [schema];
  return texts.some((one) => one?.type === "string" && one.enum === undefined && !isToken(one.pattern));
}

const isToken = (pattern: unknown): boolean =>
  typeof pattern === "string" && pattern.startsWith("^[A-Za-z0-9");

/** The session with spoilt answers; what is refused has a hostile message. */
function spoiltSession(session: Session): Session {
  const clients: Readonly<Record<string, unknown>> = { ...session };
  const spoiltServices = Object.entries<Service>(services).map(([key, service]) => {
    const client = clients[key] as Calls;
    const calls = Object.entries<Method>(service.methods).map(([name, method]) => {
      const call = async (...asked: unknown[]): Promise<unknown> => {
        try {
          return spoilt(method.answer, await client[name]?.(...asked));
        } catch (thrown) {
          if (!(thrown instanceof StatusError)) throw thrown;
          throw StatusError.fromBody({ ...thrown.toBody(), message: `${thrown.message}${hostile}` });
        }
      };
      return [name, call] as const;
    });
    return [key, Object.fromEntries(calls)] as const;
  });
  return { ...session, ...(Object.fromEntries(spoiltServices) as object) };
}

type Calls = Readonly<Record<string, (...asked: unknown[]) => Promise<unknown>>>;

describe("cli: hostile texts", () => {
  let world: World;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a");
    const { connect } = connectOn(world.bus, "test");
    const hostileConnect: Connect = async (options) => spoiltSession(await connect(options));
    const honest = commandOn(connect);
    await honest('instance create web --flavor tiny --image tiny --wait --metadata "role=web"');
    await honest("group create one --policy affinity");
    await honest("aggregate create agg --zone z1");
    novact = commandOn(hostileConnect);
  });
  afterEach(() => world.stop());

  const things = ["instance", "operation", "event", "flavor", "image", "group", "host", "aggregate"];
  const commands = [
    ...things.map((noun) => `${noun} list`),
    ...["availability-zone list", "key-pair list", "quota list", "quota show", "doctor", "debug", "version"],
    ...[
      "instance show ID",
      "instance explain ID",
      "instance events ID",
      "flavor show tiny",
      "image show tiny",
    ],
    ...["group show one", "aggregate show agg", "host show host-a", "rebalance"],
    ...[
      "instance set ID --description x",
      "instance lock ID",
      "instance unlock ID",
      "instance pause ID --wait",
    ],
    ...[
      "instance create more --flavor tiny --image tiny --dry-run",
      "instance show nope",
      "flavor show nope",
    ],
    ...["instance create more --flavor tiny --image tiny --count 2 --wait", "instance delete ID --wait"],
    ...["instance create big --flavor tiny --image tiny --count 900", "host disable host-a --reason x"],
  ];
  const formats = ["", "-o wide", "-o json", "--json"];

  for (const command of commands)
    it(`${command} shows nothing that steers or cannot be seen`, async () => {
      const { instances } = await world.demo.instance.list({});
      const line = command.replace("ID", instances[0]?.id ?? "");
      for (const format of formats)
        for (const tty of [false, true]) {
          const { out, err } = await novact(`${line} ${format}`, { tty, columns: 300 });
          const text = `${out}${err}`;
          expect(text, `${line} ${format}`).not.to.equal("");
          const others = tty ? text.replace(ours, "") : text;
          expect(unseen.exec(others)?.index, `${line} ${format}: ${JSON.stringify(others)}`).to.equal(
            undefined,
          );
          if (format === "-o json" || format === "--json")
            for (const row of `${out}${err}`.split("\n").filter((one) => one.startsWith("{")))
              expect(() => JSON.parse(row), row).not.to.throw();
        }
    });

  it("the console keeps a guest's writing, in any script, and nothing of it that steers", async () => {
    const { instances } = await world.demo.instance.list({});
    for (const tty of [false, true]) {
      const { out } = await novact(`instance console ${instances[0]?.id}`, { tty });
      expect(out.trimEnd()).to.equal("hello\u202egpj\u200b\u2028\ufeff\ud801".trimEnd());
    }
  });

  it("a shell is offered only what it takes as one word", async () => {
    const { connect } = connectOn(world.bus, "test");
    const honest = commandOn(connect);
    for (const name of ["a;reboot", "a b", "$(reboot)", "*", "ok-1"])
      await honest(`instance create "${name}" --flavor tiny --image tiny`);
    const offered = (await honest('__complete instance show ""')).out.trim().split("\n");
    expect(offered).to.include("ok-1").and.include("web");
    expect(offered.filter((one) => /[\s;$*]/.test(one))).to.deep.equal([]);
  });
});
