/** Parts of undici that can be loaded alone: that takes 23 ms where all of it takes 57. */

declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici';

  // biome-ignore lint/style/noDefaultExport: it is how undici exports its parts
  export { Agent as default };
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';

  /** As `undici.request`, for a dispatcher that it is called on. */
  // biome-ignore lint/style/noDefaultExport: it is how undici exports its parts
  export default function request(
    this: Dispatcher,
    options: Dispatcher.RequestOptions,
  ): Promise<Dispatcher.ResponseData>;
}
