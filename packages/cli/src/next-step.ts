import type { Output } from '@mir/builder';

/** What to do with an image that has arrived somewhere. */
export function nextStep(output: Output, name: string): string {
  switch (output.kind) {
    case 'embedded':
      return `Next: mir registry serve --listen 127.0.0.1:5000, then docker pull 127.0.0.1:5000/${name}`;
    case 'oci':
      return `Next: skopeo copy oci:${output.directory}:${output.name} DESTINATION`;
    case 'docker-archive':
      return `Next: docker load -i ${output.file}`;
    case 'registry':
      return `Next: docker pull ${name}`;
  }
}
