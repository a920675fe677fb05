/**
 * A day of an operator: commands typed from the help alone, one after the other on one cluster. Each has its
 * exit code and its words, and no line of an answer is wider than the terminal.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

interface Task {
  readonly wish: string;
  readonly line: string;
  readonly exit?: number;
  /** A text of standard output or standard error. */
  readonly says: RegExp;
}

const columns = 100;
const publicKey = `ssh-ed25519 ${Buffer.concat([
  ...[
    Buffer.from([0, 0, 0, 11]),
    Buffer.from("ssh-ed25519"),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, 7),
  ],
]).toString("base64")} me`;

const day: readonly Task[] = [
  { wish: "look at the hosts", line: "host list", says: /host-a +up .*\n(.*\n)*host-b +up / },
  { wish: "look at one closely", line: "host show host-a", says: /^lease +held/m },
  {
    wish: "make a size",
    line: "flavor create big --vcpus 2 --memory 1G --disk 4G",
    says: /^name +big$/m,
  },
  { wish: "see the sizes", line: "flavor list", says: /big +2 +1 GiB +4 GiB/ },
  {
    wish: "keep a project small",
    line: "quota set demo --instances 5 --project admin",
    says: /instances +0 +5 +its own/,
  },
  {
    wish: "group what must stand apart",
    line: "group create apart --policy anti-affinity",
    says: /^name +apart$/m,
  },
  {
    wish: "try a create",
    line: "instance create web --flavor tiny --image tiny --dry-run",
    says: /host-a +yes/,
  },
  {
    wish: "make two of a group",
    line: "instance create web --flavor tiny --image tiny --count 2 --group apart --wait",
    says: /create: all 2 done\./,
  },
  {
    wish: "make one with a word of its own",
    line: "instance create db --flavor tiny --image tiny --metadata role=db --wait",
    says: /db {2}running on /,
  },
  { wish: "see what runs", line: "instance list --state running", says: /web-1 (.*\n)+.*db +running/ },
  { wish: "find by metadata", line: "instance list --metadata role=db -o name", says: /^db\n$/ },
  {
    wish: "take names for a script",
    line: "instance list -o jsonpath={.items[*].name}",
    says: /^web-1 web-2 db\n$/,
  },
  { wish: "read the newest first", line: "instance list --newest --limit 1", says: /db .*\n.*--marker / },
  { wish: "miss a name", line: "instance show web", exit: 3, says: /Did you mean web-1, web-2\?/ },
  { wish: "miss a command", line: "instance lst", exit: 2, says: /Did you mean list\?/ },
  { wish: "ask why it is there", line: "instance explain web-1", says: /FITS +SCORE/ },
  {
    wish: "say what it is for",
    line: 'instance set db --description "the ledger"',
    says: /db {2}the ledger, role=db/,
  },
  {
    wish: "keep it from mistakes",
    line: 'instance lock db --reason "month end"',
    says: /locked by its project: month end/,
  },
  {
    wish: "make a mistake",
    line: "instance delete db",
    exit: 4,
    says: /instanceLocked[\s\S]*novact instance unlock/,
  },
  { wish: "unlock it", line: "instance unlock db", says: /not locked/ },
  { wish: "stop by name", line: "instance stop web-2 --hard --wait", says: /web-2 {2}stopped/ },
  {
    wish: "start what is stopped",
    line: "instance start --state stopped --yes --wait",
    says: /web-2 {2}running/,
  },
  { wish: "see what was done", line: "operation list --limit 2", says: /start +web-2 +done/ },
  {
    wish: "see what happened to one",
    line: "instance events web-2",
    says: /running → stopping[\s\S]*starting → running/,
  },
  {
    wish: "ask for more than is allowed",
    line: "instance create more --flavor tiny --image tiny --count 3",
    exit: 5,
    says: /may have 5 instances; it has 3[\s\S]*quota show/,
  },
  {
    wish: "take a host out",
    line: "host disable host-a --reason repair --project admin",
    says: /host-a {2}disabled/,
  },
  { wish: "see that it is out", line: "host list", says: /host-a +disabled/ },
  { wish: "have it back", line: "host enable host-a --project admin", says: /host-a {2}enabled/ },
  {
    wish: "register a key",
    line: "key-pair create work --public-key KEYFILE",
    says: /^name +work$/m,
  },
  { wish: "ask whether all agrees", line: "doctor", says: /No findings\./ },
  { wish: "see who runs what", line: "version", says: /controller/ },
  {
    wish: "delete by pattern",
    line: "instance delete --name web-* --yes --wait",
    says: /delete: all 2 done\./,
  },
  { wish: "delete the rest", line: "instance delete --all --yes --wait", says: /db {2}deleted/ },
  { wish: "see that nothing is left", line: "instance list", says: /There are none\./ },
];

describe("a day of an operator", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "novact-day-"));
    writeFileSync(join(directory, "key.pub"), `${publicKey}\n`);
    world = await controllerWorld();
    for (const name of ["a", "b"]) await world.host(name);
  });
  after(async () => {
    await world.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const { wish, line, exit = 0, says } of day)
    it(`${wish}: novact ${line}`, async () => {
      const novact = commandOn(connectOn(world.bus, "test").connect);
      const done = await novact(line.replace("KEYFILE", join(directory, "key.pub")), { tty: true, columns });
      const text = stripVTControlCharacters(`${done.out}${done.err}`);
      expect(done.exit, text).to.equal(exit);
      expect(text).to.match(says);
      const wide = text
        .split(/[\r\n]/)
        .filter((one) => one.length > columns && !/^(?:error|next|There may)/.test(one));
      expect(wide).to.deep.equal([]);
    });
});
