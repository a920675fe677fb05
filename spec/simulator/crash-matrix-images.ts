/** Images of projects in the crash matrix, as data: each change is one commit, done or not done. */
import { type Act, ask, command, fault, type Operation } from "./crash-matrix-acts.ts";

const on = { parameters: { oneVersion: true } } as const;
const made = ask("image.create", "", { name: "own" });
const registered: Act = {
  ...{ atMs: 0, ask: "image.register", id: "", operator: true },
  request: { name: "own", kernel: { path: "/kernel" }, project: "demo" },
};
const later = (act: Act, atMs: number): Act => ({ ...act, atMs });
const share = ask("image.share", "own", { project: "other" });
const deactivate = ask("image.deactivate", "own");

const operation = (
  name: string,
  prepare: readonly Act[],
  act: Act,
  [from, to]: [string, string],
): Operation => ({
  ...{ ...on, name: `image: ${name}`, prepare, act: [act] },
  ...{ done: [[`image ${to}`]], undone: [from === "" ? [] : [`image ${from}`]] },
});

export const images: readonly Operation[] = [
  operation("create", [], made, ["", "created"]),
  operation("update", [made], ask("image.update", "own", { protected: true }), ["created", "changed"]),
  operation("share", [made], share, ["created", "shared"]),
  operation("unshare", [made, later(share, 600)], ask("image.unshare", "own", { project: "other" }), [
    ...(["shared", "unshared"] as const),
  ]),
  operation("deactivate", [registered], deactivate, ["registered", "deactivated"]),
  operation("reactivate", [registered, later(deactivate, 600)], ask("image.reactivate", "own"), [
    ...(["deactivated", "reactivated"] as const),
  ]),
  operation("delete its own", [made], ask("image.delete", "own"), ["created", "deleted"]),
  operation("delete what was registered", [registered], ask("image.delete", "own"), [
    ...(["registered", "deleted"] as const),
  ]),
  {
    name: "image: create an instance of one that its host has to pull",
    parameters: { oneVersion: true, pulledImages: true },
    prepare: [],
    act: [ask("instance.create", "", { name: "web", flavor: "tiny", image: "tiny" })],
    done: [["running"]],
    undone: [[]],
  },
  {
    name: "image: create an instance of one that its host gets from another host",
    parameters: { oneVersion: true, pulledImages: true, controllers: 1 },
    prepare: [ask("instance.create", "", { name: "first", flavor: "tiny", image: "tiny" })],
    act: [{ ...ask("instance.create", "", { name: "web", flavor: "tiny", image: "tiny" }), atMs: 8_000 }],
    done: [["running", "running"]],
    undone: [["running"]],
  },
  {
    ...{
      ...on,
      name: "image: create an instance of one that is deactivated meanwhile",
      prepare: [registered],
    },
    act: [ask("instance.create", "", { name: "web", flavor: "tiny", image: "own" }), later(deactivate, 1)],
    done: [["image deactivated", "running"]],
    undone: [["image deactivated"], ["image registered", "running"], ["image registered"]],
  },
];

const withBytes = { parameters: { oneVersion: true, uploads: true, pulledImages: true } } as const;
/** By the target of the client's command (client-uploads.ts): how it is sent. */
const sent = { byBus: 0, byTicket: 7, wrongThenTaken: 10, wrong: 3, brokenOff: 4, deleted: 5 } as const;
const send = (how: keyof typeof sent, atMs = 0): Act => command("imageSend", atMs, { target: sent[how] });
const states = (...words: readonly string[]) => words.map((word) => [`image ${word}`]);
/** Ends of an upload whose client died in the middle. */
const under = [[], ...states("created", "saving", "queued", "active")];

const upload = (name: string, prepare: readonly Act[], act: readonly Act[], done: string): Operation => ({
  ...{ ...withBytes, name: `upload: ${name}`, prepare, act },
  ...{ done: states(done), undone: under },
});

export const uploads: readonly Operation[] = [
  upload("send over the bus", [], [send("byBus")], "active"),
  upload("send by the ticket", [], [send("byTicket")], "active"),
  upload("send other bytes than are named", [], [send("wrong")], "queued"),
  upload("send other bytes, and complete them as what they are", [], [send("wrongThenTaken")], "active"),
  upload("break off", [], [send("brokenOff")], "saving"),
  upload("resume", [send("brokenOff")], [command("imageResume")], "active"),
  upload(
    "resume while a controller is away",
    [send("brokenOff")],
    [fault("killController"), command("imageResume", 50)],
    "active",
  ),
  upload("delete in the middle", [], [send("deleted")], "deleted"),
  upload("fetch", [send("byBus")], [command("imageFetch")], "active"),
  {
    ...{ ...withBytes, name: "upload: create an instance of what was sent", prepare: [send("byBus")] },
    act: [ask("instance.create", "", { name: "web", flavor: "tiny", image: "sent-0" })],
    done: [["image active", "running"]],
    undone: [["image active"]],
  },
];
