import { createHash, type Hash, hash } from 'node:crypto';
import { pythonFault } from '../fault.ts';
import type { RecordRow } from './record.ts';

/** Compares the contents of one file with what RECORD says, and keeps its SHA-256 for the new RECORD. */
export class ContentProof {
  readonly #name: string;
  readonly #filename: string;
  readonly #row: RecordRow | undefined;
  readonly #expectedSha256: string | undefined;
  #sha256: Hash | undefined;
  #other: Hash | undefined;
  #sizeBytes = 0;

  /** `expectedSha256` (base64url) is that of a file that was read before and must not have changed. */
  constructor(name: string, filename: string, row: RecordRow | undefined, expectedSha256: string | undefined) {
    this.#name = name;
    this.#filename = filename;
    this.#row = row;
    this.#expectedSha256 = expectedSha256;
  }

  /** Takes a part of the contents; {@link finish} ends them. */
  add(bytes: Uint8Array): void {
    this.#sha256 ??= createHash('sha256');
    this.#sha256.update(bytes);
    const algorithm = this.#otherAlgorithm();
    if (algorithm !== undefined) {
      this.#other ??= createHash(algorithm);
      this.#other.update(bytes);
    }
    this.#sizeBytes += bytes.length;
  }

  /** The SHA-256 in base64url of what was added. @throws Fault `wheel/wrong-record`, `wheel/header-mismatch` */
  finish(): string {
    if (this.#sha256 === undefined) return this.whole(new Uint8Array(0));
    return this.#compare(this.#sha256.digest('base64url'), this.#other?.digest('base64url'));
  }

  /** The same for contents that are at hand as a whole: most files, and one call instead of three. */
  whole(bytes: Uint8Array): string {
    this.#sizeBytes = bytes.length;
    const algorithm = this.#otherAlgorithm();
    const other = algorithm === undefined ? undefined : hash(algorithm, bytes, 'base64url');
    return this.#compare(hash('sha256', bytes, 'base64url'), other);
  }

  #otherAlgorithm(): string | undefined {
    const algorithm = this.#row?.hash?.algorithm;
    return algorithm === 'sha256' ? undefined : algorithm;
  }

  #compare(sha256: string, other: string | undefined): string {
    const found = other ?? sha256;
    const wanted = this.#row?.hash?.base64url;
    if (wanted !== undefined && wanted !== found) throw this.#wrong(`its sum is ${found} instead of ${wanted}`);
    const wantedBytes = this.#row?.sizeBytes;
    if (wantedBytes !== undefined && wantedBytes !== this.#sizeBytes) {
      throw this.#wrong(`it has ${this.#sizeBytes} bytes instead of ${wantedBytes}`);
    }
    if (this.#expectedSha256 !== undefined && this.#expectedSha256 !== sha256) {
      throw pythonFault('wheel/header-mismatch', {
        what: `${this.#filename} gave two different contents of "${this.#name}" when it was read twice`,
        subject: this.#filename,
        hint: 'Try again; if it stays so, the server sends different bytes for parts than for the whole.',
      });
    }
    return sha256;
  }

  #wrong(why: string): Error {
    return pythonFault('wheel/wrong-record', {
      what: `"${this.#name}" in ${this.#filename} is not the file that its RECORD names: ${why}`,
      subject: this.#filename,
      hint: 'Do not use this file: it was changed after it was built.',
    });
  }
}
