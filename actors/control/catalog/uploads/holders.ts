/**
 * Whoever has the bytes of an image, this controller or another one, asked in the same words. It must never
 * answer for another controller that is silent.
 */
import type { imageHolderService } from "../../../../protocol/image-bytes.ts";
import type { AnswerOf, CallContext, Handlers, RequestOf } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Clock } from "../../../../protocol/wire/transport.ts";
import type { ImageDoor } from "../../../ports/image-bytes.ts";
import { fetchTicket } from "../image-tickets.ts";
import type { UploadDesk } from "./desk.ts";

type Methods = (typeof imageHolderService)["methods"];

/** A controller that may have the bytes of images. @throws imageElsewhere when it does not answer */
export type ImageHolder = {
  readonly [K in keyof Methods]: (
    request: RequestOf<Methods[K]>,
    options: { readonly timeoutMs: number },
  ) => Promise<AnswerOf<Methods[K]>>;
};

/** This controller as a holder: its answers to itself and to the other controllers. */
export function ownHolder(
  { desk, door }: { readonly desk: UploadDesk; readonly door: ImageDoor },
  clock: Pick<Clock, "nowMs">,
): ImageHolder & Handlers<typeof imageHolderService> {
  return {
    upload: async ({ imageId, sizeBytes }) => {
      await desk.refuseHosts(imageId);
      return { upload: await desk.upload(imageId, sizeBytes) };
    },
    write: async ({ imageId, offset, data }) => {
      await desk.refuseHosts(imageId);
      return { nextOffset: await desk.write(imageId, offset, bytesIn(data)) };
    },
    complete: async ({ imageId, ...said }) => {
      await desk.refuseHosts(imageId);
      await desk.complete(imageId, said);
      return {};
    },
    fetch: async ({ sha256, who }) => {
      const download = await fetchTicket(door, { sha256, who }, clock);
      if (download === undefined) throw new StatusError("notFound", "The file is not here.");
      return { download };
    },
    here: async () => ({}),
  };
}

function bytesIn(data: string): Uint8Array {
  return Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
}

/** The time that is left for another one's answer. */
export const leftOf = (
  { deadlineMs }: Pick<CallContext, "deadlineMs">,
  clock: Pick<Clock, "monotonicMs">,
): { readonly timeoutMs: number } => ({ timeoutMs: Math.max(1, deadlineMs - clock.monotonicMs()) });

/** Another controller, of which silence is told as what it means for its images. */
export async function askedOf<Answer>(server: string, asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (thrown) {
    if (!isSilence(thrown)) throw thrown;
    const message = `The controller ${server}, which has the bytes of the image, does not answer.`;
    throw new StatusError("imageElsewhere", message, { cause: thrown });
  }
}

const silences = ["noResponders", "notConnected", "timeout"];

const isSilence = (thrown: unknown): boolean =>
  thrown instanceof StatusError && silences.includes(thrown.reason);
