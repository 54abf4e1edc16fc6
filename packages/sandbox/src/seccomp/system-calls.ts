/** Machines that sandboxes run on, by Node's names. */
export type Machine = 'x64' | 'arm64';

/** What the kernel calls a machine in its audit interface (linux/audit.h). */
export const auditArchitectures: Readonly<Record<Machine, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

/** A call's number on amd64 and on arm64; undefined where there is none. */
type Numbers = readonly [x64: number, arm64: number | undefined];

/** The number of a call on a machine. */
export function numberOn(machine: Machine, numbers: Numbers): number | undefined {
  return machine === 'x64' ? numbers[0] : numbers[1];
}

/** The newest call that is let through. What came after it (`setxattrat`) nobody has looked at yet. */
export const newestKnownCall = 462;

/** From here on amd64 counts the calls of another architecture of its own, x32. */
export const firstX32Call = 0x4000_0000;

/** Calls that a sandbox has no use for: each looks into other processes, changes the machine, or is a door that was broken before. */
export const refusedCalls = {
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  process_madvise: [440, 440],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  setns: [308, 268],
  unshare: [272, 97],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  create_module: [174, undefined],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  get_kernel_syms: [177, undefined],
  query_module: [178, undefined],
  open_by_handle_at: [304, 265],
  acct: [163, 89],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  syslog: [103, 116],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  uselib: [134, undefined],
  sysfs: [139, undefined],
  _sysctl: [156, undefined],
  vhangup: [153, 58],
  modify_ldt: [154, undefined],
  move_pages: [279, 239],
  migrate_pages: [256, 238],
  fanotify_init: [300, 262],
} as const satisfies Readonly<Record<string, Numbers>>;

/** Refused to users, who need no other root; installing packages does. */
export const chrootCall = [161, 51] as const satisfies Numbers;

/**
 * Calls that are said not to exist, so that programs take the older way: what clone3 is asked for lies in memory, where a filter cannot
 * see it, and io_uring makes calls that no filter sees.
 */
export const hiddenCalls = {
  clone3: [435, 435],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
} as const satisfies Readonly<Record<string, Numbers>>;

/** Calls that are let through or not by what they are asked for. */
export const judgedCalls = {
  clone: [56, 220],
  ioctl: [16, 29],
  socket: [41, 198],
  socketpair: [53, 199],
} as const satisfies Readonly<Record<string, Numbers>>;
