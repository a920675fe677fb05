/**
 * The modes of the files that our processes make, and those of the programs that they start (initdb,
 * PostgreSQL, NATS, QEMU), whatever the umask of the shell: others may read and pass through, but not write.
 * Guests and PostgreSQL run as users of their own and have to get to their directories; secrets are made with
 * modes of their own (0600, 0700), which this mask leaves alone.
 *
 * Imported for its effect, as the first import of each program of ours, so that nothing is made before.
 */
process.umask(0o022);
