import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { arch } from 'node:process';
import { after, test } from 'node:test';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import { systemCallFilter } from '../src/seccomp/filter.ts';
import { Fixture } from './fixture.ts';
import { foreignCallProgram, type SystemCall, systemCallProgram } from './system-call-program.ts';

const fixture = await Fixture.open(cleanupOf({ after }));
const { EPERM, ENOSYS, EAFNOSUPPORT, EBADF, EINVAL } = constants.errno;
const newUserNamespace = 0x1000_0000;

/** Calls, and the error that each gets in a sandbox. Without the filter it would be another, or none. */
const calls: readonly (SystemCall & { readonly name: string; readonly error: number })[] = [
  { name: 'ptrace(PTRACE_TRACEME)', x64: 101, arm64: 117, arguments: [0, 0, 0, 0], error: EPERM },
  { name: 'process_vm_readv', x64: 310, arm64: 270, arguments: [1, 0, 0, 0, 0, 0], error: EPERM },
  { name: 'process_vm_writev', x64: 311, arm64: 271, arguments: [1, 0, 0, 0, 0, 0], error: EPERM },
  { name: 'pidfd_getfd', x64: 438, arm64: 438, arguments: [-1, 0, 0], error: EPERM },
  { name: 'mount', x64: 165, arm64: 40, error: EPERM },
  { name: 'fsopen', x64: 430, arm64: 430, error: EPERM },
  { name: 'open_tree', x64: 428, arm64: 428, arguments: [-1, 0, 0], error: EPERM },
  { name: 'pivot_root', x64: 155, arm64: 41, error: EPERM },
  { name: 'setns', x64: 308, arm64: 268, arguments: [-1, 0], error: EPERM },
  { name: 'unshare(CLONE_NEWUSER)', x64: 272, arm64: 97, arguments: [newUserNamespace], error: EPERM },
  { name: 'clone(CLONE_NEWUSER)', x64: 56, arm64: 220, arguments: [newUserNamespace | 17, 0, 0, 0, 0], error: EPERM },
  { name: 'clone3', x64: 435, arm64: 435, arguments: [0, 0], error: ENOSYS },
  { name: 'keyctl', x64: 250, arm64: 219, arguments: [0, -3, 0], error: EPERM },
  { name: 'add_key', x64: 248, arm64: 217, error: EPERM },
  { name: 'bpf', x64: 321, arm64: 280, arguments: [0, 0, 0], error: EPERM },
  { name: 'perf_event_open', x64: 298, arm64: 241, error: EPERM },
  { name: 'userfaultfd', x64: 323, arm64: 282, arguments: [1], error: EPERM },
  { name: 'io_uring_setup', x64: 425, arm64: 425, arguments: [0, 0], error: ENOSYS },
  { name: 'finit_module', x64: 313, arm64: 273, arguments: [-1, 0, 0], error: EPERM },
  { name: 'kexec_load', x64: 246, arm64: 104, error: EPERM },
  { name: 'open_by_handle_at', x64: 304, arm64: 265, arguments: [-1, 0, 0], error: EPERM },
  { name: 'ioctl(TIOCSTI)', x64: 16, arm64: 29, arguments: [-1, 0x5412, 0], error: EPERM },
  { name: 'ioctl(TIOCSTI) hidden', x64: 16, arm64: 29, arguments: [-1, 0x1_0000_5412n, 0], error: EPERM },
  { name: 'ioctl(TIOCLINUX)', x64: 16, arm64: 29, arguments: [-1, 0x541c, 0], error: EPERM },
  { name: 'ioctl(TCGETS)', x64: 16, arm64: 29, arguments: [-1, 0x5401, 0], error: EBADF },
  { name: 'socket(AF_VSOCK)', x64: 41, arm64: 198, arguments: [40, 1, 0], error: EAFNOSUPPORT },
  { name: 'socket(AF_ALG)', x64: 41, arm64: 198, arguments: [38, 5, 0], error: EAFNOSUPPORT },
  { name: 'socket(AF_NETLINK, NETFILTER)', x64: 41, arm64: 198, arguments: [16, 3, 12], error: EAFNOSUPPORT },
  { name: 'socket(AF_NETLINK, ROUTE)', x64: 41, arm64: 198, arguments: [16, 3, 0], error: 0 },
  { name: 'socket(AF_INET)', x64: 41, arm64: 198, arguments: [2, 1, 0], error: 0 },
  { name: 'chroot', x64: 161, arm64: 51, error: EPERM },
  { name: 'a call of the future', x64: 600, arm64: 600, error: ENOSYS },
  { name: 'pipe2 with nonsense', x64: 293, arm64: 59, arguments: [0, -1], error: EINVAL },
];

test('calls that look into others, change mounts or namespaces, or reach the kernel otherwise are refused', async () => {
  const files = calls.map((call, at) => ({
    path: `/work/call-${at}`,
    isExecutable: true,
    content: systemCallProgram(call),
  }));
  const script = calls.map((_, at) => `/work/call-${at}; echo $?`).join('\n');
  const { stdout } = await fixture.run(['sh', '-c', script], { files });
  const found = stdout.trim().split('\n').map(Number);
  const named = (errors: readonly number[]) => calls.map(({ name }, at) => `${name}: ${errors[at]}`);
  assert.deepEqual(named(found), named(calls.map(({ error }) => error)));
});

test('calls of another architecture end the program', { skip: arch !== 'x64' && 'only amd64 has them' }, async () => {
  const x32 = systemCallProgram({ x64: 0x4000_0000 + 39, arm64: 0 });
  for (const content of [foreignCallProgram(), x32]) {
    const { end } = await fixture.run(['/work/call'], { files: [{ path: '/work/call', isExecutable: true, content }] });
    assert.deepEqual(end.outcome, { kind: 'signalled', signal: 'SIGSYS' });
  }
});

/** What a filter answers, worked out as the kernel does (struct seccomp_data, classic BPF). */
function answerOf(filter: Uint8Array, data: Buffer): number {
  const view = Buffer.from(filter);
  for (let at = 0, value = 0; ; at += 1) {
    const [code, operand] = [view.readUInt16LE(at * 8), view.readUInt32LE(at * 8 + 4)];
    if (code === 0x06) return operand;
    if (code === 0x20) value = data.readUInt32LE(operand);
    else {
      const holds = { 21: value === operand, 37: value > operand, 53: value >= operand, 69: (value & operand) !== 0 };
      at += view.readUInt8(at * 8 + (holds[code as keyof typeof holds] ? 2 : 3));
    }
  }
}

test('the filters of both machines refuse the same calls', () => {
  for (const machine of ['x64', 'arm64'] as const) {
    const filter = systemCallFilter(machine, false);
    for (const call of calls) {
      const data = Buffer.alloc(64);
      data.writeUInt32LE(call[machine], 0);
      data.writeUInt32LE(machine === 'x64' ? 0xc000003e : 0xc00000b7, 4);
      for (const [at, word] of (call.arguments ?? []).entries())
        data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(word)), 16 + at * 8);
      const answer = answerOf(filter, data);
      const isLetThrough = [0, EBADF, EINVAL].includes(call.error);
      assert.equal(answer, isLetThrough ? 0x7fff_0000 : 0x5_0000 + call.error, `${call.name} on ${machine}`);
      data.writeUInt32LE(0x4000_0003, 4);
      assert.equal(answerOf(filter, data), 0x8000_0000);
    }
  }
});
