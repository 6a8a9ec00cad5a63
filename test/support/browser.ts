import { existsSync } from 'node:fs';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a Chromium is on this system; `undefined` where there is none. */
export const chromiumPath = [process.env.CHROMIUM_PATH, ...places].find(
  (path) => path !== undefined && existsSync(path),
);

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The system's Chromium, with nothing in it. */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: chromiumPath as string, args: flags });
}

/** A window, and what went wrong in it. */
export type Window = AsyncDisposable & {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page says went wrong, as what its Content-Security-Policy forbids. */
  readonly complaints: string[];
  /** All that was asked for. */
  readonly requests: string[];
};

export async function openWindow(browser: Browser, options: BrowserContextOptions = {}): Promise<Window> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  return { page, context, complaints, requests, [Symbol.asyncDispose]: () => context.close() };
}
