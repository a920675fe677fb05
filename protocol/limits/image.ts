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
  /** Servers that a host is told of, from which it may get an image. */
  imageOriginsMax: 16,
  /** Hosts that a host may name from which it wants no image. */
  imagePeersShunnedMax: 16,
  /** Images that a host says it has, those first that were used last; and hex digits of each checksum. */
  imagesToldMax: 32,
  imageToldLength: 16,
} as const;
