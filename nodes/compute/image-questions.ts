/**
 * A host's questions to controllers where the images of its instances are. Drivers are opened before the bus
 * is connected: until then nobody can be asked.
 */
import { wireLimits } from "../../protocol/limits/wire.ts";
import { reportService } from "../../protocol/machine.ts";
import { reportBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import type { Client } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Bus, Clock, Ids } from "../../protocol/wire/transport.ts";
import type { AskImageOrigins } from "../drivers/images/pulled.ts";

export interface ImageConnection {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly cell: string;
  readonly hostId: string;
}

export class ImageQuestions {
  #client: Client<typeof reportService> | undefined;

  connect({ bus, clock, ids, cell, hostId }: ImageConnection): void {
    const binding = reportBinding(cell, hostId);
    this.#client = createClient(reportService, { bus, clock, ids, binding });
  }

  readonly ask: AskImageOrigins = async (asked, signal) => {
    if (this.#client === undefined) throw new StatusError("noResponders", "No controller can be asked yet.");
    const { origins } = await this.#client.imageTicket(asked, {
      ...{ timeoutMs: wireLimits.hostRequestTimeoutMs, signal },
    });
    return origins;
  };
}
