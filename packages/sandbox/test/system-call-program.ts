import assert from 'node:assert/strict';
import { arch } from 'node:process';

/** One system call, by its numbers on amd64 and arm64, with up to six arguments. */
export type SystemCall = {
  readonly x64: number;
  readonly arm64: number;
  /** A text is passed by its address. */
  readonly arguments?: readonly (number | bigint | string)[];
  /** It does not exit: it keeps what the call gave it, and the processor busy, until it is ended. */
  readonly stays?: boolean;
};

const headerBytes = 64 + 56;
const loadAddress = 0x40_0000;

/**
 * A whole program that makes one system call and exits with the number of its error, or with 0. Made by hand, because no tool that
 * an image may have makes calls that are not let through.
 */
export function systemCallProgram(call: SystemCall): Uint8Array {
  const code = arch === 'arm64' ? arm64Code : x64Code;
  const placed = (address: number) =>
    (call.arguments ?? []).map((word) => (typeof word === 'string' ? BigInt(address) : word));
  const end = loadAddress + headerBytes + code(call, placed(0)).length;
  const text = call.arguments?.find((word) => typeof word === 'string') ?? '';
  return program(Buffer.concat([code(call, placed(end)), Buffer.from(`${text}\0`)]));
}

/** A program that makes a call of the i386 kind: another architecture's, on the same machine. */
export function foreignCallProgram(): Uint8Array {
  assert.equal(arch, 'x64');
  // mov eax, 20 (getpid); int 0x80; xor edi, edi; mov eax, 60 (exit); syscall
  return program(Buffer.from('b814000000cd8031ffb83c0000000f05', 'hex'));
}

function x64Code({ x64, stays }: SystemCall, words: readonly (number | bigint)[]): Buffer {
  const registers = ['48bf', '48be', '48ba', '49ba', '49b8', '49b9'];
  const loads = words.map((word, at) => Buffer.concat([Buffer.from(registers[at] ?? '', 'hex'), quad(word)]));
  const number = Buffer.alloc(5, 0xb8);
  number.writeUInt32LE(x64, 1);
  // syscall; jmp -2
  if (stays === true) return Buffer.concat([...loads, number, Buffer.from('0f05ebfe', 'hex')]);
  // syscall; mov rdi, rax; neg rdi; test rdi, rdi; jg +2; xor edi, edi; mov eax, 60; syscall
  return Buffer.concat([...loads, number, Buffer.from('0f054889c748f7df4885ff7f0231ffb83c0000000f05', 'hex')]);
}

function arm64Code({ arm64, stays }: SystemCall, words: readonly (number | bigint)[]): Buffer {
  const load = (register: number, word: number | bigint) =>
    [0, 1, 2, 3].map((half) => {
      const part = Number((BigInt.asUintN(64, BigInt(word)) >> BigInt(16 * half)) & 0xffffn);
      return (half === 0 ? 0xd2800000 : 0xf2800000) + half * 0x20_0000 + part * 32 + register;
    });
  // svc 0; neg x0, x0; cmp x0, 0; csel x0, x0, xzr, gt; mov x8, 93; svc 0
  const exit = [0xcb0003e0, 0xf100001f, 0x9a9fc000, 0xd2800ba8, 0xd4000001];
  // svc 0; b 0
  const rest = [0xd4000001, ...(stays === true ? [0x14000000] : exit)];
  const code = [...words.flatMap((word, at) => load(at, word)), ...load(8, arm64), ...rest];
  const bytes = Buffer.alloc(code.length * 4);
  for (const [at, instruction] of code.entries()) bytes.writeUInt32LE(instruction >>> 0, at * 4);
  return bytes;
}

/** The smallest ELF file that the kernel starts: one header, one piece, the code. */
function program(code: Buffer): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  header.write('7f454c46020101', 0, 'hex');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(arch === 'arm64' ? 183 : 62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(loadAddress + headerBytes), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(5, 68);
  header.writeBigUInt64LE(BigInt(loadAddress), 80);
  header.writeBigUInt64LE(BigInt(loadAddress), 88);
  header.writeBigUInt64LE(BigInt(headerBytes + code.length), 96);
  header.writeBigUInt64LE(BigInt(headerBytes + code.length), 104);
  header.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([header, code]);
}

function quad(word: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(word)));
  return bytes;
}
