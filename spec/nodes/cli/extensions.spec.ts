/** The commands of plug-ins: made from their definitions, with help, completion and output as of ours. */
import { expect } from "chai";
import { commandWords } from "../../../nodes/cli/hints.ts";
import { takenWords } from "../../../nodes/plugins/extensions.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { toyPlugin } from "../../support/toy-services.ts";
import { commandOn, connectOn, nowhere } from "./cli-world.ts";

describe("the commands of plug-ins", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let loads: (string | undefined)[];
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld({ extensions: [toyPlugin] });
    loads = [];
    const load = async (config: string | undefined) => {
      loads.push(config);
      return [toyPlugin];
    };
    novact = commandOn(connectOn(world.bus, "test").connect, load);
  });
  afterEach(() => world.stop());
  const words = async (line: string) => {
    const { out } = await novact(`__complete ${line}`);
    return out.split("\n").filter((word) => word !== "");
  };

  it("make, list, show, change and remove rows", async () => {
    const made = await novact("signal-flag create one --color red --raised true");
    expect([made.exit, made.err]).to.deep.equal([0, ""]);
    expect(made.out)
      .to.match(/color +red/)
      .and.to.match(/raised +true/);
    expect((await novact("signal-flag list")).out)
      .to.match(/NAME +COLOR +RAISED/)
      .and.to.match(/one +red +true/);
    await novact("signal-flag hoist one --raised false");
    const shown = await novact("signal-flag show one --json");
    expect(JSON.parse(shown.out)).to.include({ name: "one", color: "red", raised: false, remark: null });
    const colors = await novact("signal-flag colors --json");
    expect(JSON.parse(colors.out)).to.deep.equal({ red: 1, blue: 0 });
    const removed = await novact("signal-flag delete one");
    expect(removed.out).to.contain("deleted");
    const note = await novact("note create n --words a --words b --json");
    expect(JSON.parse(note.out)).to.deep.include({ words: ["a", "b"] });
  });

  it("say what is wrong as ours do", async () => {
    const wrong = async (line: string) => {
      const { exit, err } = await novact(line);
      return [exit, err.split("\n")[0]];
    };
    expect(await wrong("signal-flag create one")).to.deep.equal([
      2,
      "error: Required option '--color <word>' not specified.",
    ]);
    expect((await wrong("signal-flag create one --color green"))[1]).to.contain(
      "Allowed choices are red, blue",
    );
    expect((await wrong("signal-flag hoist one --raised true"))[1]).to.contain(
      "There is no signal flag one.",
    );
    const times = "--host h1 --from-ms soon --to-ms 2";
    expect((await wrong(`maintenance-window create w ${times}`))[1]).to.contain("It must be a number.");
  });

  it("act on instances and hosts by name, once for each request id", async () => {
    await world.host("h1");
    await world.demo.instance.create({ name: "web", flavor: "tiny", image: "tiny", wait: true });
    const look = await novact("guest-care look web");
    expect(look.out).to.match(/name +web\nstate +running/);
    const line = "guest-care mark web --words hello --request-id r-7 --json";
    const first = await novact(line);
    expect(JSON.parse(first.out)).to.deep.equal({ name: "web", notes: 1 });
    expect(await novact(line)).to.deep.equal(first);
    const rest = await novact("rack-care rest host-h1 --reason dust");
    expect([rest.exit, rest.out.trim()]).to.deep.equal([0, "enabled  false"]);
    const hot = await novact("guest-care spoil web --how refuse");
    expect(hot.exit).to.equal(4);
    expect(hot.err).to.contain("The guest is too hot.").and.to.contain("Let it cool.");
  });

  it("are in help and completion, with their options and the names of their rows", async () => {
    await novact("signal-flag create one --color red");
    expect((await novact("--help")).out)
      .to.contain("signal-flag")
      .and.to.contain("By the plug-in acme.");
    expect((await novact("signal-flag create --help")).out).to.contain("--color <word>");
    expect(await words('"sig"')).to.deep.equal(["signal-flag"]);
    expect(await words('signal-flag "h"')).to.deep.equal(["hoist"]);
    expect(await words('signal-flag create --color "r"')).to.deep.equal(["red"]);
    expect(await words('signal-flag show "o"')).to.deep.equal(["one"]);
  });

  it("are loaded only for a word that is not ours", async () => {
    await novact("instance list");
    await novact("--project demo flavor list --config x.yaml");
    expect(loads).to.deep.equal([]);
    await novact("--config x.yaml signal-flag list");
    await novact("note list --config=y.yaml");
    expect(loads).to.deep.equal(["x.yaml", "y.yaml"]);
    const broken = commandOn(nowhere, async () => {
      throw new Error("It cannot be loaded.");
    });
    expect((await broken("signal-flag list")).err).to.contain("It cannot be loaded.");
  });

  it("are not loaded for a word that nobody has begun to type", async () => {
    expect(await words('""'))
      .to.include("instance")
      .and.not.to.include("signal-flag");
    expect(await words('--config x.yaml ""')).not.to.include("signal-flag");
    expect(await words('"--pr"')).to.include("--project");
    expect(await words('--project ""')).not.to.include("signal-flag");
    expect(loads).to.deep.equal([]);
    await words('--config x.yaml "no"');
    await words('signal-flag ""');
    expect(loads).to.deep.equal(["x.yaml", undefined]);
  });

  it("are left out of help, with a remark, where they cannot be loaded", async () => {
    const broken = commandOn(nowhere, async () => {
      throw new Error("It cannot be loaded.");
    });
    for (const line of ["--help", "help"]) {
      const { exit, out, err } = await broken(line);
      expect([exit, err]).to.deep.equal([0, "The commands of plug-ins are left out: It cannot be loaded.\n"]);
      expect(out).to.contain("instance").and.not.to.contain("signal-flag");
    }
  });

  it("show and set limits under the names of their plug-ins", async () => {
    const set = await novact("quota set demo --extension acme.signalFlags=1 --extension acme.notes=none");
    expect(set.exit).to.equal(0);
    expect(set.out)
      .to.match(/acme\.signalFlags +0 +1 +its own/)
      .and.to.match(/acme\.notes +0 +none +its own/);
    const back = await novact("quota set demo --extension acme.signalFlags=default");
    expect(back.out).to.match(/acme\.signalFlags +0 +3 +the default/);
    expect((await novact("quota show --default")).out).to.match(/acme\.notes +its own +the plug-in/);
  });

  it("have no word that a command of ours has", () => {
    expect(commandWords.filter((word) => !takenWords.has(word))).to.deep.equal([]);
  });
});
