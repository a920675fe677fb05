/** Limits of images that several rooms must agree on. They are never configured. */
export const imageLimits = {
  /** Images of one project, unless its quota says otherwise. */
  imagesPerProjectMax: 1_000,
  /** Projects that an image is shared with. Source: Glance's image_member_quota. */
  membersPerImageMax: 128,
  /**
   * Bytes of an upload in one message of the bus: in base64 they fit a client's body. Larger uploads go by
   * HTTP, which takes as many as come.
   */
  imageChunkBytesMax: 128 * 1024,
  imageChunkLengthMax: 174_764,
  /** How often a client asks whether an image that is verified is active yet. */
  imagePollMs: 500,
  /** A file up to this size goes over the bus; a larger one by HTTP, in pieces of this length. */
  imageBusBytesMax: 1024 ** 2,
  imagePieceBytes: 8 * 1024 ** 2,
  /** How long a transfer goes on trying without a byte of progress: a controller is back by then. */
  transferPatienceMs: 120_000,
} as const;
