/** Where the answer to a request may go, by value. */
import { expect } from "chai";
import { mayBeAnsweredAt } from "../../../nodes/bus/inboxes.ts";

const command = "novact.v1.main.cmd.demo.instance.create";
const report = "novact.v1.main.report.h1.heartbeat";
const question = "novact.v1.main.host.h1.ensure";

const cases: readonly [subject: string, reply: string, allowed: boolean, why: string][] = [
  [command, "_INBOX_demo.x.1", true, "its project's"],
  [command, "_INBOX_admin.x.1", true, "operators command every project"],
  [command, "_INBOX.x.1", true, "an anonymous client's"],
  ["novact.v1.main.cmd.admin.host.list", "_INBOX_admin.x.1", true, "operators'"],
  ["novact.v1.main.cmd.admin.host.list", "_INBOX_demo.x.1", false, "a project's"],
  [command, "_INBOX_demo", false, "nothing below the prefix"],
  [command, "_INBOX_demo2.x", false, "of another project whose name begins the same"],
  [command, "_INBOX_other.x.1", false, "another project's"],
  [command, "_INBOX_controller.x.1", false, "a controller's"],
  [command, "_INBOX_host_h1.x.1", false, "a host's"],
  [command, "_R_.x.1", false, "the server's"],
  [command, "novact.v1.main.evt.other.instance.i1.deleted", false, "an event's subject"],
  [command, "$JS.API.STREAM.PURGE.NOVACT_main_EVENTS", false, "JetStream's"],
  [report, "_INBOX_host_h1.x.1", true, "its own"],
  [report, "_INBOX_host_h2.x.1", false, "another host's"],
  [report, "_INBOX_host_h11.x.1", false, "of a host whose id begins the same"],
  [report, "_INBOX_controller.x.1", false, "a controller's: its answer would be another's"],
  [report, "_INBOX.x.1", false, "nobody's"],
  [question, "_INBOX_controller.x.1", true, "controllers ask hosts"],
  [question, "_INBOX_demo.x.1", false, "a project's"],
  ["$SRV.PING", "_INBOX_demo.x", true, "everybody may ask who is there"],
  ["$SRV.PING", "_INBOX.x", true, "everybody may ask who is there"],
  ["$SRV.PING", "_INBOX_controller.x", false, "a controller's"],
  ["$SRV.PING", "_INBOX_host_h1.x", false, "a host's"],
  ["$SRV.PING", "$JS.ACK.x", false, "JetStream's"],
];

describe("the inbox of an answer", () => {
  for (const [subject, reply, allowed, why] of cases) {
    it(`${allowed ? "may" : "may not"} be ${reply} for ${subject}: ${why}`, () => {
      expect(mayBeAnsweredAt(subject, reply)).to.equal(allowed);
    });
  }
});
