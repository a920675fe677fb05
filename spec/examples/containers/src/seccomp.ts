/**
 * The system calls that a container may make: a list of those that programs need. Every other call answers
 * ENOSYS, those of later kernels too. Left out are mounts and namespaces, modules, keys, clocks, tracing of
 * processes, BPF, io_uring, memory of other NUMA nodes, chroot and device nodes. Programs of another
 * architecture than the kernel's own are ended. The tool that unpacks an image has fewer: it reads files and
 * writes files.
 */

/** Flags of clone(2) that make a namespace: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const namespaceFlags = 0x7e02_0000;
const noSuchCall = 38;

// From <asm/unistd.h> of x86-64; a name that another architecture does not have allows nothing there.
const allowed = `
  accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres
  clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3
  epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve
  execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchown
  fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs
  fsync ftruncate futex futex_waitv futimesat get_robust_list get_thread_area getcpu getcwd getdents
  getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid
  getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid
  gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
  io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set
  kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat
  listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise membarrier memfd_create
  mincore mkdir mkdirat mlock mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open
  mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall
  munmap nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
  pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 pselect6
  pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg
  removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending
  rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
  sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
  sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg
  sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups
  setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt
  setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socket
  socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee
  tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
  timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat
  utimes vfork wait4 waitid write writev
`;

const names = allowed.trim().split(/\s+/);
const refusing = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: noSuchCall } as const;

export const seccompProfile = {
  ...refusing,
  syscalls: [
    { names, action: "SCMP_ACT_ALLOW" },
    {
      // The flags of clone3 are in memory, where no filter can look: programs fall back to clone.
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    },
  ],
} as const;

/** Neither a network, nor other processes, nor what they share: by the beginnings of the calls' names. */
const notOfTool = new RegExp(
  `^(?:${[
    ...["accept", "bind", "connect", "listen", "socket", "send", "recv", "shutdown", "getpeername"],
    ...["getsockname", "getsockopt", "setsockopt", "shm", "sem", "msg", "mq_", "io_", "inotify_", "memfd_"],
    ...["fork", "vfork", "kill", "tkill", "tgkill", "pidfd_", "rt_sigqueue", "rt_tgsig", "sched_set"],
    ...["setpriority", "ioprio_set", "timer", "landlock_"],
  ].join("|")})`,
);

/** Bits of a mode that say what kind a file is, and those of a named pipe. */
const [kindOfFile, namedPipe] = [0xf000, 0x1000];
const onlyPipes = (name: string, index: number) => ({
  ...({ names: [name], action: "SCMP_ACT_ALLOW" } as const),
  args: [{ index, value: kindOfFile, valueTwo: namedPipe, op: "SCMP_CMP_MASKED_EQ" }],
});

/** Of the tool that unpacks an image: an archive may hold named pipes, and makes no other nodes. */
export const toolProfile = {
  ...refusing,
  syscalls: [
    { names: names.filter((name) => !notOfTool.test(name)), action: "SCMP_ACT_ALLOW" },
    onlyPipes("mknod", 1),
    onlyPipes("mknodat", 2),
  ],
} as const;
