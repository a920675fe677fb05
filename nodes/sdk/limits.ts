/** Limits of the SDK: how the bytes of images are sent and fetched. They are never configured. */
export const sdkLimits = {
  /** How often it is asked whether an image that is verified is active yet. */
  imagePollMs: 500,
  /** A file up to this size goes over the bus; a larger one by HTTP, in pieces of the other length. */
  imageBusBytesMax: 1024 ** 2,
  imagePieceBytes: 8 * 1024 ** 2,
  /** How long a transfer goes on trying without a byte of progress: a controller is back by then. */
  transferPatienceMs: 120_000,
} as const;
