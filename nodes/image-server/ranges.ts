/** Ranges of bytes in HTTP's headers, by value. Only one range, and only in bytes. Source: RFC 9110, 14. */
import { StatusError } from "../../protocol/wire/status.ts";

/** Both inclusive, as in HTTP. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

const digits = "\\d{1,15}";
const invalid = (message: string) => new StatusError("rangeInvalid", message);

/**
 * The bytes of a file that `Range` asks for; undefined: all, since there is no such header.
 * @throws INVALID_ARGUMENT rangeInvalid
 */
export function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const found = new RegExp(`^bytes=(${digits})?-(${digits})?$`).exec(header);
  const [, first, last] = found ?? [];
  if (found === null || (first === undefined && last === undefined))
    throw invalid("The range is none of bytes, or more than one.");
  const from = first === undefined ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const to = first === undefined || last === undefined ? sizeBytes - 1 : Number(last);
  if (from > to || from >= sizeBytes) throw invalid(`The file has ${sizeBytes} bytes, and not that range.`);
  return { from, to: Math.min(to, sizeBytes - 1) };
}

/** Where a body belongs, and how many bytes it has; undefined: as many as come. */
export interface Placed {
  readonly offset: number;
  readonly sizeBytes: number | undefined;
}

/**
 * Where a body belongs: `Content-Range: bytes A-B/TOTAL`, or `Upload-Offset: A`, or neither: at the
 * beginning. @throws INVALID_ARGUMENT rangeInvalid
 */
export function placeOf(headers: {
  readonly contentRange: string | undefined;
  readonly uploadOffset: string | undefined;
}): Placed {
  const { contentRange, uploadOffset } = headers;
  if (contentRange !== undefined && uploadOffset !== undefined)
    throw invalid("Content-Range and Upload-Offset were both sent.");
  if (contentRange !== undefined) return placeOfRange(contentRange);
  if (uploadOffset === undefined) return { offset: 0, sizeBytes: undefined };
  if (!new RegExp(`^${digits}$`).test(uploadOffset)) throw invalid("The offset is none.");
  return { offset: Number(uploadOffset), sizeBytes: undefined };
}

function placeOfRange(header: string): Placed {
  const found = new RegExp(`^bytes (${digits})-(${digits})/(${digits}|\\*)$`).exec(header);
  const [, first, last, total = ""] = found ?? [];
  const [offset, to] = [Number(first), Number(last)];
  if (found === null || offset > to || (total !== "*" && to >= Number(total)))
    throw invalid("The range of the body is none.");
  return { offset, sizeBytes: to - offset + 1 };
}
