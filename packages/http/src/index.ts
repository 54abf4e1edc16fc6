export { type KnownAddresses, knownAddresses, learnAddresses } from './addresses.ts';
export type { Download, DownloadOptions } from './download.ts';
export { HttpClient, type HttpClientOptions, type HttpRequest } from './http-client.ts';
export { type HttpFaultCode, shownUrl, statusFault, statusOf } from './http-fault.ts';
export type { HttpResponse } from './http-response.ts';
