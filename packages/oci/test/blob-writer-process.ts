// Writes a blob into the store named by the first argument; the second says what happens then.
import { BlobStore } from '../src/index.ts';
import { noise } from './registry-fixture.ts';

const [directory = '', ending = 'commit'] = process.argv.slice(2);
const store = await BlobStore.open(directory);
const writer = await store.write();
const content = noise(3_000_000);
for (let at = 0; at < content.length; at += 100_000) await writer.write(content.subarray(at, at + 100_000));
if (ending === 'commit') {
  process.stdout.write((await writer.commit()).digest);
} else {
  process.stdout.write('written');
  setInterval(() => {}, 1000);
}
