/**
 * A host's power over Redfish: finds the system, sends ComputerSystem.Reset ForceOff, and reads PowerState.
 * It logs in with a session where the service has sessions, and ends it afterwards; else with basic
 * authentication. It follows links only within the service. Source: DMTF DSP0266 (protocol) 1.20, DSP2046
 * (schema ComputerSystem).
 */
import { StatusError } from "../../protocol/wire/status.ts";
import type { RedfishPower } from "../config/power.ts";
import { type ControlOptions, type PowerControl, type PowerReading, quoted, withRetries } from "./control.ts";
import { type Answer, type Question, RedfishConnection } from "./redfish-connection.ts";

export interface RedfishOptions extends ControlOptions {
  readonly power: RedfishPower;
  /** Certificates to trust, in PEM; absent: the system's. */
  readonly ca: string | undefined;
}

type Headers = Readonly<Record<string, string>>;

const systemsPath = "/redfish/v1/Systems";
const sessionsPath = "/redfish/v1/SessionService/Sessions";
const reset = "#ComputerSystem.Reset";

export class RedfishControl implements PowerControl {
  readonly kind = "redfish";
  readonly #options: RedfishOptions;
  readonly #connection: RedfishConnection;
  #credentials: Headers | undefined;
  /** Path of the session, to end it. */
  #session: string | undefined;
  #system: string | undefined;
  /** The ComputerSystem resource as it was read last. */
  #description: unknown;

  constructor(options: RedfishOptions) {
    const { power, ca, hostName, clock, timing } = options;
    this.#options = options;
    const { url: origin, fingerprint } = power;
    const timeoutMs = timing.requestTimeoutMs;
    this.#connection = new RedfishConnection({ hostName, origin, ca, fingerprint, timeoutMs, clock });
  }

  get at(): string {
    return `${this.#options.power.url}${this.#system ?? ""}`;
  }

  async read(signal: AbortSignal): Promise<PowerReading> {
    this.#system ??= await this.#find(signal);
    this.#description = await this.#get(this.#system, signal);
    const state = field(this.#description, "PowerState");
    return { off: state === "Off", said: quoted(`PowerState ${JSON.stringify(state ?? null)}`) };
  }

  async switchOff(signal: AbortSignal): Promise<void> {
    const action = field(field(this.#description, "Actions"), reset);
    const allowed = field(action, "ResetType@Redfish.AllowableValues");
    if (Array.isArray(allowed) && !allowed.includes("ForceOff")) {
      throw this.#refused("cannot force its system off", JSON.stringify(allowed));
    }
    const target = field(action, "target");
    const path = this.#within(
      typeof target === "string" ? target : `${this.#system}/Actions/ComputerSystem.Reset`,
    );
    try {
      await this.#ask({ method: "POST", path, body: { ResetType: "ForceOff" } }, signal);
    } catch (error) {
      // An order whose answer was lost is refused when it is repeated, if the host is off by then.
      if (!isRefusal(error) || !(await this.read(signal)).off) throw error;
    }
  }

  async close(): Promise<void> {
    const { log, hostName, timing } = this.#options;
    try {
      if (this.#session === undefined) return;
      const question = { method: "DELETE", path: this.#session, headers: this.#credentials ?? {} } as const;
      await this.#connection.ask(question, AbortSignal.timeout(timing.closeTimeoutMs));
    } catch (error) {
      log.warn({ host: hostName, error }, "a Redfish session was left behind; the service ends it in time");
    } finally {
      this.#connection.close();
    }
  }

  async #find(signal: AbortSignal): Promise<string> {
    const { system } = this.#options.power;
    if (system !== undefined) return `${systemsPath}/${encodeURIComponent(system)}`;
    const members = field(await this.#get(systemsPath, signal), "Members");
    const links = (Array.isArray(members) ? members : []).map((member) => field(member, "@odata.id"));
    const [only] = links;
    if (links.length === 1 && typeof only === "string") return this.#within(only);
    throw this.#refused(`has ${links.length} systems; power.redfish.system must say which`, links.join(" "));
  }

  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const { body } = await this.#ask({ method: "GET", path }, signal);
    return body;
  }

  #ask(question: Omit<Question, "headers">, signal: AbortSignal): Promise<Answer> {
    const once = async (): Promise<Answer> => {
      const known = this.#credentials !== undefined;
      const answer = await this.#askAs(question, signal);
      // A session may end by its time-out or with the power controller's restart; a new one is tried once.
      const again = answer.status === 401 && known && this.#session !== undefined;
      if (!again) return this.#accepted(answer);
      this.#credentials = undefined;
      this.#session = undefined;
      return this.#accepted(await this.#askAs(question, signal));
    };
    return withRetries(once, this.#options, signal);
  }

  async #askAs(question: Omit<Question, "headers">, signal: AbortSignal): Promise<Answer> {
    this.#credentials ??= await this.#logIn(signal);
    return this.#connection.ask({ ...question, headers: this.#credentials }, signal);
  }

  async #logIn(signal: AbortSignal): Promise<Headers> {
    const { power, password } = this.#options;
    const body = { UserName: power.user, Password: password };
    const answer = await this.#connection.ask(
      { method: "POST", path: sessionsPath, headers: {}, body },
      signal,
    );
    const token = answer.header("x-auth-token");
    if (answer.status >= 200 && answer.status < 300 && token !== undefined) {
      const link = answer.header("location") ?? field(answer.body, "@odata.id");
      this.#session = typeof link === "string" ? this.#within(link) : undefined;
      return { "X-Auth-Token": token };
    }
    // Without the body, which might repeat the password.
    if (answer.status === 401 || answer.status === 403) this.#accepted({ ...answer, body: undefined });
    // No sessions here, or none left: the service must accept basic authentication as well.
    return { Authorization: `Basic ${Buffer.from(`${power.user}:${password}`).toString("base64")}` };
  }

  #accepted(answer: Answer): Answer {
    const { status } = answer;
    if (status >= 200 && status < 300) return answer;
    const detail = `HTTP ${status} ${JSON.stringify(answer.body) ?? ""}`;
    if (status === 401 || status === 403) throw this.#refused("does not take this user and password", detail);
    if (status === 404 || status === 410) throw this.#refused("does not have this system", detail);
    if (status === 408 || status === 429 || (status >= 500 && status !== 501)) {
      const message = `The Redfish service of ${this.#options.hostName} has a failure of its own.`;
      throw new StatusError("powerControlFailed", message, { detail: quoted(detail) });
    }
    throw this.#refused(`refuses, with HTTP status ${status}`, detail);
  }

  /** The path of a link within the service. A link to another host must not get our password. */
  #within(link: string): string {
    const { origin } = new URL(this.#options.power.url);
    const url = URL.parse(link, origin);
    if (url?.origin === origin) return `${url.pathname}${url.search}`;
    throw this.#refused("names a link that is not its own", link);
  }

  #refused(what: string, detail: string): StatusError {
    const message = `The Redfish service of ${this.#options.hostName} ${what}.`;
    return new StatusError("powerControlRefused", message, { detail: quoted(detail) });
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof StatusError && error.reason === "powerControlRefused";

/** A field of a value that may be an object. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
