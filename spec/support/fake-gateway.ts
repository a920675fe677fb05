/**
 * Run in the place of QEMU, in the directory of a gateway: its monitor opens and lists ports that are none,
 * and it dies as QEMU does where a port is opened before the switch is connected.
 */
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

const open: string[] = [];
let switches = 0;

const answerOf = (line: string): string => {
  if (line === "info network")
    return `hub 0\r\n \\ b: switch: index=0,type=stream,${switches > 0 ? "unix:s" : ""}\r\n`;
  const [, host = "", port = "", address = "", to = ""] =
    /^hostfwd_add guests tcp:(.+):(\d+)-(.+):(\d+)$/.exec(line) ?? [];
  if (host === "") return open.join("\r\n");
  if (switches === 0) process.kill(process.pid, "SIGKILL");
  open.push(`  TCP[HOST_FORWARD]  15       ${host} ${port}        ${address}    ${to}     0     0`);
  return "";
};

interface Question {
  readonly execute: string;
  readonly arguments?: { readonly "command-line"?: string };
  readonly id: number;
}

function monitor(socket: Socket): void {
  socket.on("error", () => undefined);
  const say = (value: unknown) => socket.write(`${JSON.stringify(value)}\r\n`);
  say({ QMP: { version: { qemu: { micro: 22, minor: 2, major: 7 }, package: "" }, capabilities: [] } });
  createInterface({ input: socket }).on("line", (text) => {
    const { execute, id, arguments: given }: Question = JSON.parse(text);
    say({ return: execute === "qmp_capabilities" ? {} : answerOf(given?.["command-line"] ?? ""), id });
  });
}

function serveSwitch(socket: Socket): void {
  switches += 1;
  socket.on("error", () => undefined);
  socket.on("close", () => {
    switches -= 1;
  });
  socket.resume();
}

createServer(serveSwitch).listen("s", () => {
  createServer(monitor).listen("qmp", () => writeFileSync("pid", `${process.pid}\n`));
});
