import { constants } from 'node:os';
import {
  auditArchitectures,
  chrootCall,
  firstX32Call,
  hiddenCalls,
  judgedCalls,
  type Machine,
  newestKnownCall,
  numberOn,
  refusedCalls,
} from './system-calls.ts';

/** Instructions of classic BPF (linux/bpf_common.h), as far as filters need them. */
const load = 0x20;
const jumpIfEqual = 0x15;
const jumpIfGreater = 0x25;
const jumpIfNotBelow = 0x35;
const jumpIfAnyOf = 0x45;
const answer = 0x06;

/** Answers of a filter (linux/seccomp.h). */
const allow = 0x7fff_0000;
const kill = 0x8000_0000;
const refuseWith = (errorNumber: number) => 0x0005_0000 | errorNumber;
const refuse = refuseWith(constants.errno.EPERM);
const hide = refuseWith(constants.errno.ENOSYS);
const noSuchFamily = refuseWith(constants.errno.EAFNOSUPPORT);

/** Where a filter finds what is called (struct seccomp_data). */
const callAt = 0;
const architectureAt = 4;
/** The lower half of an argument: what the kernel itself looks at for these calls. Both machines are little endian. */
const argumentAt = (index: number) => 16 + 8 * index;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. CLONE_NEWTIME cannot be asked of clone. */
const newNamespaces = 0x7e02_0000;
/** TIOCSTI and TIOCLINUX type into a terminal; TIOCSETD loads drivers. */
const terminalRequests = [0x5412, 0x541c, 0x5423];
/** AF_UNIX, AF_INET, AF_INET6. Others, such as AF_VSOCK, are not bound to a network namespace, or are drivers that nobody needs. */
const families = [1, 2, 10];
const netlinkFamily = 16;

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number];

/**
 * The filter of system calls as bubblewrap takes it (struct sock_filter, one after the other).
 * @param mayChangeRoot for configuring OS packages
 */
export function systemCallFilter(machine: Machine, mayChangeRoot: boolean): Uint8Array {
  const refused = [...Object.values(refusedCalls), ...(mayChangeRoot ? [] : [chrootCall])];
  const program: Instruction[] = [
    [load, 0, 0, architectureAt],
    [jumpIfEqual, 1, 0, auditArchitectures[machine]],
    [answer, 0, 0, kill],
    [load, 0, 0, callAt],
    ...(machine === 'x64' ? when(jumpIfNotBelow, firstX32Call, [[answer, 0, 0, kill]]) : []),
    ...when(jumpIfGreater, newestKnownCall, [[answer, 0, 0, hide]]),
    ...Object.values(hiddenCalls).flatMap((numbers) => onCall(machine, numbers, [[answer, 0, 0, hide]])),
    ...onCall(machine, judgedCalls.clone, [
      [load, 0, 0, argumentAt(0)],
      ...when(jumpIfAnyOf, newNamespaces, [[answer, 0, 0, refuse]]),
      [answer, 0, 0, allow],
    ]),
    ...onCall(machine, judgedCalls.ioctl, [
      [load, 0, 0, argumentAt(1)],
      ...terminalRequests.flatMap((request) => when(jumpIfEqual, request, [[answer, 0, 0, refuse]])),
      [answer, 0, 0, allow],
    ]),
    ...onCall(machine, judgedCalls.socket, [
      [load, 0, 0, argumentAt(0)],
      ...families.flatMap((family) => when(jumpIfEqual, family, [[answer, 0, 0, allow]])),
      // Of netlink only routes, which getaddrinfo and getifaddrs ask for: protocol 0.
      ...when(jumpIfEqual, netlinkFamily, [
        [load, 0, 0, argumentAt(2)],
        ...when(jumpIfEqual, 0, [[answer, 0, 0, allow]]),
      ]),
      [answer, 0, 0, noSuchFamily],
    ]),
    ...onCall(machine, judgedCalls.socketpair, [
      [load, 0, 0, argumentAt(0)],
      ...when(jumpIfEqual, 1, [[answer, 0, 0, allow]]),
      [answer, 0, 0, noSuchFamily],
    ]),
    ...refused.flatMap((numbers) => onCall(machine, numbers, [[answer, 0, 0, refuse]])),
    [answer, 0, 0, allow],
  ];
  return encode(program);
}

function onCall(
  machine: Machine,
  numbers: readonly [number, number | undefined],
  then: readonly Instruction[],
): readonly Instruction[] {
  const number = numberOn(machine, numbers);
  return number === undefined ? [] : when(jumpIfEqual, number, then);
}

/** Instructions that are passed over unless what was loaded is so. */
function when(code: number, operand: number, then: readonly Instruction[]): readonly Instruction[] {
  return [[code, 0, then.length, operand], ...then];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [at, [code, whenTrue, whenFalse, operand]] of program.entries()) {
    bytes.writeUInt16LE(code, at * 8);
    bytes.writeUInt8(whenTrue, at * 8 + 2);
    bytes.writeUInt8(whenFalse, at * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, at * 8 + 4);
  }
  return bytes;
}
