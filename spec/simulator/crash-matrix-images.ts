/** Images of projects in the crash matrix, as data: each change is one commit, done or not done. */
import { type Act, ask, type Operation } from "./crash-matrix-acts.ts";

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
