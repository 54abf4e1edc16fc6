// Uploads a blob of so many megabytes of noise to a registry: large-upload-process.ts HOST MEGABYTES; prints the peak memory in MB.
import { createCipheriv, createHash } from 'node:crypto';
import { RegistryClient } from '../src/index.ts';

const [registry = '', megabytes = ''] = process.argv.slice(2);
const zeros = Buffer.alloc(1 << 20);
const count = Number(megabytes);

/** Noise that is the same every time and that nobody has to hold. */
function* noise(): Iterable<Uint8Array> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  for (let at = 0; at < count; at += 1) yield cipher.update(zeros);
}

const hash = createHash('sha256');
for (const chunk of noise()) hash.update(chunk);
const digest = `sha256:${hash.digest('hex')}` as const;
const client = new RegistryClient({ registry });
const outcome = await client
  .repository('large/one')
  .uploadBlob({ mediaType: 'application/octet-stream', digest, size: count * zeros.length }, async function* () {
    yield* noise();
  });
await client.close();
if (outcome !== 'uploaded') throw new Error(outcome);
process.stdout.write(String(Math.ceil(process.resourceUsage().maxRSS / 1024)));
