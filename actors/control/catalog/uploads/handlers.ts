/**
 * What clients ask about the bytes of images: who may is decided here, by the row, and then the controller is
 * asked that has them. An upload that nobody has yet is begun here.
 */
import { image, type imageService } from "../../../../protocol/image.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { CallContext, Handlers } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { adminProject } from "../../../../protocol/wire/subjects.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { findOwnRow, findRow } from "../../request/rows.ts";
import { shownTo } from "../image-members.ts";
import { askedOf, type ImageHolder, leftOf } from "./holders.ts";

/** The controllers that have the bytes of images. */
export interface ImageHolders {
  /** This controller's name in rows and tickets. */
  readonly server: string;
  readonly own: ImageHolder;
  readonly other: (server: string) => ImageHolder;
}

export interface UploadOptions extends Pick<CatalogOptions, "store" | "clock"> {
  /** Absent: this controller neither takes nor gives bytes of images. */
  readonly holders?: ImageHolders | undefined;
}

type Asked = Pick<Handlers<typeof imageService>, "upload" | "write" | "complete" | "ticket">;
type ImageRow = RowOf<typeof image>;

export function uploadHandlers({ store, clock, holders: own }: UploadOptions): Asked {
  const ask = async <Answer>(
    row: Pick<ImageRow, "holder">,
    context: CallContext,
    work: (holder: ImageHolder, options: { readonly timeoutMs: number }) => Promise<Answer>,
  ): Promise<Answer> => {
    const holders = needed(own);
    const { holder } = row;
    const left = leftOf(context, clock);
    if (holder === null || holder === holders.server) return work(holders.own, left);
    return askedOf(holder, work(holders.other(holder), left));
  };
  const found = (context: CallContext): Promise<ImageRow> => findOwnRow(image, context, store.rows);
  const shown = async (context: CallContext) => {
    const [one] = await shownTo([await found(context)], { context, listed: false }, store.rows);
    if (one === undefined) throw new StatusError("internal", "The image was not shown.");
    return one;
  };
  /** Once more by the row as it is, when another controller was faster to begin. */
  const again = <Answer>(work: () => Promise<Answer>): Promise<Answer> =>
    work().catch((thrown: unknown) => {
      if (thrown instanceof StatusError && thrown.reason === "imageElsewhere") return work();
      throw thrown;
    });
  return {
    upload: async ({ sizeBytes }, context) => {
      const { upload } = await again(async () => {
        const row = await found(context);
        return ask(row, context, (holder, left) => holder.upload({ imageId: row.id, sizeBytes }, left));
      });
      return { image: await shown(context), upload };
    },
    write: async (piece, context) => {
      const row = await found(context);
      return ask(row, context, (holder, left) => holder.write({ imageId: row.id, ...piece }, left));
    },
    complete: async (said, context) => {
      const row = await found(context);
      await ask(row, context, (holder, left) => holder.complete({ imageId: row.id, ...said }, left));
      return { image: await shown(context) };
    },
    ticket: async ({ part }, context) => {
      const row = await findRow(image, context, store.rows);
      const { sha256, sizeBytes } = fileOf(row, part, context);
      const asked = { sha256, who: context.project };
      const here = await ownTicket(needed(own), asked, leftOf(context, clock));
      const { download } =
        here ??
        (await fromElsewhere(row, needed(own).server, () =>
          ask(row, context, (holder, left) => holder.fetch(asked, left)),
        ));
      return { download, sha256, sizeBytes };
    },
  };
}

/** @throws noImageBytes */
function needed(holders: ImageHolders | undefined): ImageHolders {
  if (holders === undefined)
    throw new StatusError("noImageBytes", "This controller takes and gives no images.");
  return holders;
}

/** What other controllers of the same store have is here as well. Undefined: it is not here. */
const ownTicket = (
  { own }: ImageHolders,
  asked: { readonly sha256: string; readonly who: string },
  left: { readonly timeoutMs: number },
) =>
  own.fetch(asked, left).catch((thrown: unknown) => {
    if (thrown instanceof StatusError && thrown.reason === "notFound") return undefined;
    throw thrown;
  });

/** @throws imageElsewhere when nobody else is known to have it */
function fromElsewhere<Answer>(
  { holder, name }: ImageRow,
  server: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  if (holder !== null && holder !== server) return ask();
  throw new StatusError("imageElsewhere", `No controller that is known has the files of the image ${name}.`);
}

type Part = "disk" | "kernel" | "ramdisk";

/** @throws imageNotActive, notFound */
function fileOf(row: ImageRow, part: Part | undefined, { project }: CallContext) {
  const { name, state, disk } = row;
  if (state !== "active" && !(state === "deactivated" && project === adminProject))
    throw new StatusError("imageNotActive", `The image ${name} is ${state}.`);
  const wanted = part ?? (disk === null ? "kernel" : "disk");
  const file = row[wanted];
  if (file === null) throw new StatusError("notFound", `The image ${name} has no ${wanted}.`);
  return file;
}
