import { Fault } from '@mir/core';
import type { HttpClient } from '@mir/http';
import type { OciFaultCode } from '../fault.ts';
import { isObject } from '../image/wire.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { CredentialSource, Credentials } from './credentials.ts';

type Token = { readonly value: string; readonly expiresMilliseconds: number };

const shortestLifeSeconds = 60; // distribution's token spec: the default, and the least a server should give
const answerLimitBytes = 1024 * 1024;

/** What may be done with a repository, as token servers spell it (distribution, "Token Scope Documentation"). */
export function scopeOf(repository: string, ...actions: readonly ('pull' | 'push' | 'delete')[]): string {
  return `repository:${repository}:${[...actions].sort().join(',')}`;
}

/**
 * Gets requests to one registry past its door: Basic (RFC 7617) or Bearer with a token server (distribution's token
 * authentication). Learns the scheme from the registry once, keeps tokens by scope until they expire.
 */
export class Authorization {
  #registry: string;
  #baseUrl: string;
  #http: HttpClient;
  #source: CredentialSource | undefined;
  #challenge: Promise<Challenge | undefined> | undefined;
  #tokens = new Map<string, Promise<Token>>();

  constructor(registry: string, baseUrl: string, http: HttpClient, source: CredentialSource | undefined) {
    this.#registry = registry;
    this.#baseUrl = baseUrl;
    this.#http = http;
    this.#source = source;
  }

  /** The Authorization header for these scopes, or undefined when the registry wants none. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    this.#challenge ??= this.#ask();
    let challenge: Challenge | undefined;
    try {
      challenge = await this.#challenge;
    } catch (thrown) {
      this.#challenge = undefined;
      throw thrown;
    }
    if (challenge === undefined) return undefined;
    if (challenge.scheme === 'basic') {
      const credentials = await this.#source?.credentials(this.#registry);
      if (credentials === undefined) return undefined;
      if (credentials.kind === 'basic') return basic(credentials.username, credentials.password);
      throw this.#refused('it wants a user name and a password, and only a token is known for it');
    }
    return `Bearer ${await this.#token(challenge, scopes)}`;
  }

  /**
   * Forgets what was learned for these scopes, after the registry has refused it.
   *
   * @returns whether the source of the credentials has others now
   */
  async forget(scopes: readonly string[]): Promise<boolean> {
    this.#tokens.delete(keyOf(scopes));
    this.#challenge = undefined;
    return (await this.#source?.refused?.(this.#registry)) ?? false;
  }

  async #ask(): Promise<Challenge | undefined> {
    const response = await this.#http.send({ url: `${this.#baseUrl}/v2/` });
    await response.discard();
    if (response.status !== 401) return undefined;
    const challenges = parseChallenges(response.header('www-authenticate') ?? '');
    const usable =
      challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic');
    if (usable === undefined) throw this.#refused('it asks for a kind of sign-in that is not known here');
    return usable;
  }

  async #token(challenge: Challenge, scopes: readonly string[]): Promise<string> {
    const key = keyOf(scopes);
    const known = this.#tokens.get(key);
    if (known !== undefined) {
      const token = await known;
      if (token.expiresMilliseconds > Date.now()) return token.value;
    }
    const fetched = this.#fetchToken(challenge, scopes);
    this.#tokens.set(key, fetched);
    fetched.catch(() => this.#tokens.delete(key));
    return (await fetched).value;
  }

  async #fetchToken(challenge: Challenge, scopes: readonly string[]): Promise<Token> {
    const realm = this.#realmOf(challenge);
    const service = challenge.parameters.get('service');
    const credentials = await this.#source?.credentials(this.#registry);
    const response =
      credentials?.kind === 'identity-token'
        ? await this.#exchange(realm, service, scopes, credentials)
        : await this.#getToken(realm, service, scopes, credentials);
    if (response.status !== 200) {
      await response.discard();
      throw this.#refused(`its token server ${realm.host} answered ${response.status}`);
    }
    let answer: unknown;
    try {
      answer = JSON.parse(await response.text(answerLimitBytes));
    } catch (cause) {
      throw this.#refused(`the answer of its token server ${realm.host} is not JSON`, cause);
    }
    const value = isObject(answer) ? (answer['token'] ?? answer['access_token']) : undefined;
    if (!isObject(answer) || typeof value !== 'string' || value === '')
      throw this.#refused(`its token server ${realm.host} gave no token`);
    const expiresIn =
      typeof answer['expires_in'] === 'number'
        ? Math.max(answer['expires_in'], shortestLifeSeconds)
        : shortestLifeSeconds;
    // A tenth of its life early: a request under way must not outlive its token.
    return { value, expiresMilliseconds: Date.now() + expiresIn * 900 };
  }

  async #getToken(
    realm: URL,
    service: string | undefined,
    scopes: readonly string[],
    credentials: Extract<Credentials, { kind: 'basic' }> | undefined,
  ) {
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    const headers =
      credentials === undefined ? {} : { authorization: basic(credentials.username, credentials.password) };
    return await this.#http.send({ url: url.href, headers });
  }

  async #exchange(
    realm: URL,
    service: string | undefined,
    scopes: readonly string[],
    credentials: Extract<Credentials, { kind: 'identity-token' }>,
  ) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: credentials.token,
      client_id: 'managed-image-registry',
      scope: scopes.join(' '),
    });
    if (service !== undefined) form.set('service', service);
    return await this.#http.send({
      url: realm.href,
      method: 'POST',
      repeatable: true,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(form.toString()),
    });
  }

  #realmOf(challenge: Challenge): URL {
    const realm = URL.parse(challenge.parameters.get('realm') ?? '');
    if (realm === null || !/^https?:$/.test(realm.protocol)) throw this.#refused('it names no token server');
    if (realm.protocol === 'http:' && !this.#baseUrl.startsWith('http:')) {
      throw new Fault<OciFaultCode>('registry/insecure', {
        what: `Registry ${this.#registry} sends its clients to the token server ${realm.host} without encryption`,
        subject: this.#registry,
        hint: 'Have the registry’s administrator give its token server an https address.',
      });
    }
    return realm;
  }

  #refused(why: string, cause?: unknown): Fault<OciFaultCode> {
    return new Fault<OciFaultCode>('registry/unauthorized', {
      what: `Registry ${this.#registry} cannot be signed in to: ${why}`,
      subject: this.#registry,
      hint: 'Check the credentials for this registry (for example with `docker login`).',
      cause,
    });
  }
}

function keyOf(scopes: readonly string[]): string {
  return [...scopes].sort().join(' ');
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
